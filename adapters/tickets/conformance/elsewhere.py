"""Cases about the system behind an adapter: it was told, and what people do there is respected."""

from typing import Final
from uuid import uuid4

from adapters.conformance import Case, Seen, refusal, same
from adapters.tickets.conformance.bench import Bench
from adapters.tickets.errors import TicketError
from adapters.tickets.port import Note

NEEDS: Final = "elsewhere"


def _right_log(bench: Bench) -> Seen:
    ref = bench.open("logs")
    for visibility in ("public", "private"):
        said = Note(f"{visibility} line", "ethops-check", "rule", visibility)
        bench.writer.comment(uuid4(), ref, said)
    there = bench.elsewhere.look(ref)
    public = sum("public line" in text for _, text in there.public)
    private = sum("private line" in text for _, text in there.private)
    crossed = sum("private line" in text for _, text in there.public)
    return same((public, private, crossed), (1, 1, 0))


def _moved_there(bench: Bench) -> Seen:
    ref = bench.open("moved")
    bench.move(ref, "ev_assign", team="people")
    assigned = bench.elsewhere.look(ref).state
    bench.move(ref, "ev_resolve", solution="Restarted.")
    return same((assigned, bench.elsewhere.look(ref).state), ("assigned", "resolved"))


def _dates_there_stay(bench: Bench) -> Seen:
    ref = bench.open("dates")
    before = bench.elsewhere.look(ref).public
    bench.writer.comment(uuid4(), ref, Note("later", "ethops-check", "rule"))
    after = bench.elsewhere.look(ref).public
    return Seen(after[: len(before)] == before and len(after) == len(before) + 1, str(after))


def _line_of_a_person(bench: Bench) -> Seen:
    ref = bench.open("a person")
    bench.elsewhere.say(ref, "I look at it.")
    for _ in range(2):
        bench.elsewhere.take_over(ref)
    found = [one for one in bench.reader.worklog(ref) if one.text == "I look at it."]
    return same([(one.author_kind, one.tainted) for one in found], [("person", True)])


def _ended_by_a_person(bench: Bench) -> Seen:
    ref = bench.open("ended there")
    bench.elsewhere.end(ref)
    refused = refusal(lambda: bench.move(ref, "ev_resolve", solution="Restarted."), TicketError)
    seen = (bench.get(ref).state, bench.elsewhere.look(ref).state)
    return Seen(refused.held and seen == ("closed", "closed"), f"{seen}; {refused.said}")


ELSEWHERE: Final = (
    Case("A line goes to the log of its visibility", "1 public, 1 private, none crossed",
         _right_log, NEEDS),
    Case("A move is made there", "assigned, then resolved", _moved_there, NEEDS),
    Case("Dates of its log are left alone", "the old lines as they were, and one more",
         _dates_there_stay, NEEDS),
    Case("A line of a person there is taken over", "once, as text from outside",
         _line_of_a_person, NEEDS),
    Case("What a person ended there stays ended", "closed on both sides; refused",
         _ended_by_a_person, NEEDS),
)  # fmt: skip
