"""Brings the site's numbers and the evaluation set's outcomes into rows; run by the owner alone."""

from collections.abc import Mapping
from typing import Final

from django.db import transaction

from adapters import registry
from personas import conf
from personas.autonomy.models import Evaluated, Policy
from personas.catalogue import read_catalogue
from personas.errors import BadDeclarationError
from personas.evaluation.asking import ask_all
from personas.evaluation.cases import SHIPPED, read_cases
from personas.evaluation.scoring import Verdict, is_sound

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
    cases, faults = read_cases(SHIPPED, entries)
    if faults:
        raise BadDeclarationError("; ".join(map(str, faults)))
    return keep(RULES, list(ask_all(registry.inference(), cases)))


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
