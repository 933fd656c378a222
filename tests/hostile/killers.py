"""One guard out of many taken away: which attempt gets through then?

The attempts are found mechanically, by the oracle: those that break one rule and no other. What is
not caught by them is caught by nothing, so a guard without such an attempt is an untested guard.
"""

import random
from collections.abc import Iterator, Sequence
from itertools import chain, islice

import psycopg

from tests.hostile import oracle
from tests.hostile.campaign import ALLOWED, Campaign
from tests.hostile.corpus import Corpus
from tests.hostile.house import House, Run
from tests.hostile.mutants import without_guard
from tests.hostile.oracle import Asked
from tests.hostile.scenes import SCENES, Scene

MOST_TRIES = 40
"""So many attempts are made in vain before a guard counts as untested."""
PER_RUN = 4


def guards(house: House) -> list[str]:
    """Every guard that stands, in the order in which they are asked."""
    return [r["name"] for r in house.all("owner", "SELECT name FROM gate.guard ORDER BY position")]


def kill(house: House, guard: str) -> list[str]:
    """Take the guard away and return what is permitted now that must not be; put it back."""
    with without_guard(house, guard):
        return found(house, guard)


def found(
    house: House, rule: str, most_tries: int = MOST_TRIES, scenes: Sequence[Scene] = SCENES
) -> list[str]:
    """Make attempts that break this rule alone until one is permitted."""
    attempts = lonely(house, Campaign(house), rule, scenes)
    for scene, run, asked in islice(attempts, most_tries):
        answer = house.ask(run, asked)
        if not isinstance(answer, psycopg.Error):
            oracle.counted(house.site, run.life, asked, answer["verdict"])
            if answer["verdict"] in ALLOWED:
                return [f"{scene.name}: {asked!r:.200}"]
    return []


def lonely(
    house: House, campaign: Campaign, rule: str, scenes: Sequence[Scene]
) -> Iterator[tuple[Scene, Run, Asked]]:
    """Yield attempts that break this rule and nothing else, in scenes where they do."""
    dice = random.Random(rule)
    for scene in (each for each in scenes if each.breaks in {"", rule}):
        for card in house.site.declared.dispatchable:
            yield from _of_scene(house, campaign, rule, scene, card, dice)


def _of_scene(
    house: House, campaign: Campaign, rule: str, scene: Scene, card: str, dice: random.Random
) -> Iterator[tuple[Scene, Run, Asked]]:
    for scope in _scopes(house, card, dice):
        house.an_hour_passes()
        run = house.run(card, *scope, joined=scene.joined)
        corpus = Corpus(
            house.site.declared, run.life.ticket, house.tickets[-3:-1] or ["INC-1"],
            [*scope, *dice.sample(sorted(house.site.cis), 3)], card,
        )  # fmt: skip
        try:
            with scene.holds(house):
                scene.set(house, run)
                for asked in _of_run(house, run, rule, corpus):
                    yield scene, run, asked
        finally:
            campaign.end(run)


def _of_run(house: House, run: Run, rule: str, corpus: Corpus) -> Iterator[Asked]:
    good = list(corpus.well())
    always = frozenset.intersection(*(oracle.broken(house.site, run.life, a) for a in good))
    if always - {rule}:
        return  # the scene itself breaks another rule, whatever is asked
    yielded = 0
    # What follows from earlier attempts, such as a use too many, takes rounds.
    for asked in chain(good, good, good, () if rule in always else corpus.all()):
        if yielded >= PER_RUN:
            return
        if oracle.malformed(asked):
            continue
        if oracle.broken(house.site, run.life, asked) == {rule}:
            yielded += 1
            yield asked
        elif rule in {"uses", "command_uses"} and asked.label == "good" and asked.entry:
            _use(house, run, asked)


def _use(house: House, run: Run, asked: Asked) -> None:
    """Use up what may be used, where that is permitted."""
    if oracle.verdict(house.site, run.life, asked) != "denied":
        answer = house.ask(run, asked)
        oracle.counted(house.site, run.life, asked, answer["verdict"])


def _scopes(house: House, card: str, dice: random.Random) -> list[tuple[str, ...]]:
    """CIs that tempt: one that may be touched, a lifeline, one that is retired, an odd one."""
    cis = house.site.cis
    classes = {right.ci_class for right in house.site.declared.cards[card].rights}
    own = [ci for ci in cis.values() if ci.ci_class in classes]
    kinds = (
        [c.ref for c in own if not c.lifeline and not c.retired and not c.ref.startswith("odd")],
        [c.ref for c in own if c.lifeline],
        [c.ref for c in own if c.retired],
        [c.ref for c in own if c.ref.startswith("odd")],
        [c.ref for c in cis.values() if c.ci_class not in classes],
    )
    return [(dice.choice(refs),) for refs in kinds if refs] or [(dice.choice(sorted(cis)),)]
