"""The ledger: how far it is whole, its latest entries, and what one entry shows by itself."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from audit.models import Entry
from ethops.pages import ledger_filter
from ethops.pages.frame import ledger_shown
from ethops.pages.now import Answer
from ethops.pages.seals import Seal, seal
from ethops.pages.words import NONE, Moment, State, count, entry, flat, short_hash
from ethops.world import ledger, ledger_state, runs

SHOWN = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One entry as a line of the list."""

    seal: Seal | None
    state: State
    kind: str
    ticket: str
    ticket_href: str
    what: str
    by: str
    at: Moment
    hash: str


@dataclass(frozen=True, slots=True)
class Shows:
    """One sentence about an entry, and whether it holds; None where nobody has looked."""

    holds: bool | None
    says: str
    detail: str


@require_safe
def shown(request: HttpRequest, context: dict[str, Any]) -> HttpResponse:
    """Draw the standing of the whole and its entries, newest first."""
    now = timezone.now()
    form = ledger_filter.sought(request.GET)
    found = list(ledger_filter.kept(ledger.entries().defer(None), form)[: SHOWN + 1])
    shown_now = {
        **context,
        "title": "Ledger",
        "answers": answers(now),
        "rows": [row(one, now) for one in found[:SHOWN]],
        "older": ledger_filter.older(form, found[SHOWN - 1].seq) if len(found) > SHOWN else "",
        "form": form,
        "filter": ledger_filter.says(form),
        "before": "before" in ledger_filter.chosen(form),
        "kinds": ledger.kinds(),
        "personas": list(runs.cards().values_list("name", flat=True)),
    }
    return TemplateResponse(request, "desk/ledger.html", shown_now)


def answers(now: datetime) -> list[Answer]:
    """Answer whether it is whole, where it ends, and what is in doubt."""
    standing = ledger_state.standing()
    said = ledger_shown(standing, now)
    here = reverse("admin:ledger")
    newest = ledger.entries().first()
    written = f"written {Moment(newest.at, now).ago} ago" if newest else "nothing is recorded yet"
    doubts = list(runs.in_doubt()[:2])
    in_doubt = runs.in_doubt().count()
    return [
        Answer("Whole", said.says, said.detail, said.tone, here),
        Answer("Newest entry", entry(standing.seq), written, "run", here),
        Answer(
            "Waits to be written",
            count(standing.waiting, "fact") if standing.waiting else "Nothing",
            "the recorder writes within a second"
            if standing.waiting
            else "every fact has its entry",
            "doubt" if standing.waiting > LAGGING else "quiet",
            here,
        ),
        Answer(
            "In doubt",
            count(in_doubt, "action") if in_doubt else "Nothing",
            "nobody has reported the outcome" if in_doubt else "every outcome is known",
            "doubt" if in_doubt else "quiet",
            reverse("admin:action", args=[doubts[0].id]) if doubts else here,
        ),
    ]


LAGGING = 100
"""So many facts at once are not a busy second any more."""


def row(one: Entry, now: datetime) -> Row:
    """Return an entry as a line."""
    what, by = about(ledger.content(one))
    return Row(
        seal=seal(one.seq),
        state=State("recorded", "quiet", "recorded"),
        kind=one.kind,
        ticket=one.ticket_ref,
        ticket_href=reverse("admin:ticket", args=[one.ticket_ref]) if one.ticket_ref else "",
        what=what,
        by=by,
        at=Moment(one.at, now),
        hash=bytes(one.hash).hex()[:8],
    )


@require_safe
def entry_shown(request: HttpRequest, context: dict[str, Any], seq: int) -> HttpResponse:
    """Draw one entry with what it shows by itself."""
    one = ledger.entry(seq) if seq < 2**62 else None
    if one is None:
        raise Http404(f"There is no entry {entry(seq)}.")
    now = timezone.now()
    shows = proof(one, now)
    broken = any(one.holds is False for one in shows)
    said = ledger.content(one)
    shown_now = {
        **context,
        "title": f"Entry {entry(seq)}",
        "entry": one,
        "number": entry(seq),
        "at": Moment(one.at, now),
        "state": State("broken", "no", "broken")
        if broken
        else State("recorded", "quiet", "recorded"),
        "shows": shows,
        "hash": short_hash(bytes(one.hash)),
        "hash_whole": bytes(one.hash).hex(),
        "prev_whole": bytes(one.prev).hex(),
        "facts": _facts(said.get("body")),
        "raw": json.dumps(said, indent=1, ensure_ascii=False) if said else bytes(one.body).hex(),
        "ticket_href": reverse("admin:ticket", args=[one.ticket_ref]) if one.ticket_ref else "",
        "subject_href": subject_href(one),
        "subject": short_subject(one),
        "newer": seq + 1 if ledger.entry(seq + 1) else None,
        "older": seq - 1 if seq > 1 else None,
    }
    return TemplateResponse(request, "desk/entry.html", shown_now)


def proof(one: Entry, now: datetime) -> list[Shows]:
    """Return the sentences about an entry that can be claimed today: a chain, no tree yet."""
    own = ledger.proof(one)
    size = count(len(bytes(one.body)), "byte")
    before = entry(own.previous) if own.previous else "the beginning"
    checked = ledger_state.last_check()
    return [
        Shows(
            own.bytes_hold,
            "Its bytes give its hash" if own.bytes_hold else "Its bytes do not give its hash",
            f"{size}, canonical form",
        ),
        Shows(
            own.follows,
            f"It follows {before}" if own.follows else f"It does not follow {before}",
            "its hash takes in the hash before it",
        ),
        whole(checked, now),
    ]


def whole(checked: ledger_state.Checked | None, now: datetime) -> Shows:
    """Return the sentence about the whole chain."""
    if checked is None:
        unknown = "The chain has not been checked yet"
        return Shows(holds=None, says=unknown, detail="manage.py ledger verify checks every entry")
    ago = f"checked {Moment(checked.at, now).ago} ago"
    if not checked.whole:
        detail = f"{checked.finding}; {ago}"
        return Shows(holds=False, says="The chain is broken", detail=detail)
    says = f"The chain is whole to {entry(checked.to_seq)}"
    return Shows(holds=True, says=says, detail=ago)


def subject_href(one: Entry) -> str:
    """Return where the thing an entry is about is shown, where it has a page."""
    room = one.kind.partition(".")[0]
    subject = one.subject.partition(":")[0]
    place = {"action": "admin:action", "run": "admin:run", "step": "admin:run"}.get(room)
    if place == "admin:action":
        return reverse(place, args=[subject]) if _is_action(subject) else ""
    return reverse(place, args=[subject]) if place and _is_uuid(subject) else ""


def short_subject(one: Entry) -> str:
    """Return `run 9000`, `step 3 of run 9000`; any other subject as it stands."""
    head, _, step = one.subject.partition(":")
    if not _is_uuid(head):
        return one.subject
    room = one.kind.partition(".")[0]
    return f"step {step} of run {head[:4]}" if step else f"{room} {head[:4]}"


def _is_action(subject: str) -> bool:
    return _is_uuid(subject) and runs.actions().filter(id=subject).exists()


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4


def _facts(body: object) -> list[tuple[str, str]]:
    kept = [(name, text) for name, text in flat(body) if text != NONE]
    return [(name.replace("_", " ").replace(".", ": ").capitalize(), text) for name, text in kept]


def about(said: dict[str, Any]) -> tuple[str, str]:
    """Return what an entry is about and by whom, in words, from its body."""
    body = said.get("body")
    if not isinstance(body, dict):
        return "", ""
    by = short_principal(next((str(body[name]) for name in WHO if body.get(name)), ""))
    what = str(body.get("entry") or body.get("verb") or "")
    if what and body.get("target"):
        what = f"{what} on {body['target']}"
    step = f"step {body['step']}: {body['choice']}" if "choice" in body and "step" in body else ""
    line = f"line {body['line']} of the worklog" if body.get("line") else ""
    return what or step or str(body.get("title") or body.get("summary") or line), by


def short_principal(name: str) -> str:
    """Return `run 9000` for a run; a rule or person by its name."""
    kind, _, rest = name.partition(":")
    return f"run {rest[:4]}" if kind == "run" and rest else rest or kind


WHO = ("person", "author", "card", "principal", "noted_by")
