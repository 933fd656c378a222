"""Vectors of texts, asked of the queue in its tier like anybody's work: in bounded requests.

A request is called by what it asks. Who asks the same again, after a death too, finds its answer
or waits for it: nothing is asked twice, and nothing that was answered is lost.
"""

import hashlib
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from gpu import rows
from gpu.errors import ClientFullError, NoVectorsError, QueueFullError
from gpu.models import Card, Job, Slot
from gpu.proxy import entering
from gpu.proxy.limits import tokens_of_text
from gpu.rows import Request
from gpu.states import Doing, JobKind
from gpu.tiers import Tier

AT_ONCE: Final = 32
"""Texts of one request."""
ANSWERS_FOR: Final = timedelta(hours=1)
"""So long an answer is found again."""
RESTS: Final = timedelta(minutes=10)
"""So long nothing is asked again that the model did not take."""
GLANCE_SECONDS: Final = 0.05
OTHER_MODEL: Final = "It was answered by another model."
_OF_THE_TEXT: Final = ("inference.server_said", "inference.refused_option")
"""What a request fails of that fails again; all else is of card, server or time."""
_SHOWN: Final = (
    "id", "label", "id__state", "id__error", "error_code", "model_digest", "finished_at",
)  # fmt: skip

Texts = tuple[str, ...]
Vector = list[float]


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: how many of its requests may wait, and how long it stands there for the answers.

    What it does not wait for any more is done all the same where it `comes_again`, and else taken
    out of the queue.
    """

    name: str
    requests: int
    seconds: float
    lasts_s: float
    comes_again: bool


class _Stands(Enum):
    OPEN = "open"
    DONE = "done"
    NOT_TAKEN = "not taken"
    NOT_THERE = "not there"


@dataclass(frozen=True, slots=True)
class _Seen:
    id: UUID
    stands: _Stands
    why: str


def slot_of(wanted: str | None) -> Slot:
    """Return the slot that makes vectors: the one that is wanted, or else the first by name.

    Raises:
        NoVectorsError: there is none, it is refused, its model was never seen, or is a server's.
    """
    able = [slot for slot in rows.slots(Tier.EMBEDDING) if slot.kind == "embed"]
    found = next((slot for slot in able if wanted in (None, slot.name)), None)
    if found is None:
        named = "is declared" if wanted is None else f"is called {wanted[:40]}"
        raise NoVectorsError(f"No slot of kind embed {named} for the tier embedding.")
    if found.fault:
        raise NoVectorsError(f"The slot {found.name} is refused: {found.fault}.")
    if card := Card.objects.filter(enabled=True, serves__has_key=found.name).first():
        raise NoVectorsError(
            f"The card {card.name} serves the slot {found.name} by a model of its server's own:"
            " whose its vectors are cannot be told."
        )
    if not found.digest:
        raise NoVectorsError(f"The model of the slot {found.name} was not seen yet.")
    return found


class Asking:
    """One asker at one slot, from now on for as long as it stands there."""

    def __init__(self, asker: Asker, slot: Slot) -> None:
        self._asker = asker
        self._slot = slot
        self._until = time.monotonic() + asker.seconds
        self._mine: dict[str, UUID] = {}

    def vectors(self, texts: Sequence[str]) -> list[Vector | None]:
        """Return a vector of each text, None for one not taken, or that has none in this time.

        Raises:
            NoVectorsError: none of them has one, for another reason than that none is taken.
            UnknownSlotError: the slot is declared no more.
        """
        kept = [_kept(text) for text in texts]
        parts = self._parts(tuple(dict.fromkeys(kept)))
        why = self._wait(parts)
        found = self._answers(parts)
        if not found and not self._are_refused(parts):
            raise NoVectorsError(why or "What was answered is no vector of each text.")
        return [found.get(text) for text in kept]

    def _parts(self, texts: Texts) -> dict[str, Texts]:
        """Part texts into requests, by name; of one that was not taken each goes by itself.

        What was not taken by itself is left out: it takes nobody along.
        """
        alone = {self._name((text,)): text for text in texts}
        seen = self._seen(alone)
        good = [t for name, t in alone.items() if not _was_refused(seen.get(name))]
        many = [tuple(good[n : n + AT_ONCE]) for n in range(0, len(good), AT_ONCE)]
        named = {self._name(part): part for part in many}
        seen = self._seen(named)
        parts: dict[str, Texts] = {}
        for name, part in named.items():
            each = [(text,) for text in part] if _was_refused(seen.get(name)) else [part]
            parts |= {self._name(one): one for one in each}
        return parts

    def _wait(self, parts: Mapping[str, Texts]) -> str:
        """Ask what is not asked yet, wait for what is; return why something is still missing."""
        while True:
            seen = self._seen(parts)
            n_open = sum(one.stands is _Stands.OPEN for one in seen.values())
            missing = [name for name in parts if self._may_ask(name, seen.get(name))]
            room = max(0, self._asker.requests - n_open)
            full = self._ask({name: parts[name] for name in missing[:room]})
            if not n_open and (full or not missing):
                return full or next((one.why for one in seen.values() if one.why), "")
            if time.monotonic() >= self._until:
                self._leave()
                return full or f"The card did not answer within {self._asker.seconds:g} s."
            time.sleep(GLANCE_SECONDS)

    def _are_refused(self, parts: Collection[str]) -> bool:
        seen = self._seen(parts)
        return all(_was_refused(seen.get(name)) for name in parts)

    def _may_ask(self, name: str, seen: _Seen | None) -> bool:
        there = seen is not None and seen.stands is not _Stands.NOT_THERE
        return not there and name not in self._mine

    def _ask(self, parts: Mapping[str, Texts]) -> str:
        """Put requests into the queue as far as it takes them; return why not all."""
        if parts and not _is_served():
            return "No card is served."
        for name, part in parts.items():
            try:
                self._mine[name] = entering.enter(self._request(name, part))
            except (QueueFullError, ClientFullError) as full:
                return str(full)
        return ""

    def _request(self, name: str, part: Texts) -> Request:
        return Request(
            tier=Tier.EMBEDDING,
            slot=self._slot.name,
            kind=JobKind.EMBED,
            principal=self._asker.name,
            body={"input": list(part)},
            client=self._asker.name,
            label=name,
            tokens_asked=tokens_of_text(*part),
            deadline_s=self._asker.lasts_s,
            max_waiting=self._asker.requests,
        )

    def _leave(self) -> None:
        if not self._asker.comes_again:
            for job_id in self._mine.values():
                rows.cancel(job_id, "who asked waits no longer")

    def _seen(self, names: Collection[str]) -> dict[str, _Seen]:
        """Return how requests of these names stand; the newest of each counts."""
        now = timezone.now()
        found = (
            Job.objects.filter(Q(finished_at=None) | Q(finished_at__gt=now - ANSWERS_FOR))
            .filter(client=self._asker.name, label__in=list(names))
            .order_by("created_at")
            .values(*_SHOWN)
        )
        return {row["label"]: self._as_seen(row, now) for row in found}

    def _as_seen(self, row: Mapping[str, Any], now: datetime) -> _Seen:
        ended: datetime | None = row["finished_at"]
        if ended is None:
            return _Seen(row["id"], _Stands.OPEN, "")
        if row["id__state"] == "done":
            other = row["model_digest"] != self._slot.digest
            stands = _Stands.NOT_THERE if other else _Stands.DONE
            return _Seen(row["id"], stands, OTHER_MODEL if other else "")
        rests = row["error_code"] in _OF_THE_TEXT and ended >= now - RESTS
        stands = _Stands.NOT_TAKEN if rests else _Stands.NOT_THERE
        return _Seen(row["id"], stands, row["id__error"])

    def _answers(self, parts: Mapping[str, Texts]) -> dict[str, Vector]:
        done = [one.id for one in self._seen(parts).values() if one.stands is _Stands.DONE]
        found: dict[str, Vector] = {}
        for name, answer in Job.objects.filter(pk__in=done).values_list("label", "answer"):
            vectors = (answer or {}).get("embeddings") or []
            if len(vectors) == len(parts[name]):
                found |= zip(parts[name], vectors, strict=True)
        return found

    def _name(self, part: Texts) -> str:
        """Return what a request is called: by slot, model and texts."""
        said = [self._slot.name, self._slot.digest, *part]
        digest = hashlib.sha256("\0".join(said).encode()).hexdigest()
        return f"texts-{len(part)}-{digest[:40]}"


def _kept(text: str) -> str:
    """Return a text as the database keeps it: without what is no character."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode()


def _was_refused(seen: _Seen | None) -> bool:
    return seen is not None and seen.stands is _Stands.NOT_TAKEN


def _is_served() -> bool:
    up = Card.objects.filter(enabled=True, lease_until__gt=timezone.now())
    return up.exclude(doing=Doing.SICK).exists()
