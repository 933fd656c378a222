"""The knowledge contract: what is merged is found where it stands, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest
from django.db import DatabaseError, connection
from django.db.utils import IntegrityError, ProgrammingError

from adapters import rows
from adapters.knowledge import embedded, indexing
from adapters.knowledge.conformance.bench import Bench
from adapters.knowledge.conformance.kit import FIRE, FLOOD, FRONT, MODEL
from adapters.knowledge.errors import (
    EmbedderAwayError,
    IndexBusyError,
    QueryRefusedError,
    RepositoryAwayError,
)
from adapters.knowledge.models import Document, Index, Vector
from adapters.knowledge.port import MOST_TAGS, MOST_WORDS, Embedder, Query
from adapters.knowledge.repository import Git, Said
from ethops.executor.git import BareGit

BOTH = {"flood.md": FLOOD, "fire.md": FIRE}
MANUAL = FRONT.format(name="manual", title="Gauges") + "".join(
    f"# Gauge {n}\n\n{'Look at the pressure of the gauge. ' * 30}\n\n" for n in range(30)
)


@pytest.fixture
def base(become: Callable[[str], None], tmp_path: Path) -> Bench:
    become("app")
    folder = tmp_path / "repository.git"
    return Bench(embedded, "ethops check 00000000", git=BareGit, folder=folder)


def found(base: Bench, words: str, *tags: str, model: Embedder | None = None) -> list[str]:
    passages = base.reader_with(model).search(Query(words, tags)).passages
    return list(dict.fromkeys(one.document for one in passages))


def test_two_documents_are_merged_and_found_by_every_role(
    base: Bench, become: Callable[[str], None]
) -> None:
    base.merge(BOTH)
    commit = base.follow().commit
    for role in ("agent", "executor", "app"):
        become(role)
        (one,) = base.reader.search(Query("who pumps it out?", ("audience:agent",))).passages
        assert one.cited == f"check-flood@{commit}#L8-L14"
        assert (one.heading, one.title) == (("First",), "Water in the basement")
        assert [tag.name for tag in base.reader.tags()][-1] == "type:runbook"
        assert base.reader.freshness().documents == 2
        assert base.reader.faults() == ()


@pytest.mark.parametrize("role", ["agent", "executor"])
def test_who_only_reads_cannot_write_the_index(
    role: str, base: Bench, become: Callable[[str], None]
) -> None:
    base.merge(BOTH)
    become(role)
    with pytest.raises(ProgrammingError, match="permission denied"):
        base.follow()


def test_words_any_of_which_find_and_all_of_which_come_first(base: Bench) -> None:
    base.merge(
        {
            "a.md": FRONT.format(name="a", title="One") + "The disk is slow.",
            "b.md": FRONT.format(name="b", title="Two") + "The disk of the shop is full.",
            "c.md": FRONT.format(name="c", title="Three") + "The shop sells shop shop shop.",
        }
    )
    base.follow()
    assert found(base, "full disks in the shop")[0] == "check-b"
    assert set(found(base, "full disks in the shop")) == {"check-a", "check-b", "check-c"}
    assert found(base, "disk -full") == ["check-a"]
    assert found(base, '"shop sells"') == ["check-c"]
    assert found(base, "the of and") == []
    assert found(base, "two") == ["check-b"], "a title is searched, too"


def test_only_what_is_current_is_found_unless_it_is_asked_for(base: Bench) -> None:
    def doc(name: str, more: str) -> str:
        head = FRONT.format(name=name, title="Valve")
        return head.replace("owner:", f"{more}\nowner:") + "The valve."

    base.merge(
        {
            "old.md": doc("old", "status: current"),
            "new.md": doc("new", "supersedes: [check-old]"),
            "draft.md": doc("draft", "status: draft"),
            "gone.md": doc("gone", "status: retired"),
        }
    )
    base.follow()
    assert found(base, "valve") == ["check-new"]
    assert found(base, "valve", "status:superseded") == ["check-old"]
    assert found(base, "", "status:draft") == ["check-draft"]
    assert found(base, "", "type:runbook", "status:retired") == ["check-gone"]
    assert base.reader.document("check-old").title == "Valve"


def test_a_big_document_is_cited_line_by_line(base: Bench) -> None:
    base.merge({"manual.md": MANUAL, **BOTH})
    base.follow()
    (one,) = base.reader.search(Query('"gauge 17"', limit=1)).passages
    assert one.heading == ("Gauge 17",)
    assert MANUAL.split("\n")[one.first_line - 1] == "# Gauge 17"
    many = base.reader.search(Query("gauge", limit=50)).passages
    assert len(many) == 30
    assert [one.chunk for one in many] == [
        one.chunk for one in base.reader.search(Query("gauge", limit=50)).passages
    ]
    assert len({one.score for one in many}) == 30


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query("a", limit=0),
        Query("a" * (MOST_WORDS + 1)),
        Query("a", tuple(f"cis:{n}" for n in range(MOST_TAGS + 1))),
    ],
    ids=["nothing", "none", "words", "tags"],
)
def test_a_question_beyond_the_bounds_is_refused(base: Bench, query: Query) -> None:
    with pytest.raises(QueryRefusedError):
        base.reader.search(query)


def numbers(texts: Sequence[str]) -> list[list[float]]:
    return [list(one) for one in MODEL.embed(texts) if one is not None]


class Counting:
    """A model that counts what it is asked, and is away when told to."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self.away_after = 10**6

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[float]]:
        if len(self.texts) + len(texts) > self.away_after:
            raise EmbedderAwayError("the card is busy")
        self.texts += texts
        return numbers(texts)


def test_only_what_is_new_is_made_into_vectors(base: Bench) -> None:
    ask = Counting()
    model = Embedder("m1", ask)
    base.merge({"manual.md": MANUAL, **BOTH})
    assert base.follow(model).embedded == len(ask.texts) == 32
    assert base.follow(model).embedded == 0
    base.merge({"fire.md": FIRE + "\nCall for help.\n", "flood.md": None})
    base.merge({"water/flood.md": FLOOD})
    done = base.follow(model)
    assert (done.embedded, done.waiting, len(ask.texts)) == (1, 0, 33)
    assert "Smoke in the rack" in ask.texts[-1]
    assert "Call for help." in ask.texts[-1]


def test_a_passage_that_went_while_the_model_was_at_it_gets_no_vector(base: Bench) -> None:
    def late(texts: Sequence[str]) -> Sequence[Sequence[float]]:
        Document.objects.filter(ref="check-fire").delete()
        return numbers(texts)

    base.merge(BOTH)
    done = base.follow(Embedder("m1", late))
    assert (done.embedded, done.waiting) == (1, 0)
    assert {one.chunk.document_id for one in Vector.objects.all()} == {"check-flood"}


def test_what_is_away_is_caught_up_with_and_said(base: Bench) -> None:
    ask = Counting()
    model = Embedder("m1", ask)
    base.merge({"manual.md": MANUAL, **BOTH})
    ask.away_after = 0
    done = base.follow(model)
    assert (done.embedded, done.waiting) == (0, 32)
    assert done.why == "knowledge.embedder_away: the card is busy"
    answer = base.reader_with(model).search(Query("pump"))
    assert (answer.meaning, answer.why) == ("left_out", "No passage has a vector of m1 yet.")
    ask.away_after = 10**6
    assert base.follow(model).waiting == 0
    ask.away_after = 0
    answer = base.reader_with(model).search(Query("pump"))
    assert answer.meaning == "left_out"
    assert "the card is busy" in answer.why
    assert [one.found_by for one in answer.passages] == ["words"]


def test_what_is_not_taken_stops_nothing_behind_it(
    base: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(indexing, "EMBEDDED_AT_ONCE", 4)
    asked: list[list[str]] = []

    def choosy(texts: Sequence[str]) -> Sequence[Sequence[float] | None]:
        asked.append(list(texts))
        return [None] * len(texts) if len(asked) < 3 else MODEL.embed(texts)

    base.merge({"manual.md": MANUAL})
    done = base.follow(Embedder("m1", choosy))
    assert (done.embedded, done.waiting, len(asked)) == (22, 8, 8)
    assert len({text for texts in asked for text in texts}) == 30, "each once in a turn"
    assert done.why == "The model did not take them, or has not answered for all yet."


def test_a_question_that_the_model_does_not_take_is_answered_by_words(base: Bench) -> None:
    base.merge(BOTH)
    base.follow(MODEL)
    answer = base.reader_with(replace(MODEL, embed=lambda _: [None])).search(Query("pump"))
    assert [one.found_by for one in answer.passages] == ["words"]
    assert answer.why == "knowledge.embedder_away: ethops-check does not take this text."


def test_a_few_that_have_no_vector_yet_are_said(base: Bench) -> None:
    base.merge(BOTH)
    base.follow(MODEL)
    base.merge({"manual.md": MANUAL})
    base.follow()
    answer = base.reader_with(MODEL).search(Query("flooded gauge"))
    assert (answer.meaning, answer.why[:11]) == ("partly", "30 passages")
    assert {one.found_by for one in answer.passages} >= {"words", "meaning"}


def test_both_ways_together_beat_either(base: Bench) -> None:
    base.merge(BOTH)
    base.follow(MODEL)
    first, second = base.reader_with(MODEL).search(Query("valve")).passages
    assert (first.document, first.found_by) == ("check-flood", "both")
    assert (second.document, second.found_by) == ("check-fire", "meaning")
    assert first.score == pytest.approx(2 / 61)
    assert second.score == pytest.approx(1 / 62)


def test_a_tag_that_few_have_leaves_no_neighbour_out(base: Bench) -> None:
    rare = FRONT.format(name="rare", title="Rare").replace("owner:", "ci_refs: [x]\nowner:")
    base.merge({"manual.md": MANUAL, **BOTH, "rare.md": rare + "Nothing of it is near."})
    base.follow(MODEL)
    assert found(base, "flooded", "ci:x", model=MODEL) == ["check-rare"]


def test_vectors_of_two_models_are_never_mixed(base: Bench) -> None:
    base.merge(BOTH)
    base.follow(MODEL)
    longer = Embedder("m2", lambda texts: [[*one, 0.5] for one in numbers(texts)])
    assert found(base, "flooded", model=longer) == []
    assert base.follow(longer).embedded == 2
    assert found(base, "flooded", model=longer)[0] == "check-flood"
    assert {one.model_id for one in Vector.objects.all()} == {"m2"}
    with pytest.raises(IntegrityError, match="not as many numbers"):
        Vector.objects.update(numbers=[1.0])


@pytest.mark.parametrize(
    "made",
    [[], [[]], [[0.0, 0.0]], [[float("nan"), 1.0]], [[1.0], [2.0]], [[float("inf")]]],
    ids=["none", "empty", "zero", "nan", "too many", "infinite"],
)
def test_what_is_no_vector_is_not_kept(base: Bench, made: Any) -> None:
    base.merge({"fire.md": FIRE})
    done = base.follow(Embedder("m1", lambda _: made))
    assert (done.embedded, done.waiting) == (0, 1)
    assert done.why.startswith("knowledge.embedder_away: m1 makes ")


def test_a_model_that_changed_its_length_is_left_out(base: Bench) -> None:
    base.merge(BOTH)
    base.follow(MODEL)
    other = replace(MODEL, embed=lambda texts: [[1.0] for _ in texts])
    answer = base.reader_with(other).search(Query("pump"))
    assert answer.why == "ethops-check makes 1 numbers, and made 2 of passages."


def test_without_pgvector_words_answer_and_it_is_said(
    base: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.merge(BOTH)
    base.follow(MODEL)
    # A PostgreSQL that has it cannot be made to have it not without the superuser.
    monkeypatch.setattr(embedded, "_STATE", embedded._STATE.replace("'vector'", "'no_vector'"))
    answer = base.reader_with(MODEL).search(Query("pump"))
    assert (answer.meaning, answer.why) == ("left_out", "This PostgreSQL has no pgvector.")
    assert [one.found_by for one in answer.passages] == ["words"]


def test_the_same_commit_makes_the_same_index_whatever_was_before(base: Bench) -> None:
    base.merge({"manual.md": MANUAL, "flood.md": FLOOD})
    base.follow()
    base.merge({"manual.md": None, **BOTH})
    base.follow()
    query = "SELECT to_jsonb(p) AS said FROM reading.knowledge_passage p ORDER BY ref"
    before = rows.select(query)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM knowledge_chunk; DELETE FROM knowledge_document;"
                       " UPDATE knowledge_index SET commit = ''")  # fmt: skip
    base.follow()
    assert rows.select(query) == before


class Reading:
    """Git that counts the documents that are read by it."""

    def __init__(self) -> None:
        self.documents = 0

    def __call__(self, folder: Path) -> Git:
        git = BareGit(folder)

        def run(*words: str, stdin: bytes = b"") -> Said:
            if words[0] == "cat-file":
                self.documents += stdin.count(b"\n")
            return git(*words, stdin=stdin)

        return run


@pytest.fixture
def counted(base: Bench) -> tuple[Bench, Reading]:
    reading = Reading()
    return replace(base, git=reading), reading


def test_only_what_changed_is_read(counted: tuple[Bench, Reading]) -> None:
    base, reading = counted
    faulty = {"readme.md": "# Hello\n"}
    base.merge({"manual.md": MANUAL, **BOTH, **faulty})
    base.follow()
    assert reading.documents == 4
    base.merge({"fire.md": FIRE + "Call for help.\n"})
    done = base.follow()
    assert (done.changed, [one.path for one in done.faults]) == (("check-fire",), ["readme.md"])
    assert reading.documents == 4 + 2, "what has a fault is no document, and read each time"
    base.merge({"manual.md": None, "water/flood.md": FLOOD, "flood.md": None})
    assert base.follow().removed == ("check-manual",)
    assert reading.documents == 6 + 2, "elsewhere it is another"


def test_what_another_supersedes_is_told_without_reading_it_anew(
    counted: tuple[Bench, Reading],
) -> None:
    base, reading = counted
    base.merge({"manual.md": MANUAL, **BOTH})
    base.follow(MODEL)
    newer = FRONT.format(name="pump", title="Pumps").replace(
        "owner:", "supersedes: [check-manual, check-flood]\nowner:"
    )
    base.merge({"pump.md": newer + "Pump it out."})
    done = base.follow(MODEL)
    assert (done.added, done.changed) == (("check-pump",), ("check-flood", "check-manual"))
    assert (reading.documents, done.embedded) == (4, 1)
    assert found(base, "pump") == ["check-pump"]
    assert base.reader.document("check-manual").text == MANUAL
    assert found(base, "gauge", "status:superseded") == ["check-manual"]
    base.merge({"pump.md": None})
    base.follow()
    assert found(base, "pump") == ["check-flood"]
    assert found(base, "gauge") == ["check-manual"]


def test_an_id_that_a_new_document_takes_is_nobodys_until_it_goes(
    counted: tuple[Bench, Reading],
) -> None:
    base, _ = counted
    base.merge(BOTH)
    base.follow()
    base.merge({"again.md": FLOOD})
    done = base.follow()
    assert (done.removed, [one.path for one in done.faults]) == (
        ("check-flood",), ["again.md", "flood.md"],
    )  # fmt: skip
    base.merge({"again.md": None})
    assert base.follow().added == ("check-flood",)
    assert found(base, "plumber") == ["check-flood"]


@pytest.mark.parametrize("seed", [1, 2])
def test_step_by_step_or_at_once_the_index_is_the_same(base: Bench, seed: int) -> None:
    chance = Random(seed)  # noqa: S311 - which ones is no secret
    names = ["a", "b", "c", "d"]

    def any_document() -> str | None:
        name, other = chance.choice(names), chance.choice(names)
        head = FRONT.format(name=name, title=f"On {name}")
        if chance.random() < 0.4:
            head = head.replace("owner:", f"supersedes: [check-{other}]\nowner:")
        body = "\n\n".join(f"# Part {n}\n\n{name} {n}" for n in range(chance.randint(1, 3)))
        return None if chance.random() < 0.2 else head + body

    query = "SELECT to_jsonb(p) AS said FROM reading.knowledge_passage p ORDER BY ref"
    for _ in range(8):
        base.merge({f"{chance.choice(names)}.md": any_document(), "fire.md": FIRE})
        stepped = base.follow().faults, rows.select(query)
        Index.objects.update(commit="")
        assert (base.follow().faults, rows.select(query)) == stepped


def test_what_fails_half_way_leaves_the_index_as_it_was(
    base: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    base.merge({"flood.md": FLOOD})
    commit = base.follow().commit
    base.merge({"flood.md": None, "fire.md": FIRE})

    def fail(_: object) -> None:
        raise DatabaseError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(indexing, "_chunks", fail)
        with pytest.raises(DatabaseError):
            base.follow()
    assert (base.reader.freshness().commit, found(base, "plumber")) == (commit, ["check-flood"])
    assert base.follow().removed == ("check-flood",)


def test_one_at_a_time_reads_and_who_died_keeps_nobody_off(base: Bench) -> None:
    base.merge(BOTH)
    base.follow()
    Index.objects.update(busy_until=rows.now() + timedelta(minutes=1))
    with pytest.raises(IndexBusyError):
        base.follow()
    Index.objects.update(busy_until=rows.now() - timedelta(seconds=1))
    base.follow()


def test_whose_turn_was_over_writes_nothing(base: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    base.merge({"flood.md": FLOOD})
    monkeypatch.setattr(embedded, "TAKES", timedelta(0))
    with pytest.raises(RepositoryAwayError, match="longer than a turn"):
        base.follow()
    assert base.reader.freshness().documents == 0


def test_a_repository_without_the_branch_is_away(base: Bench) -> None:
    base.merge(BOTH, branch="other")
    with pytest.raises(RepositoryAwayError, match="no branch main"):
        base.follow()
    assert base.reader.freshness().commit == ""


def test_new_rules_of_cutting_read_all_again(base: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    base.merge(BOTH)
    base.follow()
    Index.objects.update(cut_by=0)
    at = base.reader.freshness().indexed_at
    base.follow()
    assert base.reader.freshness().indexed_at != at


def test_links_large_files_and_other_files_are_no_documents(base: Bench) -> None:
    base.merge({**BOTH, "notes.txt": "pump", "large.md": FLOOD + "x" * 300_000})
    git = BareGit(cast("Path", base.folder))
    link = git("hash-object", "-w", "--stdin", stdin=b"fire.md").out.decode().strip()
    stream = (
        "commit refs/heads/main\ncommitter a <a> 0 +0000\ndata 0\n\n"
        f"from refs/heads/main^0\nM 120000 {link} link.md\n"
    )
    git("fast-import", "--quiet", stdin=stream.encode())
    assert [(one.path, one.what[:21]) for one in base.follow().faults] == [
        ("large.md", "It is larger than 262"),
        ("link.md", "It is no plain file: "),
    ]
    assert base.reader.freshness().documents == 2
