"""The doors for those who ask: what is refused, what is recorded, what is seen of the queue."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.conf import settings

from audit.recorder import Recorder
from gpu import loading, rows
from gpu.errors import BadProfileError, ClientFullError, QueueFullError, UnknownSlotError
from gpu.models import Card, Job, Slot
from gpu.rows import Request
from gpu.states import JobKind
from gpu.tiers import Tier
from tests.conftest import point_django
from tests.servers import Servers

Connect = Callable[[str], psycopg.Connection[Any]]
Load = Callable[..., list[str]]


@pytest.fixture
def load(
    clean_db: None, servers: Servers, database_name: str, tmp_path: Any, monkeypatch: Any
) -> Iterator[Load]:
    """`load(host, profile)` brings cards and slots into rows, as their owner."""

    def change(host: str = "box:11434", profile: str = "simulated", file: str = "") -> list[str]:
        monkeypatch.setattr(settings, "ETHOPS_OLLAMA_HOST", host)
        monkeypatch.setattr(settings, "ETHOPS_GPU_PROFILE", profile)
        monkeypatch.setattr(settings, "ETHOPS_GPU", tmp_path / "gpu.yaml")
        if file:
            (tmp_path / "gpu.yaml").write_text(file, encoding="utf-8")
        point_django(servers, database_name, "ethops_owner")
        try:
            return loading.load()
        finally:
            point_django(servers, database_name, "ethops_app")

    yield change
    (tmp_path / "gpu.yaml").unlink(missing_ok=True)


def ask(**more: Any) -> Request:
    """A request for research, unless it says otherwise."""
    said: dict[str, Any] = {
        "tier": Tier.RESEARCH, "slot": "code-14b", "kind": JobKind.CHAT,
        "principal": "person:ada", "body": {"messages": []}, **more,
    }  # fmt: skip
    return Request(**said)


# ---------------------------------------------------------------- asking


def test_what_is_asked_waits(load: Load) -> None:
    load()
    job_id = rows.submit(ask(tokens_asked=70))
    (queue,) = rows.waiting()
    assert (queue.queue, queue.jobs, queue.tokens, queue.begun) == (
        "research.code-14b", 1, 70, False,
    )  # fmt: skip
    row = rows.job(job_id)
    assert row is not None
    assert (row.state, row.over) == ("ready", False)


def test_the_oldest_of_a_queue_is_known(load: Load) -> None:
    load()
    first = rows.submit(ask())
    rows.submit(ask())
    (queue,) = rows.waiting()
    assert queue.jobs == 2
    assert queue.oldest == pytest.approx(Job.objects.get(pk=first).id.created_at.timestamp())


@pytest.mark.parametrize("more", [{"slot": "nobody"}, {"tier": Tier.OPS}, {"slot": "embed-8b"}])
def test_a_slot_that_is_not_for_it_is_refused(load: Load, more: dict[str, Any]) -> None:
    load()
    with pytest.raises(UnknownSlotError, match="no slot"):
        rows.submit(ask(**more))


def test_a_retired_slot_is_refused(load: Load, role: Connect) -> None:
    load()
    role("owner").execute("UPDATE gpu_slot SET enabled = false WHERE name = 'code-14b'")
    with pytest.raises(UnknownSlotError):
        rows.submit(ask())


def test_a_full_queue_turns_programs_away(load: Load) -> None:
    load()
    for _ in range(512):
        rows.submit(ask())
    with pytest.raises(QueueFullError, match="512"):
        rows.submit(ask())


def test_a_clients_share_is_its_own(load: Load) -> None:
    load()
    for _ in range(2):
        rows.submit(ask(client="lab", max_waiting=2))
    with pytest.raises(ClientFullError, match="of lab"):
        rows.submit(ask(client="lab", max_waiting=2))
    rows.submit(ask(client="wiki", max_waiting=2))


def test_what_is_cancelled_waits_no_more(load: Load) -> None:
    load()
    job_id = rows.submit(ask())
    assert rows.cancel(job_id, "nobody waits")
    row = rows.job(job_id)
    assert row is not None
    assert (row.state, row.error, row.over) == ("cancelled", "nobody waits", True)
    assert rows.waiting() == []
    assert not rows.cancel(job_id, "again")


def test_the_ledger_holds_a_request_by_its_digest_alone(load: Load, role: Connect) -> None:
    load()
    body = {"messages": [{"role": "user", "content": "my secret"}]}
    job_id = rows.submit(ask(body=body))
    link = role("audit_writer")
    origin = str(link.execute("SELECT origin FROM audit.head()").fetchone()[0])
    while Recorder("").record(link, origin):
        pass
    found = (
        role("owner")
        .execute("SELECT body FROM audit_entry WHERE subject = %s", [str(job_id)])
        .fetchone()[0]
    )
    entry = json.loads(bytes(found))["body"]
    assert "my secret" not in json.dumps(entry)
    assert len(entry["request_sha256"]) == 64
    assert (entry["tier"], entry["slot"], entry["principal"]) == (
        "research", "code-14b", "person:ada",
    )  # fmt: skip


# ---------------------------------------------------------------- what is declared


def test_a_profile_becomes_slots_and_a_card(load: Load) -> None:
    changed = load()
    assert "added card card0" in changed
    assert Card.objects.get().url == "http://box:11434"
    assert Slot.objects.get(name="embed-8b").tiers == ["embedding"]


def test_the_same_again_changes_nothing(load: Load) -> None:
    load()
    assert load() == []


def test_another_profile_retires_what_it_does_not_name(load: Load) -> None:
    load()
    changed = load(profile="card-16gb")
    assert "retired slot code-14b" in changed
    assert not Slot.objects.get(name="code-14b").enabled


def test_without_a_card_everything_is_retired(load: Load) -> None:
    load()
    load(host="")
    assert not Card.objects.get().enabled
    assert rows.slots() == []


def test_another_model_is_measured_and_pinned_anew(load: Load, role: Connect) -> None:
    load()
    role("owner").execute(
        "UPDATE gpu_slot SET digest = 'abc', measured_load_s = 3, fault = 'x', model = 'older'"
        " WHERE name = 'code-14b'"
    )
    assert "changed slot code-14b" in load()
    slot = Slot.objects.get(name="code-14b")
    assert (slot.digest, slot.measured_load_s, slot.fault) == ("", None, "")


def test_what_was_measured_stays(load: Load, role: Connect) -> None:
    load()
    role("owner").execute("UPDATE gpu_slot SET digest = 'abc', measured_load_s = 3, load_s = 99")
    load()
    slot = Slot.objects.get(name="code-14b")
    assert (slot.digest, slot.measured_load_s, slot.load_s) == ("abc", 3.0, 9.0)


def test_a_faulty_file_changes_nothing(load: Load) -> None:
    load()
    with pytest.raises(BadProfileError, match=r"gpu\.yaml:1"):
        load(file="cards: [{name: a}]\n")
    assert Card.objects.get().name == "card0"


def test_an_unknown_profile_is_refused(load: Load) -> None:
    with pytest.raises(BadProfileError, match="nobody"):
        load(profile="nobody")


# ---------------------------------------------------------------- pins


def pinned(role: Connect, digest: str) -> tuple[Any, ...]:
    """Show a digest to the slot `code-14b`; the answer, the pinned one, and its fault."""
    link = role("gpu")
    (said,) = link.execute("SELECT gpu.see_digest('code-14b', %s)", [digest]).fetchone() or ("",)
    slot = Slot.objects.get(name="code-14b")
    return said, slot.digest, slot.fault != ""


def test_a_slot_is_pinned_to_what_is_seen_first_until_a_person_lets_go(
    load: Load, role: Connect
) -> None:
    load()
    assert pinned(role, "abc") == ("pinned", "abc", False)
    assert pinned(role, "abc") == ("same", "abc", False)
    assert pinned(role, "def") == ("changed", "abc", True)
    assert pinned(role, "abc") == ("same", "abc", False)
    assert pinned(role, "def") == ("changed", "abc", True)
    role("app").execute("SELECT gpu.unpin('code-14b', 'ada')")
    assert pinned(role, "def") == ("pinned", "def", False)
