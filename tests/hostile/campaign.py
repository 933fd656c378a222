"""Runs attempts against the gate and holds each decision against the oracle's."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import psycopg

from tests.hostile import oracle
from tests.hostile.corpus import Corpus, sample
from tests.hostile.house import House, Run
from tests.hostile.oracle import Asked
from tests.hostile.scenes import SCENES, Scene

PER_RUN = 25
"""So many attempts are made with one run; then another is born."""
ALLOWED = frozenset({"authorised", "observed", "proposed"})
WELL = 8
"""So many times as much is tried where all is well."""


@dataclass(slots=True)
class Tally:
    """What came of a campaign."""

    attempts: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    guards: Counter[str] = field(default_factory=Counter)
    unauthorised: list[str] = field(default_factory=list)
    false_denials: list[str] = field(default_factory=list)
    wrong_reasons: list[str] = field(default_factory=list)
    unwritten: list[str] = field(default_factory=list)
    """Attempts that should be on record by themselves and are not."""
    told_only: int = 0
    """Past its budget and some more a run is told, and no longer written down."""
    strangers: int = 0
    """Requests for runs that never were: on record once an hour."""
    no_requests: int = 0
    """What is no text at all: PostgreSQL refuses the call itself."""

    def __post_init__(self) -> None:
        # From JSON, counts come as plain mappings.
        self.verdicts, self.guards = Counter(self.verdicts), Counter(self.guards)

    def add(self, other: "Tally") -> None:
        """Take another's counts in."""
        self.attempts += other.attempts
        self.verdicts += other.verdicts
        self.guards += other.guards
        for name in ("unauthorised", "false_denials", "wrong_reasons", "unwritten"):
            getattr(self, name).extend(getattr(other, name))
        for name in ("told_only", "strangers", "no_requests"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def clean(self) -> bool:
        """True where gate and oracle agree about everything, and all of it is on record."""
        wrong = (self.unauthorised, self.false_denials, self.wrong_reasons, self.unwritten)
        return not any(wrong)


@dataclass
class Campaign:
    """One house, one tally."""

    house: House
    tally: Tally = field(default_factory=Tally)
    due: dict[str, str] = field(default_factory=dict)
    """Action id -> verdict of what must be found in the ledger."""

    def scene(self, scene: Scene, card: str, attempts: list[Asked] | int) -> None:
        """Make the attempts of one card in one scene, with as many runs as they need."""
        dice = random.Random(f"{scene.name}:{card}:{self.house.dice.random()}")
        for run, share in self._runs(scene, card, attempts, dice):
            # After its birth: under the stop, nobody would be given its step.
            with scene.holds(self.house):
                scene.set(self.house, run)
                for asked in share:
                    self.attempt(scene, run, asked)
            self.end(run)

    def _runs(
        self, scene: Scene, card: str, attempts: list[Asked] | int, dice: random.Random
    ) -> Iterator[tuple[Run, list[Asked]]]:
        """Yield runs as the scene wants them, each with the attempts that it makes."""
        count = attempts if isinstance(attempts, int) else len(attempts)
        for begin in range(0, count, PER_RUN):
            size = min(PER_RUN, count - begin)
            self.house.an_hour_passes()
            run = self.house.run(card, *self.scope(card, dice), joined=scene.joined)
            corpus = Corpus(
                self.house.site.declared,
                run.life.ticket,
                [ref for ref in self.house.tickets if ref != run.life.ticket][-3:] or ["INC-1"],
                [*run.life.scope, *dice.sample(sorted(self.house.site.cis), 4)],
                card,
            )
            share = (
                sample(corpus, size, dice) if isinstance(attempts, int) else attempts[begin:][:size]
            )
            yield run, share

    def scope(self, card: str, dice: random.Random) -> tuple[str, ...]:
        """One CI, as the dispatcher gives it: mostly one that the card has a right on."""
        cis = self.house.site.cis
        rights = {right.ci_class for right in self.house.site.declared.cards[card].rights}
        fitting = [ref for ref, ci in cis.items() if ci.ci_class in rights] or list(cis)
        return (dice.choice(fitting if dice.random() < 0.8 else list(cis)),)

    def attempt(self, scene: Scene, run: Run, asked: Asked) -> str:
        """Make one attempt; returns what the gate decided."""
        life, tally = run.life, self.tally
        if scene.refresh and life.actions >= self._most(run) - 1:
            self._refresh(run)
        answer = self.house.ask(run, asked)
        tally.attempts += 1
        where = f"{scene.name}: {life.card} {asked!r:.300}"
        if isinstance(answer, psycopg.Error):
            return self._refused(where, asked, answer)
        if oracle.malformed(asked):
            tally.unauthorised += [f"{where}: unread"] if answer["verdict"] in ALLOWED else []
        else:
            self._hold(where, run, asked, answer)
        self._keep(run, asked, answer)
        return str(answer["verdict"])

    def _hold(self, where: str, run: Run, asked: Asked, answer: dict) -> None:
        """Hold a decision against the oracle's."""
        site, life, tally = self.house.site, run.life, self.tally
        broken, said = oracle.broken(site, life, asked), answer["verdict"]
        wanted = oracle.verdict(site, life, asked)
        tally.verdicts[said] += 1
        tally.guards[answer["guard"]] += 1
        found = (
            f"{where}: {said} {answer['guard']} {answer['reason']!r}, oracle {wanted} {set(broken)}"
        )
        if said in ALLOWED and said != wanted:
            tally.unauthorised.append(found)
        elif said == "denied" and wanted != "denied":
            tally.false_denials.append(found)
        elif said == "denied" and answer["guard"] not in broken:
            tally.wrong_reasons.append(found)

    def _refused(self, where: str, asked: Asked, fault: psycopg.Error) -> str:
        if oracle.no_text(asked):
            self.tally.no_requests += 1
        else:
            self.tally.unwritten.append(f"{where}: {fault}")
        return "refused"

    def _keep(self, run: Run, asked: Asked, answer: dict) -> None:
        """Count for the oracle, and remember what the ledger must hold."""
        if not run.life.exists:
            self.tally.strangers += 1
        elif oracle.recorded(self.house.site, run.life):
            self.due[str(answer["action_id"])] = answer["verdict"]
        else:
            self.tally.told_only += 1
        oracle.counted(self.house.site, run.life, asked, answer["verdict"])

    def _most(self, run: Run) -> int:
        return self.house.site.declared.cards[run.life.card].limits["max_actions"]

    def _refresh(self, run: Run) -> None:
        self.house.do(
            "owner", "UPDATE personas_run SET actions = 0 WHERE id = %s", run.step["run_id"]
        )
        run.life.actions = 0

    def end(self, run: Run) -> None:
        """Let nothing of the run lie in the way of the next one."""
        self.house.others = [*self.house.others[-3:], run]
        self.house.do("app", "SELECT gate.take_over(%s, 'ada', 'next')", run.life.ticket)
        self.house.do(
            "owner",
            "UPDATE personas_run SET state = 'cancelled', ended_at = clock_timestamp()"
            " WHERE ticket_ref = %s AND ended_at IS NULL",
            run.life.ticket,
        )
        self.house.do(
            "owner",
            "UPDATE audit_work SET state = 'cancelled', lease_until = NULL WHERE kind = 'step'"
            " AND subject = (SELECT id::text FROM personas_run WHERE ticket_ref = %s)"
            " AND state IN ('ready', 'leased')",
            run.life.ticket,
        )

    def settle(self) -> None:
        """Let the recorder write, and look for every attempt in the ledger."""
        self.house.record()
        found = {
            row["subject"]: row["kind"].removeprefix("action.")
            for row in self.house.all(
                "app",
                "SELECT subject, kind FROM audit_entry WHERE subject = ANY (%s)"
                " AND kind IN ('action.authorised', 'action.denied', 'action.observed',"
                " 'action.proposed')",
                list(self.due),
            )
        }
        self.tally.unwritten += [
            f"{action} {verdict}: the ledger says {found.get(action)}"
            for action, verdict in self.due.items()
            if found.get(action) != verdict
        ]
        self.due.clear()


def whole(house: House, attempts: int) -> Tally:
    """Make so many attempts at least: each card has an equal share of each scene.

    Where all is well there are more: else hardly anything would be permitted, and a gate that
    denies everything would look good.
    """
    campaign = Campaign(house)
    cards = house.site.declared.dispatchable
    share = max(1, -(-attempts // (len(SCENES) * len(cards))))
    for scene in SCENES:
        for card in cards:
            campaign.scene(scene, card, share if scene.breaks else WELL * share)
        campaign.settle()
    return campaign.tally
