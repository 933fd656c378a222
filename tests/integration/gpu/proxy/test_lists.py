"""What a key sees of the card: its own slots, in the shapes of both APIs."""

import httpx
import ollama
import pytest

LISTS = ["/api/tags", "/api/ps", "/v1/models"]


def names(response):
    said = response.json()
    return [each.get("name") or each["id"] for each in said.get("models", said.get("data"))]


@pytest.fixture(autouse=True)
def resident(role, furnished):
    role("owner").execute('UPDATE gpu_card SET resident = \'["ops", "embed"]\'')


def test_a_key_sees_its_own_slots(lab, pager):
    assert names(lab.get("/api/tags")) == ["code", "embed", "ops"]
    assert names(pager.get("/api/tags")) == ["ops"]
    assert names(lab.get("/v1/models")) == ["code", "embed", "ops"]
    assert names(pager.get("/v1/models")) == ["ops"]


def test_what_is_loaded(lab, pager):
    assert names(lab.get("/api/ps")) == ["embed", "ops"]
    assert names(pager.get("/api/ps")) == ["ops"]


def test_the_lists_are_ollamas(lab):
    tags = ollama.ListResponse(**lab.get("/api/tags").json())
    assert tags.models[2].details.parent_model == "qwen3:8b"
    ps = ollama.ProcessResponse(**lab.get("/api/ps").json())
    assert ps.models[1].context_length == 4096


@pytest.mark.parametrize("name", ["ops", "qwen3:8b"])
def test_a_slot_is_shown(lab, name):
    shown = ollama.ShowResponse(**lab.post("/api/show", {"model": name}).json())
    assert shown.parameters.split() == ["num_ctx", "4096"]
    assert shown.capabilities == ["completion"]
    assert shown.modelinfo["slot.context_length"] == 4096


def test_older_clients_name_it_otherwise(lab):
    assert lab.post("/api/show", {"name": "embed"}).json()["capabilities"] == ["embedding"]


def test_one_model(lab, pager):
    assert lab.get("/v1/models/code").json()["id"] == "code"
    assert lab.get("/v1/models/qwen3:8b").json()["object"] == "model"
    assert lab.get("/v1/models/gpt").status_code == 404
    assert pager.get("/v1/models/code").status_code == 403


def test_the_version_of_the_api(lab):
    assert lab.get("/api/version").json() == {"version": "0.11.4"}


def test_lists_may_be_asked_for_by_their_head_alone(lab):
    response = httpx.head(f"{lab.address}/api/tags", headers=lab.headers)
    assert (response.status_code, response.content) == (200, b"")
