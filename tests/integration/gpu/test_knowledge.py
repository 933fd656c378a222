"""The knowledge base has its passages and questions made into vectors by the card, as all do."""

import time
from collections.abc import Iterator
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from adapters.forge.port import File
from adapters.forge.repository import Repository
from adapters.knowledge.conformance.kit import FIRE, FLOOD
from adapters.knowledge.models import Vector
from adapters.knowledge.port import Followed, Found, Query
from ethops.desk import embedding, knowledge
from ethops.executor.git import BareGit
from gpu import rows
from gpu.embedding import Asker
from gpu.models import Job
from gpu.tiers import Tier
from tests.integration.gpu.house import House
from tests.waiting import eventually

ASKERS = [embedding.PASSAGES.name, embedding.QUESTIONS.name]


@pytest.fixture
def base(
    calm: House, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[House]:
    """A served house with two merged documents, not read yet; who asks has time for a slow host."""
    monkeypatch.setattr(embedding, "QUESTIONS", replace(embedding.QUESTIONS, seconds=20))
    eventually(lambda: calm.digest("embed-8b"))
    repository = Repository(BareGit(tmp_path / "knowledge.git"), "main")
    files = [File("flood.md", FLOOD.encode()), File("fire.md", FIRE.encode())]
    head, _ = repository.commit(repository.tip(), "a", files, message="Pages", author="ada")
    repository.merge(head, message="Merge", by="ben")
    tell(settings, tmp_path)
    yield calm
    calm.calm()
    for name in ("index", "document", "vectormodel", "fault"):
        calm.owner(f"TRUNCATE knowledge_{name} CASCADE")
    calm.owner("UPDATE gpu_job SET client = 'old' WHERE client = ANY(%s)", ASKERS)


def tell(settings: Any, folder: Path, **said: str) -> None:
    """Let the settings say where the repository is, and more of the model."""
    here = {"adapter": "adapters.knowledge.embedded", "repository": str(folder / "knowledge.git")}
    settings.ADAPTERS = {**settings.ADAPTERS, "knowledge": {**here, **said}}


def read() -> Followed:
    done = knowledge.index()
    assert done is not None
    return done


def found(words: str = "pump it out") -> Found:
    return knowledge.ask(Query(words))


def asked(asker: Asker) -> list[list[str]]:
    jobs = Job.objects.filter(client=asker.name).order_by("created_at")
    return [job.request["input"] for job in jobs]


def test_what_is_merged_is_found_by_meaning_too_and_it_is_said(base: House) -> None:
    done = read()
    assert (done.embedded, done.waiting, done.why) == (2, 0, "")
    answer = found()
    assert (answer.meaning, answer.why) == ("used", "")
    assert {one.document: one.found_by for one in answer.passages} == {
        "check-flood": "both",
        "check-fire": "meaning",
    }
    assert {one.model_id for one in Vector.objects.all()} == {base.digest("embed-8b")}
    assert read().embedded == 0
    found()
    assert [len(texts) for texts in asked(embedding.PASSAGES)] == [2]
    assert asked(embedding.QUESTIONS) == [["pump it out"]], "the same question is asked once"


def test_by_hand_it_says_what_the_card_did(base: House) -> None:
    out = StringIO()
    call_command("knowledge", "index", stdout=out)
    assert "embedded=2  waiting=0" in out.getvalue()
    call_command("knowledge", "search", "pump", "it", "out", stdout=out)
    assert "(both)" in out.getvalue()
    assert "Not compared by meaning" not in out.getvalue()


def test_a_busy_card_holds_nobody_beyond_the_bound_and_words_answer(
    base: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    read()
    monkeypatch.setattr(embedding, "QUESTIONS", replace(embedding.QUESTIONS, seconds=0.3))
    base.begun(base.ask(tier=Tier.OPS, slot="ops-8b", tokens=80_000))
    began = time.monotonic()
    answer = found()
    assert time.monotonic() - began < 10
    assert (answer.meaning, answer.why) == (
        "left_out",
        "knowledge.embedder_away: The card did not answer within 0.3 s.",
    )
    assert [one.found_by for one in answer.passages] == ["words"]
    job = Job.objects.get(client=embedding.QUESTIONS.name)
    assert job.error_code == "gpu.cancelled"
    lasts_s = (job.deadline_at - job.created_at).total_seconds()
    assert lasts_s > 50, "its end is not that of a call that holds passages, too"


def test_passages_wait_for_a_busy_card_and_are_asked_for_once(
    base: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    ops = base.ask(tier=Tier.OPS, slot="ops-8b", tokens=80_000)
    base.begun(ops)
    with monkeypatch.context() as hasty:
        hasty.setattr(embedding, "PASSAGES", replace(embedding.PASSAGES, seconds=0.2))
        for _ in range(2):
            done = read()
            assert (done.embedded, done.waiting) == (0, 2)
            assert "did not answer within" in done.why
    base.end_worker()
    rows.cancel(ops, "it is over")
    base.worker()
    assert read().embedded == 2
    assert len(asked(embedding.PASSAGES)) == 1


def test_another_model_of_the_slot_makes_all_anew(base: House) -> None:
    read()
    before = base.digest("embed-8b")
    base.fault("digest_change", model="embed-8b")
    fault = "SELECT 1 FROM gpu_slot WHERE name = 'embed-8b' AND fault <> ''"
    eventually(lambda: base.owner(fault))
    assert "The slot embed-8b is refused" in found().why
    assert read().embedded == 0
    base.owner("SELECT gpu.unpin('embed-8b', 'ada')")
    eventually(lambda: base.digest("embed-8b"))
    assert (found().meaning, found().why[:24]) == ("left_out", "No passage has a vector ")
    assert read().embedded == 2
    assert {one.model_id for one in Vector.objects.all()} == {base.digest("embed-8b")} != {before}
    assert found().meaning == "used"


@pytest.mark.parametrize(
    ("slot", "why"),
    [("", "The settings name no slot"), ("ops-8b", "No slot of kind embed is called ops-8b")],
    ids=["none", "another kind"],
)
def test_a_slot_that_is_none_leaves_words_alone(
    base: House, settings: Any, tmp_path: Path, slot: str, why: str
) -> None:
    tell(settings, tmp_path, slot=slot)
    assert why in read().why
    answer = found()
    assert (answer.meaning, [one.found_by for one in answer.passages]) == ("left_out", ["words"])
    assert why in answer.why
    assert asked(embedding.PASSAGES) == asked(embedding.QUESTIONS) == []
    assert knowledge.ask(Query(tags=("type:runbook",))).why == "Nothing was asked in words."


def test_the_words_that_a_model_was_taught_to_see_stand_before(
    base: House, settings: Any, tmp_path: Path
) -> None:
    tell(settings, tmp_path, before_passages="kept: ", before_questions="asked: ")
    read()
    found()
    assert {text[:12] for text in asked(embedding.PASSAGES)[0]} == {"kept: Smoke ", "kept: Water "}
    assert asked(embedding.QUESTIONS) == [["asked: pump it out"]]
    tell(settings, tmp_path)
    assert found().meaning == "left_out", "vectors of other words are of another model"
    assert read().embedded == 2
