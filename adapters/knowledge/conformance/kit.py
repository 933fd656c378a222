"""The numbered cases of the knowledge contract: an index as it is, and what merging does to it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from adapters.conformance import Case, Kit, Seen, refusal, same
from adapters.knowledge.conformance.bench import FILLED, MEANING, WRITE, Bench
from adapters.knowledge.errors import DocumentNotFoundError, QueryRefusedError
from adapters.knowledge.port import MOST_PASSAGES, Embedder, Passage, Query

ODD: Final = "it's \"half a phrase & !( | :* <-> %_ \\ \x00"
"""What would mean something to a database that took it for its own language."""
FRONT: Final = """---
id: check-{name}
title: {title}
type: runbook
audience: both
owner: ethops-check
---
"""
FLOOD: Final = FRONT.format(name="flood", title="Water in the basement") + (
    "# First\n\nClose the main valve.\n\n## Then\n\nPump it out, and call the plumber.\n"
)
FIRE: Final = FRONT.format(name="fire", title="Smoke in the rack") + "Leave the room.\n"
SYNONYMS: Final = (("water", "flooded", "valve"), ("smoke", "burning", "room"))


def _numbers(texts: Sequence[str]) -> list[list[float]]:
    """Return for each text how much it is about water, and about fire."""
    return [
        [0.1 + sum(word in text.lower() for word in words) for words in SYNONYMS] for text in texts
    ]


MODEL: Final = Embedder("ethops-check", _numbers)


def _unknown(bench: Bench) -> Seen:
    return refusal(lambda: bench.reader.document("ethops-check-absent"), DocumentNotFoundError)


def _no_question(bench: Bench) -> Seen:
    return refusal(lambda: bench.reader.search(Query(" ")), QueryRefusedError)


def _too_many(bench: Bench) -> Seen:
    asked = Query("a", limit=MOST_PASSAGES + 1)
    return refusal(lambda: bench.reader.search(asked), QueryRefusedError)


def _unknown_tag(bench: Bench) -> Seen:
    found = bench.reader.search(Query(tags=(f"ci:{bench.marker}",)))
    return same(found.passages, ())


def _unknown_words(bench: Bench) -> Seen:
    return same(bench.reader.search(Query("ethopscheckabsent" * 3)).passages, ())


def _as_text(bench: Bench) -> Seen:
    found = bench.reader.search(Query(ODD))
    return Seen(held=True, said=f"{len(found.passages)} passages")


def _says_why(bench: Bench) -> Seen:
    found = bench.reader.search(Query("anything"))
    return Seen(found.meaning == "left_out" and bool(found.why), f"{found.meaning}: {found.why}")


def _fresh(bench: Bench) -> Seen:
    at = bench.reader.freshness()
    known = {bool(at.commit), at.indexed_at is not None}
    in_order = not (at.indexed_at and at.looked_at) or at.indexed_at <= at.looked_at
    empty = bool(at.commit) or not (at.documents or at.passages)
    return Seen(len(known) == 1 and in_order and empty, str(at))


def _tags_hold(bench: Bench) -> Seen:
    reader = bench.reader
    odd = [
        (tag.name, one.document)
        for tag in reader.tags()[:20]
        for one in reader.search(Query(tags=(tag.name,), limit=3)).passages
        if tag.name not in reader.document(one.document).tags
    ]
    return Seen(not odd, f"{len(reader.tags())} tags, {len(odd)} that found another's: {odd[:3]}")


def _tagged(bench: Bench) -> Seen:
    tags = [tag for tag in bench.reader.tags() if not tag.name.startswith("status:")][:20]
    odd = [
        tag.name
        for tag in tags
        if tag.documents != sum(tag.name in one.tags for one in bench.reader.tagged([tag.name]))
    ]
    both = [one.ref for one in bench.reader.tagged([tag.name for tag in tags])]
    once = both == sorted(set(both)) and not bench.reader.tagged([f"ci:{bench.marker}"])
    return Seen(not odd and once, f"{len(tags)} tags of {len(both)} documents, {len(odd)} amiss")


def _cited(bench: Bench) -> Seen:
    some = bench.some()
    odd = [one.cited for one in some if not _stands(bench, one)]
    return Seen(bool(some) and not odd, f"{len(some)} looked up, {len(odd)} do not stand there")


def _stands(bench: Bench, one: Passage) -> bool:
    there = bench.reader.document(one.document)
    lines = there.text.split("\n")[one.first_line - 1 : one.last_line]
    return (there.commit, "\n".join(lines)) == (one.commit, one.text)


def _same_again(bench: Bench) -> Seen:
    words = " ".join(one.title for one in bench.some(3))[:200]
    first, again = (bench.reader.search(Query(words, limit=20)) for _ in range(2))
    return Seen(first == again, f"{len(first.passages)} passages")


def _bounded(bench: Bench) -> Seen:
    words = bench.some(1)[0].title
    return same(len(bench.reader.search(Query(words, limit=1)).passages), 1)


def _merged(bench: Bench) -> Seen:
    bench.merge({"flood.md": FLOOD, "fire.md": FIRE})
    done = bench.follow()
    found = bench.reader.search(Query("plumber"))
    seen = [(one.document, one.commit == done.commit, one.found_by) for one in found.passages]
    return same(
        (done.added, seen), (("check-fire", "check-flood"), [("check-flood", True, "words")])
    )


def _on_a_branch(bench: Bench) -> Seen:
    bench.merge({"fire.md": FIRE})
    bench.merge({"flood.md": FLOOD}, branch="proposal")
    bench.follow()
    return same(_documents(bench, "plumber valve smoke"), ["check-fire"])


def _faulty(bench: Bench) -> Seen:
    bench.merge({"flood.md": FLOOD.replace("runbook", "poem"), "fire.md": FIRE})
    done = bench.follow()
    faults = [(one.path, one.line, bool(one.mend)) for one in done.faults]
    seen = (faults, bench.reader.faults() == done.faults, _documents(bench, "plumber smoke"))
    return same(seen, ([("flood.md", 4, True)], True, ["check-fire"]))


def _one_id(bench: Bench) -> Seen:
    bench.merge({"a.md": FIRE, "b.md": FIRE, "flood.md": FLOOD})
    faults = [one.path for one in bench.follow().faults]
    seen = (faults, _documents(bench, "plumber smoke room"))
    return same(seen, (["a.md", "b.md"], ["check-flood"]))


def _repeated(bench: Bench) -> Seen:
    bench.merge({"flood.md": FLOOD})
    bench.follow()
    done = bench.follow()
    return same((done.added, done.changed, done.removed), ((), (), ()))


def _gone(bench: Bench) -> Seen:
    bench.merge({"flood.md": FLOOD, "fire.md": FIRE})
    bench.follow()
    bench.merge({"flood.md": None})
    done = bench.follow()
    return same(
        (done.removed, _documents(bench, "plumber smoke")), (("check-flood",), ["check-fire"])
    )


def _moved(bench: Bench) -> Seen:
    bench.merge({"flood.md": FLOOD})
    bench.follow()
    bench.merge({"flood.md": None, "water/flood.md": FLOOD.replace("# First", "New.\n\n# First")})
    done = bench.follow()
    (one,) = bench.reader.search(Query("plumber")).passages
    seen = (done.changed, one.path, one.commit == done.commit, _stands(bench, one))
    return same(seen, (("check-flood",), "water/flood.md", True, True))


def _whole(bench: Bench) -> Seen:
    bench.merge({"flood.md": FLOOD})
    bench.follow()
    there = bench.reader.document("check-flood")
    tagged = {"type:runbook", "audience:agent", "audience:human", "status:current"}
    return same((there.text == FLOOD, set(there.tags) == tagged), (True, True))


def _by_meaning(bench: Bench) -> Seen:
    bench.merge({"flood.md": FLOOD, "fire.md": FIRE})
    bench.follow(MODEL)
    found = bench.reader_with(MODEL).search(Query("flooded", limit=1))
    seen = [(one.document, one.found_by) for one in found.passages]
    return same((found.meaning, seen), ("used", [("check-flood", "meaning")]))


def _other_model(bench: Bench) -> Seen:
    bench.merge({"flood.md": FLOOD, "fire.md": FIRE})
    bench.follow(MODEL)
    found = bench.reader_with(replace(MODEL, model="ethops-check-2")).search(Query("plumber"))
    seen = [one.found_by for one in found.passages]
    return same((found.meaning, bool(found.why), seen), ("left_out", True, ["words"]))


def _documents(bench: Bench, words: str) -> list[str]:
    return sorted({one.document for one in bench.reader.search(Query(words)).passages})


_READS: Final[tuple[tuple[str, str, Callable[[Bench], Seen], str], ...]] = (
    ("An unknown id is an error", "knowledge.not_found", _unknown, ""),
    ("A question of nothing is refused", "knowledge.query_refused", _no_question, ""),
    ("More than an answer holds is refused", "knowledge.query_refused", _too_many, ""),
    ("An unknown tag finds nothing", "()", _unknown_tag, ""),
    ("Words that are nowhere find nothing", "()", _unknown_words, ""),
    ("A question is text and no language", "an answer", _as_text, ""),
    ("Without a model the answer says so", "left_out, and why", _says_why, ""),
    ("How old it is adds up", "a commit with its time, or neither", _fresh, ""),
    ("A tag finds what has it", "no other document", _tags_hold, FILLED),
    ("Documents are read by their tags", "as many as have it, each once, by id", _tagged, FILLED),
    ("A passage stands where it says", "those lines of that commit", _cited, FILLED),
    ("The same question finds the same", "in the same order", _same_again, FILLED),
    ("An answer is bounded", "1", _bounded, FILLED),
)
_WRITES: Final[tuple[tuple[str, str, Callable[[Bench], Seen], str], ...]] = (
    ("What is merged is found", "by its words, at the head", _merged, WRITE),
    ("What is on a branch is not found", "the merged one alone", _on_a_branch, WRITE),
    ("A fault leaves one document out", "named by line; the other found", _faulty, WRITE),
    ("An id that two have is neither's", "both named, neither found", _one_id, WRITE),
    ("A repeat changes nothing", "()", _repeated, WRITE),
    ("What is gone is not found", "removed, and the other found", _gone, WRITE),
    ("What has moved is cited anew", "the new path, lines and commit", _moved, WRITE),
    ("A document reads back whole", "its bytes, its tags", _whole, WRITE),
    ("A model finds what words do not", "found by meaning", _by_meaning, MEANING),
    ("Another model's vectors are not compared", "by words, and why", _other_model, MEANING),
)

KIT: Final = Kit("knowledge", tuple(Case(*each) for each in _READS + _WRITES), Bench)
