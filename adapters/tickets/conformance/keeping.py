"""Cases about what is opened and written: once by its key, read back as it was said."""

from dataclasses import replace
from typing import Final
from uuid import uuid4

from adapters.conformance import Case, Seen, refusal, same
from adapters.tickets.beside import File, Watcher
from adapters.tickets.conformance.bench import RULE, Bench
from adapters.tickets.errors import DraftRefusedError, KeyReusedError, TicketNotFoundError
from adapters.tickets.port import Link, Note

CONTENT: Final = bytes(range(256))


def _reads_back(bench: Bench) -> Seen:
    ticket = bench.get(bench.open("opened"))
    seen = (ticket.ticket_class, ticket.state, ticket.priority, ticket.description)
    titled = ticket.title == f"[{bench.marker}] opened"
    return Seen(titled and seen == ("incident", "new", "P4", "Opened by a check."), str(seen))


def _opened_once(bench: Bench) -> Seen:
    key, draft = uuid4(), bench.draft("once")
    first = bench.writer.open(key, draft)
    bench.opened.append(first.ref)
    again = bench.writer.open(key, draft)
    lines = len(bench.reader.worklog(first.ref))
    return Seen(again == replace(first, repeated=True) and lines == 1, f"{again}; {lines} lines")


def _key_of_another(bench: Bench) -> Seen:
    key = uuid4()
    bench.opened.append(bench.writer.open(key, bench.draft("key")).ref)
    return refusal(
        lambda: bench.writer.comment(key, bench.opened[-1], Note("x", "ethops-check", "rule")),
        KeyReusedError,
    )


def _found_by_key(bench: Bench) -> Seen:
    key = uuid4()
    before = bench.writer.find(key)
    deed = bench.writer.open(key, bench.draft("found"))
    bench.opened.append(deed.ref)
    return Seen(before is None and bench.writer.find(key) == deed, f"{before}, then {deed}")


def _folded(bench: Bench) -> Seen:
    cause = f"{bench.marker}/{uuid4()}"
    ref = bench.open("cause", cause_key=cause)
    deed = bench.writer.open(uuid4(), bench.draft("again", cause_key=cause))
    found = bench.reader.find_open_by_cause(cause)
    seen = (deed.outcome, deed.ref == ref, found is not None and found.repeats)
    return same(seen, ("folded_into", True, 1))


def _cause_is_free_again(bench: Bench) -> Seen:
    cause = f"{bench.marker}/{uuid4()}"
    ref = bench.open("ends", cause_key=cause)
    bench.move(ref, "ev_resolve", solution="It ended.")
    return same(bench.reader.find_open_by_cause(cause), None)


def _lines(bench: Bench) -> Seen:
    ref = bench.open("lines")
    for visibility in ("public", "private"):
        note = Note(f"{visibility} <b>ä€😀</b>", "ethops-check", "rule", visibility, tainted=True)
        bench.writer.comment(uuid4(), ref, note)
    seen = [(one.n, one.text, one.visibility, one.tainted) for one in bench.reader.worklog(ref)[1:]]
    return same(
        seen,
        [
            (2, "public <b>ä€😀</b>", "public", True),
            (3, "private <b>ä€😀</b>", "private", True),
        ],
    )


def _line_once(bench: Bench) -> Seen:
    ref, key, note = bench.open("line"), uuid4(), Note("once", "ethops-check", "rule")
    deeds = [bench.writer.comment(key, ref, note) for _ in range(2)]
    count = [line.text for line in bench.reader.worklog(ref)].count("once")
    return same((count, [one.repeated for one in deeds]), (1, [False, True]))


def _old_lines_stay(bench: Bench) -> Seen:
    ref = bench.open("dates")
    before = bench.reader.worklog(ref)
    bench.writer.comment(uuid4(), ref, Note("later", "ethops-check", "rule"))
    after = bench.reader.worklog(ref)
    in_turn = [one.at for one in after] == sorted(one.at for one in after)
    return Seen(
        after[: len(before)] == before and in_turn, f"{len(after)} lines, in turn: {in_turn}"
    )


def _empty_line(bench: Bench) -> Seen:
    ref = bench.open("empty")
    note = Note(" \x00\n", "ethops-check", "rule")
    return refusal(lambda: bench.writer.comment(uuid4(), ref, note), DraftRefusedError)


def _linked_once(bench: Bench) -> Seen:
    ref, problem = bench.open("linked"), bench.open("problem", of="problem")
    link = Link(ref, "caused_by", problem)
    for _ in range(2):
        bench.writer.link(uuid4(), link, RULE)
    return same((bench.reader.links(ref), bench.reader.links(problem)), ((link,), (link,)))


def _links_leave_others(bench: Bench) -> Seen:
    first, second = bench.open("one"), bench.open("two")
    problem = bench.open("problem", of="problem")
    for ref in (first, second):
        bench.writer.link(uuid4(), Link(ref, "caused_by", problem), RULE)
    return same({one.ref for one in bench.reader.links(problem)}, {first, second})


def _watchers_leave_others(bench: Bench) -> Seen:
    ref = bench.open("watched")
    one, two = (Watcher(ref, address=f"{name}@example.org") for name in ("one", "two"))
    for watcher in (one, two, two):
        bench.writer.watch(uuid4(), watcher, RULE)
    bench.writer.unwatch(uuid4(), one, RULE)
    return same([who.address for who in bench.reader.watchers(ref)], ["two@example.org"])


def _file(bench: Bench) -> Seen:
    ref = bench.open("file")
    file = File("check.bin", "application/octet-stream", CONTENT)
    n = bench.writer.attach(uuid4(), ref, file, RULE).line or 0
    (kept,) = bench.reader.attachments(ref)
    whole = bench.reader.content(ref, n) == CONTENT
    return same((kept.n == n, kept.name, kept.size, whole), (True, "check.bin", 256, True))


def _unknown(bench: Bench) -> Seen:
    return refusal(lambda: bench.reader.get("INC-0"), TicketNotFoundError)


def _pages(bench: Bench) -> Seen:
    mine = {bench.open(f"page {n}") for n in range(3)}
    found: list[str] = []
    after: str | None = None
    while page := bench.reader.open_tickets(ticket_class="incident", limit=50, after=after):
        found += [one.ref for one in page]
        after = found[-1]
    return Seen(
        mine <= set(found) and len(found) == len(set(found)),
        f"{len(found)} tickets, {len(set(found))} different, {len(mine & set(found))} of 3 of ours",
    )


def _no_secrets(bench: Bench) -> Seen:
    ref = bench.open("secrets")
    said = repr((bench.get(ref), bench.reader.worklog(ref), bench.reader.catalogue()))
    leaks = sum(secret in said for secret in bench.secrets)
    verbs = [name for name in ("open", "move", "comment", "link") if hasattr(bench.reader, name)]
    return same((leaks, verbs), (0, []))


KEEPING: Final = (
    Case("An opened ticket reads back", "class, state, priority, text", _reads_back),
    Case("A key opens one ticket", "the same deed, repeated; one line", _opened_once),
    Case("A key is of one verb", "tickets.key_reused", _key_of_another),
    Case("What a key did is found", "None, then the deed", _found_by_key),
    Case("An open cause takes a draft in", "folded, counted once", _folded),
    Case("A resolved cause is free", "no open incident", _cause_is_free_again),
    Case("Lines read back as said", "both, numbered, with their visibility", _lines),
    Case("A key writes one line", "1 line; repeated the second time", _line_once),
    Case("Old lines and their dates stay", "unchanged, in turn", _old_lines_stay),
    Case("An empty line is refused", "tickets.draft_refused", _empty_line),
    Case("A link is kept once", "one, seen from both ends", _linked_once),
    Case("A link leaves others alone", "both incidents", _links_leave_others),
    Case("A watcher leaves others alone", "the one who stays", _watchers_leave_others),
    Case("A file reads back to the byte", "256 bytes", _file),
    Case("An unknown ref is an error", "tickets.not_found", _unknown),
    Case("Pages hold each ticket once", "ours, and none twice", _pages),
    Case("A reader shows no secret and writes nothing", "0 leaks, no verb", _no_secrets),
)
