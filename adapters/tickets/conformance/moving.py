"""Cases about moves: the table holds, whoever asks; of many who claim one wins; none is lost."""

from typing import Any, Final
from uuid import uuid4

from adapters.conformance import Case, Seen, refusal, same
from adapters.tickets.conformance.bench import DESK, RULE, Bench
from adapters.tickets.errors import (
    DraftRefusedError,
    FieldMissingError,
    MoveRefusedError,
    NotAllowedError,
)
from adapters.tickets.port import Claimed, Note

WRITERS: Final = 20
CLAIMANTS: Final = 6
AGENT: Final = Note("", "ethops-check", "agent")


def _a_life(bench: Bench) -> Seen:
    ref = bench.open("a life")
    bench.move(ref, "ev_assign", team="people")
    bench.move(ref, "ev_resolve", solution="Restarted.")
    bench.move(ref, "ev_reopen")
    bench.move(ref, "ev_resolve", solution="Restarted again.")
    bench.move(ref, "ev_close")
    states = [passage.state for passage in bench.reader.history(ref)]
    wanted = ["assigned", "resolved", "assigned", "resolved", "closed"]
    return same((states[-5:], bench.get(ref).reopens), (wanted, 1))


def _forbidden(bench: Bench) -> Seen:
    ref = bench.open("forbidden")
    seen = refusal(lambda: bench.move(ref, "ev_close"), MoveRefusedError)
    untouched = (bench.get(ref).state, len(bench.reader.worklog(ref))) == ("new", 1)
    return Seen(seen.held and untouched, f"{seen.said} Nothing written: {untouched}.")


def _not_for_agents(bench: Bench) -> Seen:
    ref = bench.open("not for agents")
    bench.move(ref, "ev_resolve", solution="Restarted.")
    return refusal(lambda: bench.move(ref, "ev_close", AGENT), NotAllowedError)


def _field_missing(bench: Bench) -> Seen:
    ref = bench.open("missing")
    return refusal(lambda: bench.move(ref, "ev_resolve"), FieldMissingError)


def _no_status(bench: Bench) -> Seen:
    ref = bench.open("status")
    sets: dict[str, Any] = {"team": "people", "state": "closed", "status": "closed"}
    seen = refusal(lambda: bench.move(ref, "ev_assign", **sets), DraftRefusedError)
    return Seen(seen.held and bench.get(ref).state == "new", f"{seen.said} {bench.get(ref).state}")


def _unknown_stimulus(bench: Bench) -> Seen:
    ref = bench.open("internal")
    return refusal(lambda: bench.move(ref, "ev_autoresolve"), MoveRefusedError)


def _moved_once(bench: Bench) -> Seen:
    ref, key = bench.open("once"), uuid4()
    for _ in range(2):
        bench.writer.move(key, ref, "ev_assign", {"team": "people"}, RULE)
    return same([one.state for one in bench.reader.history(ref)].count("assigned"), 1)


def _kept_at_once(bench: Bench) -> Seen:
    with bench.kept("appends") as ref:
        bench.at_once(
            lambda n: bench.writer.comment(uuid4(), ref, Note(f"line {n}", "ethops-check", "rule")),
            WRITERS,
        )
        said = {line.text for line in bench.reader.worklog(ref)}
        here = sum(f"line {n}" in said for n in range(WRITERS))
        if "elsewhere" in bench.cannot:
            return same(f"{here} kept", f"{WRITERS} kept")
        log = " ".join(text for _, text in bench.elsewhere.look(ref).private)
        there = sum(f"line {n}\n" in log for n in range(WRITERS))
        return same(f"{here} here, {there} there", f"{WRITERS} here, {WRITERS} there")


def _claim(bench: Bench, ref: str, who: str) -> Claimed:
    return bench.writer.claim(uuid4(), ref, "people", Note("", who, "person"), DESK)


def _one_winner(bench: Bench) -> Seen:
    with bench.kept("claims") as ref:
        said = bench.at_once(lambda n: _claim(bench, ref, f"check-{n}"), CLAIMANTS)
        winners, holders = sum(one.won for one in said), {one.holder for one in said}
        agreed = holders == {bench.get(ref).assignee}
        return Seen(winners == 1 and agreed, f"{winners} won, all say {', '.join(holders)}")


def _told_who(bench: Bench) -> Seen:
    ref = bench.open("held")
    first, second = _claim(bench, ref, "check-1"), _claim(bench, ref, "check-2")
    seen = (first.won, second.won, second.holder, second.deed)
    return same(seen, (True, False, "check-1", None))


MOVING: Final = (
    Case("The table leads to the end and back", "resolved, reopened, closed", _a_life),
    Case("A state takes no other stimulus", "tickets.move_refused, untouched", _forbidden),
    Case("Agents do not close", "tickets.not_allowed", _not_for_agents),
    Case("A needed field is asked for", "tickets.field_missing", _field_missing),
    Case("A state is never written as a field", "tickets.draft_refused", _no_status),
    Case("A stimulus that is none of the table is refused", "tickets.move_refused",
         _unknown_stimulus),
    Case("A key moves once", "1 passage", _moved_once),
    Case("Lines written at once are all kept", f"{WRITERS} kept", _kept_at_once, stays=True),
    Case("Of many who claim one wins", "1 won, and all say who", _one_winner, stays=True),
    Case("Who claims what is held is told by whom", "held by check-1", _told_who),
)  # fmt: skip
