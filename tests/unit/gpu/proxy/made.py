"""Rows as the database would give them, for tests without one."""

from typing import Any
from uuid import UUID

from gpu.models import Client, Slot
from gpu.rows import JobRow

ID = UUID("6a1f2b5e-5b0f-4f0e-9f55-0d3a1f3f2a11")


def row(**said: Any) -> JobRow:
    """A finished job."""
    whole: dict[str, Any] = {
        "id": ID,
        "state": "done",
        "answer": {"message": {"role": "assistant", "content": "Ethernet"}, "done_reason": "stop"},
        "error_code": "",
        "error": "",
        "tokens_in": 11,
        "tokens_out": 2,
        "wait_s": 1.0,
        "load_s": 0.5,
        "latency_s": 3.0,
        "preemptions": 0,
        "started_at": None,
        "finished_at": None,
        "slot": "ops",
    }
    return JobRow(**{**whole, **said})


def slot(name: str = "ops", **said: Any) -> Slot:
    """A slot that chats."""
    whole: dict[str, Any] = {
        "model": "qwen3:8b",
        "kind": "chat",
        "options": {"num_ctx": 4096},
        "context": 4096,
        "vram_mb": 7000,
        "tiers": ["ops", "research"],
        "fault": "",
        "digest": "",
    }
    return Slot(name=name, **{**whole, **said})


def client(**said: Any) -> Client:
    """A research client."""
    whole: dict[str, Any] = {"name": "lab", "tier": "research", "slots": [], "max_waiting": 4}
    return Client(**{**whole, **said})
