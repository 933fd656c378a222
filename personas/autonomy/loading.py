"""Brings the site's numbers and the evaluation set's outcomes into rows; run by the owner alone."""

from collections.abc import Mapping, Sequence
from typing import Final

from django.db import transaction

from adapters import registry
from adapters.inference.rendering import prompt_digest
from adapters.json_value import JSON
from audit.ledger import pending
from personas import conf
from personas.autonomy.models import Evaluated, Evaluation, Policy
from personas.cards import read_cards
from personas.catalogue import read_catalogue
from personas.errors import BadDeclarationError
from personas.evaluation.asking import ask_all
from personas.evaluation.cases import SHIPPED, case_digest, read_cases
from personas.evaluation.scoring import GRADES, Score, Verdict, by_card, is_sound

RULES: Final = "rules"


@transaction.atomic
def load_policy(declared: Mapping[str, float]) -> list[str]:
    """Make the site's numbers the declared ones; returns what changed."""
    before = dict(Policy.objects.values_list("name", "value"))
    Policy.objects.exclude(name__in=declared).delete()
    for name, value in declared.items():
        Policy.objects.update_or_create(name=name, defaults={"value": value})
    return [
        f"number {name} {declared.get(name, 'default')}"
        for name in sorted(before.keys() | declared.keys())
        if before.get(name) != declared.get(name)
    ]


def load_evaluated() -> list[str]:
    """Ask the rules as they are loaded here every case, and keep what came of it.

    Raises:
        BadDeclarationError: the set has a fault.
    """
    pinned, _ = read_catalogue(conf.playbooks_folder())
    entries = {entry.name: entry.document for entry in pinned}
    read, _ = read_cards(conf.cards_folder())
    cards = {card.document.name: card.document for card in read}
    cases, faults = read_cases(SHIPPED, entries, cards)
    if faults:
        raise BadDeclarationError("; ".join(map(str, faults)))
    verdicts = list(ask_all(registry.inference(), cases))
    changed = keep(RULES, verdicts)
    # Also where the outcomes are as before: another prompt or case is another evaluation.
    if changed or not _is_evaluated(RULES, verdicts):
        keep_evaluation(RULES, verdicts, by="site load")
    return changed


def _is_evaluated(engine: str, verdicts: Sequence[Verdict]) -> bool:
    cases = case_digest(SHIPPED)
    return all(
        Evaluation.objects.filter(
            card=card, engine=engine, prompt_digest=prompt_digest(card), set_digest=cases
        ).exists()
        for card in {verdict.card for verdict in verdicts}
    )


@transaction.atomic
def keep_evaluation(
    engine: str, verdicts: Sequence[Verdict], *, by: str, model_digest: str = ""
) -> list[str]:
    """Keep an evaluation as evidence of its cards, and its outcomes for the gate to count.

    Only of the cards that were asked; what others came to stays. On record, one entry per card.
    """
    changed = []
    cases = case_digest(SHIPPED)
    for each in by_card(verdicts):
        own = [verdict for verdict in verdicts if verdict.card == each.name]
        Evaluation.objects.create(
            card=each.name,
            engine=engine,
            model_digest=model_digest,
            prompt_digest=prompt_digest(each.name),
            set_digest=cases,
            figures=figures(each),
            by=by,
        )
        Evaluated.objects.filter(engine=engine, card=each.name).delete()
        Evaluated.objects.bulk_create(
            Evaluated(
                card=each.name,
                engine=engine,
                case=verdict.case,
                confidence=verdict.confidence,
                sound=is_sound(verdict.grade),
            )
            for verdict in own
            if verdict.acts
        )
        pending.note(
            kind="site.evaluated",
            subject=each.name,
            body={
                "card": each.name,
                "engine": engine,
                "asked": each.asked,
                "harmful": each.grades["harmful"],
                "sound": each.grades["right"] + each.grades["acceptable"],
                "prompt_digest": prompt_digest(each.name),
                "set_digest": cases,
                "model_digest": model_digest,
                "by": by,
            },
        )
        changed.append(f"evaluated {each.name} by {engine}")
    return changed


def figures(of: Score) -> dict[str, JSON]:
    """Return a score as it is kept."""
    known = of.calibration
    return {
        "asked": of.asked,
        **{grade: of.grades[grade] for grade in GRADES},
        "abstained": of.abstained,
        "outcomes": known.outcomes,
        "brier": known.brier,
        "ece": known.ece,
        "over": known.over,
        "lower": known.lower,
    }


@transaction.atomic
def keep(engine: str, verdicts: list[Verdict]) -> list[str]:
    """Keep what an engine stated wherever it would have acted on it; returns what changed."""
    acts = {(v.card, v.case): (v.confidence, is_sound(v.grade)) for v in verdicts if v.acts}
    rows = Evaluated.objects.filter(engine=engine)
    before = {
        (card, case): (confidence, sound)
        for card, case, confidence, sound in rows.values_list("card", "case", "confidence", "sound")
    }
    if before == acts:
        return []
    rows.delete()
    Evaluated.objects.bulk_create(
        Evaluated(card=card, engine=engine, case=case, confidence=confidence, sound=sound)
        for (card, case), (confidence, sound) in acts.items()
    )
    return [f"evaluated {engine}: {sum(s for _, s in acts.values())} of {len(acts)} sound"]
