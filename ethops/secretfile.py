"""The secrets of one state folder: made once, readable by their owner alone."""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

ROLES = (
    "ethops_owner",
    "ethops_app",
    "ethops_agent",
    "ethops_executor",
    "ethops_gpu",
    "ethops_audit_writer",
    "ethops_audit_signer",
    "ethops_witness",
    "ethops_verifier",
)
"""Every database role of ethops, each with a secret of its own."""

LATER = frozenset({"ethops_audit_signer", "ethops_witness", "ethops_verifier"})
"""Roles that are younger than some state folders: their secrets are added by the next start."""


class SecretFileError(Exception):
    """The file of secrets is there but cannot be used."""

    code = "secrets.unusable"
    hint = "Give it back to its owner with mode 600, or restore it from a backup."


@dataclass(frozen=True, slots=True)
class Secrets:
    """What one stack keeps to itself."""

    stack_id: str
    """Names this stack's folders outside the clone; random: a new clone never meets old data."""
    role_passwords: dict[str, str]
    """Database role -> its password."""
    redis_password: str
    """What Redis asks of every client."""
    admin_password: str
    """The first login of the desk and of Flower."""
    django_secret_key: str
    """Signs sessions."""


def read_secrets(state: Path) -> Secrets | None:
    """The secrets of this folder, or None before its first start."""
    path = state / "secrets.json"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except PermissionError as fault:
        raise SecretFileError(f"{path} belongs to another user") from fault
    return _parse(path, text)


def make_secrets(state: Path) -> Secrets:
    """The secrets of this folder; the first call of all makes them."""
    kept = read_secrets(state)
    if kept is not None and kept.role_passwords.keys() >= LATER:
        return kept
    made = replace(kept, role_passwords=_passwords(kept.role_passwords)) if kept else _made()
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(state / "secrets.json", json.dumps(asdict(made), indent=1) + "\n")
    return made


def _passwords(kept: Mapping[str, str]) -> dict[str, str]:
    return {role: kept.get(role) or secrets.token_urlsafe(24) for role in ROLES}


def _made() -> Secrets:
    return Secrets(
        stack_id=secrets.token_hex(6),
        role_passwords=_passwords({}),
        redis_password=secrets.token_urlsafe(24),
        admin_password=secrets.token_urlsafe(12),
        django_secret_key=secrets.token_urlsafe(48),
    )


def write_private(path: Path, text: str, *, durable: bool = True) -> None:
    """Write a file that only its owner may read, whole or not at all."""
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    handle = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        stream.write(text)
        if durable:
            stream.flush()
            os.fsync(stream.fileno())
    beside.replace(path)


def _parse(path: Path, text: str) -> Secrets:
    try:
        found: dict[str, Any] = json.loads(text)
        kept = Secrets(**{field.name: found[field.name] for field in fields(Secrets)})
        missing = [role for role in ROLES if role not in LATER | {*kept.role_passwords}]
    except (ValueError, KeyError, TypeError) as fault:
        raise SecretFileError(f"{path} is damaged ({fault})") from fault
    if missing:
        raise SecretFileError(f"{path} lacks a secret for {', '.join(missing)}")
    return kept
