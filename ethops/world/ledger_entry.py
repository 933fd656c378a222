"""One entry with everything that belongs to it: values beside it, signature, linked entries."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit import signatures
from audit.ledger import values
from audit.models import Entry
from ethops.world import ledger

MOST_LINKED = 20


@dataclass(frozen=True, slots=True)
class ValueShown:
    """A value that the entry only commits to; taken away by somebody, or gone without a word."""

    name: str
    text: str | None
    taken_by: str = ""
    why: str = ""
    tombstone: int | None = None


@dataclass(frozen=True, slots=True)
class Signature:
    """What an incarnation of a run signed; `holds` is found by checking it again."""

    instance: str
    number: int
    run: str
    step: int | None
    statement: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Linked:
    """Another entry about the same thing: a permit and its outcome, a birth and an end."""

    seq: int
    kind: str
    at: datetime


def values_of(said: Mapping[str, Any]) -> list[ValueShown]:
    """Return the values of an entry, with who took away what is gone; two queries at most."""
    kept = values.of(said.get("body"))
    gone = [one.digest for one in kept if one.text is None]
    stones = Entry.objects.filter(kind="ledger.redacted", subject__in=gone) if gone else []
    told = {one.subject: (one.seq, _body(one)) for one in stones}
    return [_value(one, told.get(one.digest)) for one in kept]


def _value(one: values.Kept, stone: tuple[int, Mapping[str, Any]] | None) -> ValueShown:
    if stone is None:
        return ValueShown(one.name, one.text)
    seq, said = stone
    by, why = str(said.get("person", "")), str(said.get("why", ""))
    return ValueShown(one.name, None, taken_by=by, why=why, tombstone=seq)


def signature_of(said: Mapping[str, Any]) -> Signature | None:
    """Return who signed what the entry says, checked again; None where nobody did."""
    body = said.get("body")
    signed = body.get("signed") if isinstance(body, Mapping) else None
    if not isinstance(body, Mapping) or not isinstance(signed, Mapping):
        return None
    parts = {name: str(signed.get(name) or "") for name in ("key", "statement", "signature")}
    step = body.get("step")
    return Signature(
        instance=str(body.get("instance", "")),
        number=int(body.get("instance_seq") or 0),
        run=str(body.get("run", "")),
        step=step if isinstance(step, int) else None,
        statement=parts["statement"],
        holds=signatures.holds(**parts) and _agrees(parts["statement"], body),
    )


def _agrees(statement: str, body: Mapping[str, Any]) -> bool:
    """Tell whether what was signed names the same deed as the entry around it."""
    try:
        said = json.loads(statement)
    except (ValueError, RecursionError):
        return False
    names = ("run", "step", "instance", "instance_seq", "verb", "entry", "target")
    return isinstance(said, dict) and all(
        said[name] == body.get(name) for name in names if name in said
    )


def linked(to: Entry) -> list[Linked]:
    """Return the other entries about the same thing, oldest first."""
    rows = Entry.objects.filter(subject=to.subject).exclude(seq=to.seq).order_by("seq")
    found = rows.values_list("seq", "kind", "at")[:MOST_LINKED]
    room = to.kind.partition(".")[0]
    return [Linked(*one) for one in found if one[1].partition(".")[0] == room]


def _body(of: Entry) -> Mapping[str, Any]:
    body = ledger.content(of).get("body")
    return body if isinstance(body, Mapping) else {}
