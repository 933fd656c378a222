"""A card whose server speaks OpenAI's API: the same queue, and nothing is loaded or put out."""

import dataclasses
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest

from adapters.inference.port import ESCALATE, Candidate, Question
from gpu import rows, thinking
from gpu.models import Slot
from gpu.rows import Request
from gpu.simulated.serve import Simulated
from gpu.states import FOREIGN, JobKind
from gpu.tiers import Tier, queue_name
from gpu.worker import knowing
from tests.integration.gpu.house import House

MODEL = "ops-8b"
QUESTION = Question(
    "diagnose",
    "incident_responder",
    {"alert.name": "ShopDown", "alert.symptom": "no_answer", "tried": [], "denied": []},
    (Candidate("restart_service", "Restart the service"), Candidate(ESCALATE, "Ask a person")),
)


@pytest.fixture(scope="module")
def server(house: House) -> Simulated:
    """What speaks OpenAI's API, among others."""
    return house.add_card()


@pytest.fixture
def vllm(house: House, server: Simulated) -> Iterator[House]:
    """A house whose one card is such a server, with one model for two slots."""
    if "card0" not in house.workers:
        key = house.folder / "vllm.key"
        key.write_text("hush", encoding="utf-8")
        models = {"ops-8b": MODEL, "reason-14b": MODEL, "embed-8b": "embed-8b"}
        house.serve(server.url, models, key)
        house.worker()
    yield house
    house.calm()


def question(house: House, slot: str = "ops-8b") -> UUID:
    body = {"question": dataclasses.asdict(QUESTION)}
    return house.submit(Request(Tier.OPS, slot, JobKind.QUESTION, "person:ada", body))


def test_slots_that_nobody_serves_are_not_there(vllm: House) -> None:
    assert {slot.name for slot in rows.slots()} == {"ops-8b", "reason-14b", "embed-8b"}
    wanted = thinking.slot_of("reason-14b")
    assert wanted is not None
    assert (wanted.name, wanted.model) == ("reason-14b", MODEL)


def test_a_question_of_an_agent_is_answered_by_its_model(vllm: House) -> None:
    row = vllm.done(question(vllm, "reason-14b"))
    answer = row.answer
    assert answer is not None
    assert answer["choice"] == "restart_service"
    assert answer["engine"] == f"reason-14b ({MODEL})"
    job = vllm.job(row.id)
    assert (job["swapped"], job["model_digest"]) == (False, "")
    assert job["tokens_in"] > 0
    assert [kind for kind, _ in vllm.entries(row.id)] == ["inference.asked", "inference.done"]


def test_nonsense_is_asked_about_once_more_and_then_no_answer_counts(vllm: House) -> None:
    vllm.fault("wrong_answer", model=MODEL)
    assert vllm.done(question(vllm)).answer
    vllm.fault("wrong_answer", model=MODEL, times=0)
    row = vllm.ended(question(vllm))
    assert (row.state, row.error_code) == ("failed", "inference.malformed_answer")


def test_chats_and_vectors_go_in_the_same_queue(vllm: House) -> None:
    chat, vectors = vllm.ask(slot="ops-8b", tokens=5), vllm.embed(["a", "b"])
    assert vllm.text(chat)
    answer: Any = vllm.done(vectors).answer
    assert len(answer["embeddings"]) == 2


def test_nothing_was_loaded_or_put_out_and_no_command_gets_the_card(vllm: House) -> None:
    assert set(vllm.card()["resident"]) == {"ops-8b", "reason-14b", "embed-8b"}
    loaded = (
        "SELECT 1 FROM gpu_piece WHERE kind = 'load' AND ending = 'finished' AND card = 'card0'"
    )
    assert vllm.owner(loaded) == []
    waits = vllm.submit(Request(Tier.RESEARCH, FOREIGN, JobKind.HOLD, "person:ada", {}))
    vllm.done(vllm.ask(slot="ops-8b", tokens=5))
    assert vllm.job(waits)["state"] == "ready"
    assert vllm.messages(queue_name(Tier.RESEARCH, FOREIGN))


def test_a_model_that_the_server_has_not_ends_its_jobs_with_the_reason(vllm: House) -> None:
    vllm.owner('UPDATE gpu_card SET serves = serves || \'{"ops-8b": "nobody"}\'::jsonb')
    vllm.end_worker()
    vllm.worker()
    row = vllm.ended(question(vllm))
    assert (row.state, row.error_code) == ("failed", "inference.unknown_model")
    assert vllm.done(question(vllm, "reason-14b")).answer
    vllm.end_worker()


def test_where_another_card_has_the_model_that_one_answers(vllm: House, server: Simulated) -> None:
    vllm.end_worker()
    models = {"ops-8b": "nobody", "reason-14b": MODEL}
    vllm.serve(server.url, models, vllm.folder / "vllm.key", beside=vllm.add_card("card1").url)
    vllm.worker()
    # It is alone for now, and has no word of the other one's server.
    asked = question(vllm)
    vllm.worker("card1")
    assert vllm.done(asked).answer
    assert vllm.job(asked)["card"] == "card1"
    assert vllm.done(question(vllm)).answer
    for name in ("card0", "card1"):
        vllm.end_worker(name)


def test_an_ollamas_digest_refuses_no_slot_of_a_server_beside_it(vllm: House) -> None:
    vllm.owner("UPDATE gpu_slot SET fault = 'another digest' WHERE name = 'reason-14b'")
    try:
        assert knowing.slots()["reason-14b"].fault
        assert knowing.slots(vllm.card()["serves"])["reason-14b"].fault == ""
        assert vllm.done(question(vllm, "reason-14b")).answer
    finally:
        vllm.owner("UPDATE gpu_slot SET fault = ''")


def test_without_its_key_no_worker_comes_up(vllm: House) -> None:
    vllm.end_worker()
    (vllm.folder / "vllm.key").unlink()
    status, said = vllm.refused()
    assert status == 69
    assert "vllm.key: No such file" in said


def test_an_ollama_in_its_place_has_all_slots_again(vllm: House) -> None:
    vllm.end_worker()
    vllm.declare()
    assert {slot.name for slot in Slot.objects.filter(enabled=True)} >= {"code-14b", "astro-12b"}
    assert vllm.card()["serves"] == {}
