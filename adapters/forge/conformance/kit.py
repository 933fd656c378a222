"""The numbered cases of the forge contract.

Nothing is ever merged by them: that needs a person's approval, and none is given here.
"""

from typing import Final, get_args
from uuid import uuid4

from adapters.conformance import Case, Kit, Seen, refusal, same
from adapters.forge.conformance.bench import PAGES, WRITE, Bench
from adapters.forge.conformance.leftovers import BY
from adapters.forge.errors import (
    HeadMovedError,
    NotApprovedError,
    NotHereError,
    NotOpenError,
    PullNotFoundError,
)
from adapters.forge.port import Capability, File

NOWHERE: Final = 2_000_000_000
"""A number that no pull request has yet."""


def _capabilities(bench: Bench) -> Seen:
    has = bench.reader.capabilities
    return Seen(has <= set(get_args(Capability)), ", ".join(sorted(has)) or "none")


def _unknown(bench: Bench) -> Seen:
    return refusal(lambda: bench.reader.get(NOWHERE), PullNotFoundError)


def _unknown_key(bench: Bench) -> Seen:
    return same(bench.reader.find(uuid4()), None)


def _bounded(bench: Bench) -> Seen:
    found = bench.reader.pulls("open", limit=1)
    return Seen(len(found) <= 1, f"{len(found)} open")


def _newest_first(bench: Bench) -> Seen:
    numbers = [one.number for one in bench.reader.pulls("open", limit=20)]
    return same(numbers, sorted(numbers, reverse=True))


def _reads_back(bench: Bench) -> Seen:
    pulls = bench.pulls
    odd = [one.number for one in pulls if bench.reader.get(one.number).head != one.head]
    return Seen(not odd, f"{len(pulls)} read, {len(odd)} with another head")


def _by_path(bench: Bench) -> Seen:
    pulls = bench.pulls
    paths = [[change.path for change in bench.reader.changes(one.number)] for one in pulls]
    return Seen(all(each == sorted(set(each)) for each in paths), f"{sum(map(len, paths))} files")


def _reviews_in_turn(bench: Bench) -> Seen:
    at = [[said.at for said in bench.reader.reviews(one.number)] for one in bench.pulls]
    return Seen(all(each == sorted(each) for each in at), f"{sum(map(len, at))} reviews")


def _no_such_file(bench: Bench) -> Seen:
    return refusal(lambda: bench.reader.content(NOWHERE, "absent"), PullNotFoundError)


def _opened_once(bench: Bench) -> Seen:
    key = uuid4()
    first, again = bench.open(key), bench.open(key)
    there = bench.reader.look(first.number)
    seen = (again.number, there.key, there.head, there.state)
    return same(seen, (first.number, key, first.head, "open"))


def _files_read_back(bench: Bench) -> Seen:
    pull = bench.open()
    (change,) = bench.reader.changes(pull.number)
    content = bench.reader.content(pull.number, change.path)
    return same((change.kind, content), ("added", f"[{bench.marker}]\n".encode()))


def _unapproved(bench: Bench) -> Seen:
    pull = bench.open()
    return refusal(
        lambda: bench.writer.merge(pull.number, expected_head=pull.head, by="executor"),
        NotApprovedError,
    )


def _own_review(bench: Bench) -> Seen:
    pull = bench.open()
    return refusal(
        lambda: bench.reviewer.review(pull.number, "approved", head=pull.head, by=BY, why=""),
        NotHereError,
    )


def _pushed(bench: Bench) -> Seen:
    pull = bench.open()
    more = [File(f"{BY}/more.md", b"more\n")]
    moved = bench.writer.push(pull.number, more, expected_head=pull.head, by=BY)
    if moved.head == pull.head:
        return Seen(held=False, said=f"the head is {moved.head[:12]} still")
    return refusal(
        lambda: bench.writer.merge(pull.number, expected_head=pull.head, by="executor"),
        HeadMovedError,
    )


def _closed(bench: Bench) -> Seen:
    pull = bench.open()
    bench.writer.close(pull.number, by=BY, why="a check")
    if (state := bench.reader.look(pull.number).state) != "closed":
        return Seen(held=False, said=f"it is {state}")
    return refusal(
        lambda: bench.writer.merge(pull.number, expected_head=pull.head, by="executor"),
        NotOpenError,
    )


def _tidied(bench: Bench) -> Seen:
    pull = bench.open()
    bench.writer.close(pull.number, by=BY, why="a check")
    bench.writer.tidy(pull.number)
    bench.writer.tidy(pull.number)
    there = bench.reader.look(pull.number)
    return same((there.key, there.state), (pull.key, "closed"))


KIT: Final = Kit(
    "forge",
    (
        Case("It names what it can, by the port's words", "review, or nothing", _capabilities),
        Case("An unknown number is an error", "forge.pull_not_found", _unknown),
        Case("An unknown key finds nothing", "None", _unknown_key),
        Case("A list is bounded", "at most 1", _bounded),
        Case("A list is newest first", "by number, falling", _newest_first),
        Case("A pull request reads back", "with the head of the list", _reads_back),
        Case("Changes are told by path, once", "in order", _by_path),
        Case("Reviews come in turn", "oldest first", _reviews_in_turn),
        Case("A file that is not there is an error", "forge.pull_not_found", _no_such_file),
        Case("What is opened twice is opened once", "one, by its key", _opened_once, WRITE),
        Case("What is opened reads back", "added, its bytes", _files_read_back, WRITE),
        Case("Nobody's approval merges nothing", "forge.not_approved", _unapproved, WRITE),
        Case("Our account reviews nothing", "forge.not_here", _own_review, PAGES),
        Case("A push makes another head", "forge.head_moved", _pushed, WRITE),
        Case("What is closed is not merged", "forge.not_open", _closed, WRITE),
        Case("To tidy twice does no harm", "known by its key still", _tidied, WRITE),
    ),
    Bench,
)
