"""Who is let in, what is refused and how, before anything waits in the queue."""

import json

import httpx
import pytest
from django.db import connections

from gpu import clients
from gpu.proxy import entering
from gpu.proxy.limits import LARGEST_BODY
from tests.integration.gpu.proxy.parts import WHY, Asking, states
from tests.waiting import eventually

EVERY = [
    ("GET", "/api/tags"),
    ("GET", "/api/ps"),
    ("GET", "/api/version"),
    ("POST", "/api/show"),
    ("POST", "/api/chat"),
    ("POST", "/api/generate"),
    ("POST", "/api/embed"),
    ("POST", "/api/embeddings"),
    ("POST", "/api/pull"),
    ("DELETE", "/api/delete"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/ops"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/completions"),
    ("POST", "/v1/embeddings"),
]


def fault_of(response):
    said = response.json()["error"]
    return said["message"] if isinstance(said, dict) else said


@pytest.mark.parametrize("said", ["", "Bearer nobody", "Bearer", "Basic abc", "Bearer \xff"])
def test_nobody_is_let_in_without_a_key(proxy, said):
    headers = {"Authorization": said.encode("latin-1")} if said else {}
    with httpx.Client(base_url=proxy, headers=headers) as client:
        answers = {each: client.request(*each) for each in EVERY}
    assert {each for each, answer in answers.items() if answer.status_code != 401} == set()
    assert all("www-authenticate" in answer.headers for answer in answers.values())
    assert all("key" in fault_of(answer) for answer in answers.values())


def test_a_key_that_was_switched_off_is_refused_within_seconds(proxy, key):
    asking = Asking(proxy, key)
    assert asking.get("/api/tags").status_code == 200
    clients.disable("lab", by="ada")
    eventually(lambda: asking.get("/api/tags").status_code == 401)


def test_a_key_that_is_used_is_seen(proxy, key):
    asking = Asking(proxy, key)
    asking.get("/api/tags")

    def seen():
        asking.get("/api/tags")
        return clients.listed()[0].last_seen_at

    eventually(seen)


REFUSED = [
    ("/api/chat", b"", 400, "missing request body"),
    ("/api/chat", b"{", 400, "invalid JSON"),
    ("/api/chat", {"model": "ops", "messages": "x"}, 400, "messages"),
    ("/api/chat", {"messages": WHY}, 400, "model is required"),
    ("/api/chat", {"model": "gpt", "messages": WHY}, 404, "model 'gpt' not found"),
    ("/api/generate", {"model": "gpt", "prompt": "a"}, 404, "ops (qwen3:8b)"),
    ("/v1/chat/completions", {"model": "gpt", "messages": WHY}, 404, "not found"),
    ("/api/chat", {"model": "embed", "messages": WHY}, 400, "does not support chat"),
    ("/api/embed", {"model": "ops", "input": "a"}, 400, "does not support embeddings"),
    ("/api/chat", {"model": "ops", "messages": WHY, "options": {"num_ctx": 8}}, 400, "4096"),
    ("/api/chat", {"model": "ops", "messages": WHY, "options": {"x": 8}}, 400, "temperature"),
    ("/api/show", {"model": "gpt"}, 404, "not found"),
    ("/v1/responses", {}, 404, "no such address"),
    ("/api/pull", {"model": "x"}, 403, "declared by its operators"),
    ("/api/create", {"model": "x"}, 403, "declared by its operators"),
    ("/api/push", {"model": "x"}, 403, "declared by its operators"),
    ("/api/copy", {"source": "x", "destination": "y"}, 403, "declared by its operators"),
    ("/api/blobs/sha256:abc", b"x", 403, "declared by its operators"),
]


def test_what_is_refused_says_why(lab):
    for path, body, status, says in REFUSED:
        response = lab.post(path, body)
        assert (path, response.status_code) == (path, status)
        assert says in fault_of(response)
    assert states() == []


def test_the_wrong_method_is_405(lab):
    for how, path in (("GET", "/api/chat"), ("POST", "/api/tags"), ("PUT", "/v1/models")):
        response = httpx.request(how, f"{lab.address}{path}", headers=lab.headers)
        assert response.status_code == 405
        assert response.headers["allow"]
        assert fault_of(response)


def test_a_slot_of_another_tier_is_403(pager):
    response = pager.post("/api/chat", {"model": "code", "messages": WHY})
    assert response.status_code == 403
    assert "ops (qwen3:8b)" in fault_of(response)


def test_an_oversize_prompt_is_refused_with_the_limit(lab):
    messages = [{"role": "user", "content": "x" * 3 * 4096}]
    response = lab.post("/api/chat", {"model": "ops", "messages": messages})
    assert response.status_code == 400
    assert "takes 4096" in fault_of(response)
    assert states() == []
    with lab.leaving(model="code", messages=messages):
        eventually(lambda: states() == ["ready"])


def test_a_body_of_any_size_is_refused_before_it_is_read(lab):
    response = lab.post("/api/chat", b"x" * (LARGEST_BODY + 1))
    assert response.status_code == 413
    assert str(LARGEST_BODY) in fault_of(response)


@pytest.mark.parametrize("text", ["\\u0000", "\\ud800", "\\udc00\\ud800"])
def test_text_that_no_database_keeps_is_refused(lab, text):
    body = json.dumps({"model": "ops", "messages": WHY}).replace("why?", text).encode()
    assert lab.post("/api/chat", body).status_code == 400


def test_the_share_of_a_client_is_bounded(pager):
    with pager.leaving(), pager.leaving():
        eventually(lambda: states() == ["ready", "ready"])
        response = pager.chat()
        assert response.status_code == 429
        assert 1 <= int(response.headers["retry-after"]) <= 600
        assert "share" in fault_of(response)
    eventually(lambda: states() == ["cancelled", "cancelled"])


def test_a_full_queue_says_when_to_come_again(lab, role):
    with role("owner") as owner:
        owner.execute(
            "WITH made AS (INSERT INTO audit_work (kind, queue, state, subject, priority)"
            " SELECT 'inference', 'research.ops', 'ready', 'x', 5 FROM generate_series(1, 512)"
            " RETURNING id) INSERT INTO gpu_job (id, tier, slot, kind, principal, request,"
            " deadline_at) SELECT id, 'research', 'ops', 'chat', 'x', '{}', now() + '1h' FROM made"
        )
    response = lab.chat()
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) >= 1
    assert fault_of(response).startswith("server busy, please try again")


def test_a_slot_with_a_fault_is_503(lab, role):
    with role("owner") as owner:
        owner.execute("UPDATE gpu_slot SET fault = 'another digest' WHERE name = 'ops'")
    response = lab.chat()
    assert response.status_code == 503
    assert response.headers["retry-after"]
    assert "another digest" in fault_of(response)


def test_a_database_that_is_away_is_503(lab, key):
    lab.get("/api/tags")
    settings = connections["default"].settings_dict
    port, settings["PORT"] = settings["PORT"], "1"
    try:
        response = lab.chat()
    finally:
        settings["PORT"] = port
    assert response.status_code == 503
    assert response.headers["retry-after"]


def test_a_fault_of_ours_is_said_in_the_language_of_the_address(lab, role):
    with role("owner") as owner:
        owner.execute("UPDATE gpu_slot SET tiers = '7'")
    assert lab.get("/api/tags").json() == {"error": "a fault of ours: its traceback is in the log"}
    response = lab.get("/v1/models")
    assert response.status_code == 500
    assert response.json()["error"]["code"] == "fault"


def test_a_redis_that_is_away_delays_nothing_but_the_message(lab, worker, monkeypatch):
    from gpu.celery import app

    # The tests after this one begin without its memory of a Redis that is away.
    monkeypatch.setattr(entering, "_away_until", [0.0])
    monkeypatch.setitem(app.conf, "broker_url", "redis://127.0.0.1:1/0")
    monkeypatch.setattr(app, "_pool", None)
    monkeypatch.setattr(app.amqp, "_producer_pool", None)
    reading = lab.reading()
    held = worker.claim(eventually(worker.ready)[0])
    held.done({"message": {"content": "Ethernet"}})
    assert reading.text == "Ethernet"


def test_a_request_without_a_prompt_is_answered_at_once(lab):
    loaded = lab.post("/api/chat", {"model": "ops", "messages": []})
    assert (loaded.json()["done_reason"], loaded.json()["done"]) == ("load", True)
    unloaded = lab.post("/api/generate", {"model": "ops", "keep_alive": 0})
    assert unloaded.json()["done_reason"] == "unload"
    assert lab.post("/api/embed", {"model": "embed", "input": []}).json()["embeddings"] == []
    assert states() == []


def test_no_prompt_and_no_key_is_ever_logged(lab, key, worker, caplog):
    caplog.set_level("DEBUG")
    reading = lab.reading(messages=[{"role": "user", "content": "a secret of mine"}])
    worker.claim(eventually(worker.ready)[0]).fail("inference.cut_stream")
    reading.whole()
    lab.post("/api/chat", {"model": "a secret of mine", "messages": WHY})
    ours = [r.getMessage() for r in caplog.records if r.name.startswith(("gpu", "uvicorn"))]
    assert ours
    assert [said for said in ours if "secret" in said or key in said] == []
