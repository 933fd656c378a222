"""One entry: what it says, who signed it, what belongs to it, and its proof step by step."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from audit.errors import NoProofError
from audit.ledger.entries import PRUNED
from audit.ledger.witnesses import each_once
from audit.models import Entry
from ethops.pages.words import NONE, Moment, State, count, entry, flat, listed, short_hash
from ethops.world import ledger, ledger_entry, ledger_proofs, ledger_state, runs
from ethops.world.ledger_entry import Signature
from ethops.world.ledger_proofs import Head, Inclusion

APART = ("values", "signed", "instance", "instance_seq", "instance_prev")
"""Parts of a body that the page shows in their own way."""

SPELT = {
    "cis": "CIs",
    "args_sha256": "Arguments (hash)",
    "result_sha256": "Result (hash)",
    "question_sha256": "Question (hash)",
    "answer_sha256": "Answer (hash)",
    "entry": "Catalogue",
    "intent_seq": "Authorised in",
    "latency_us": "Took, in µs",
}


@dataclass(frozen=True, slots=True)
class Shows:
    """One sentence about an entry, and whether it holds; None where nobody can tell yet."""

    holds: bool | None
    says: str
    detail: str


@require_safe
def shown(request: HttpRequest, context: dict[str, Any], seq: int) -> HttpResponse:
    """Draw one entry."""
    one = ledger.entry(seq) if seq < 2**62 else None
    if one is None:
        raise Http404(f"There is no entry {entry(seq)}.")
    now = timezone.now()
    said = ledger.content(one)
    proof, why_not = proven(one)
    shows = sentences(one, proof, why_not, now)
    about = {
        **context,
        "title": f"Entry {entry(seq)}",
        "entry": one,
        "number": entry(seq),
        "at": Moment(one.at, now),
        "state": state(shows, proof),
        "shows": shows,
        "proof": proof,
        "path": [(number, step.hex()) for number, step in enumerate(proof.path, start=1)]
        if proof
        else [],
        "head_number": entry(proof.head.size) if proof else "",
        "hash": short_hash(bytes(one.hash)),
        "hash_whole": bytes(one.hash).hex(),
        "prev_whole": bytes(one.prev).hex(),
        "leaf_whole": proof.leaf.hex() if proof else "",
        "facts": facts(said.get("body")),
        "values": ledger_entry.values_of(said),
        "signature": signed(ledger_entry.signature_of(said)),
        "linked": [
            (one.seq, entry(one.seq), one.kind, Moment(one.at, now))
            for one in ledger_entry.linked(one)
        ],
        "raw": json.dumps(said, indent=1, ensure_ascii=False) if said else bytes(one.body).hex(),
        "ticket_href": reverse("admin:ticket", args=[one.ticket_ref]) if one.ticket_ref else "",
        "subject_href": subject_href(one),
        "subject": short_subject(one),
        "newer": seq + 1 if ledger.entry(seq + 1) else None,
        "older": seq - 1 if seq > 1 else None,
    }
    return TemplateResponse(request, "desk/entry.html", about)


def proven(one: Entry) -> tuple[Inclusion | None, str]:
    """Return the entry's proof, or why there is none."""
    try:
        return ledger_proofs.proven(one), ""
    except NoProofError as fault:
        return None, str(fault)


def state(shows: list[Shows], proof: Inclusion | None) -> State:
    """Return recorded, proven or broken."""
    # The last sentence is about the whole chain, and not about this entry.
    if any(one.holds is False for one in shows[:-1]):
        return State("broken", "no", "broken")
    if proof is None:
        return State("recorded", "quiet", "recorded")
    return State("proven", "ok", "proven")


def sentences(one: Entry, proof: Inclusion | None, why_not: str, now: datetime) -> list[Shows]:
    """Return what can be claimed of an entry: its bytes, its place, its head, who else saw it."""
    own = ledger.proof(one)
    size = count(len(bytes(one.body)), "byte")
    before = entry(own.previous) if own.previous else "the beginning"
    detail = f"{size}, canonical form"
    if one.kind == PRUNED:
        detail = "retention took its bytes; their own hash stands in their place"
    found = [
        Shows(
            own.bytes_hold,
            "Its bytes give its hash" if own.bytes_hold else "Its bytes do not give its hash",
            detail,
        ),
        Shows(
            own.follows,
            f"It follows {before}" if own.follows else f"It does not follow {before}",
            "its hash takes in the hash before it",
        ),
    ]
    wrong = ledger.differs(one, ledger.content(one))
    if wrong:
        found.append(Shows(holds=False, says="It is shown otherwise than it says", detail=wrong))
    if proof is None:
        return [*found, untreed(one, why_not), whole(ledger_state.last_check(), now)]
    steps = count(len(proof.path), "step")
    treed = Shows(
        proof.holds,
        "It is in the tree" if proof.holds else "It is not in the tree",
        f"{steps} to the root of the head of {entry(proof.head.size)}",
    )
    return [*found, treed, *headed(proof.head, now), whole(ledger_state.last_check(), now)]


def untreed(one: Entry, why_not: str) -> Shows:
    """Say why there is no proof: no head yet is normal for seconds, a hole in the tree is not."""
    signed_to = ledger_proofs.signed_to()
    if signed_to >= one.seq:
        return Shows(holds=False, says="The tree cannot prove it", detail=why_not)
    newest = f"the newest is of {entry(signed_to)}" if signed_to else "none was signed so far"
    return Shows(holds=None, says="No signed head covers it yet", detail=newest)


def headed(head: Head, now: datetime) -> list[Shows]:
    """Say whether the head is signed by the log, and who else has signed it."""
    ours, others = ledger_proofs.verified(head)
    signed_at = f"key {head.key}, {Moment(head.at, now).ago} ago"
    log = Shows(
        ours,
        "The head is signed" if ours else "The head is not signed by the log's key",
        signed_at,
    )
    good = [one for one in others if one.independent]
    if not good:
        detail = "a witness of our own administrator counts as none" if others else ""
        return [log, Shows(None, "Nobody else has signed this head", detail or "no witness yet")]
    administrators = each_once(one.administrator for one in good)
    says = f"{count(len(good), 'witness', 'witnesses')} saw the same head"
    return [log, Shows(holds=True, says=says, detail=f"of {listed(administrators)}")]


def whole(checked: ledger_state.Checked | None, now: datetime) -> Shows:
    """Return the sentence about the whole chain."""
    if checked is None:
        unknown = "The chain has not been checked yet"
        return Shows(holds=None, says=unknown, detail="manage.py ledger verify checks every entry")
    ago = f"checked {Moment(checked.at, now).ago} ago"
    if not checked.whole:
        return Shows(holds=False, says="The chain is broken", detail=f"{checked.finding}; {ago}")
    return Shows(holds=True, says=f"The chain is whole to {entry(checked.to_seq)}", detail=ago)


def signed(found: Signature | None) -> Shows | None:
    """Say who signed what the entry says; None where no incarnation did."""
    if found is None:
        return None
    who = f"incarnation {found.instance[:4]}"
    step = f", step {found.step}" if found.step is not None else ""
    detail = f"{who} of run {found.run[:4]}{step}; its statement {found.number}"
    if not found.holds:
        return Shows(holds=False, says="Its signature does not hold", detail=detail)
    return Shows(holds=True, says="Signed by who asked", detail=detail)


def facts(body: object) -> list[tuple[str, str]]:
    """Return names and texts of what an entry says, without what the page shows apart."""
    kept = {k: v for k, v in body.items() if k not in APART} if isinstance(body, dict) else body
    found = [(name, text) for name, text in flat(kept) if text != NONE]
    return [(spelt(name), short_digest(text)) for name, text in found]


def spelt(name: str) -> str:
    """Return a field's name as people read it."""
    return SPELT.get(name) or name.replace("_", " ").replace(".", ": ").capitalize()


def short_digest(text: str) -> str:
    """Return a hash by its first and last digits; any other text as it is."""
    is_hash = len(text) == 64 and all(digit in "0123456789abcdef" for digit in text)
    return f"{text[:8]} … {text[-8:]}" if is_hash else text


def subject_href(one: Entry) -> str:
    """Return where the thing an entry is about is shown, where it has a page."""
    room = one.kind.partition(".")[0]
    subject = one.subject.partition(":")[0]
    place = {"action": "admin:action", "run": "admin:run", "step": "admin:run"}.get(room)
    if place is None or not _is_uuid(subject):
        return ""
    there = runs.actions() if place == "admin:action" else runs.runs()
    return reverse(place, args=[subject]) if there.filter(id=subject).exists() else ""


def short_subject(one: Entry) -> str:
    """Return `run 9000`, `step 3 of run 9000`; any other subject as it stands."""
    head, _, step = one.subject.partition(":")
    if not _is_uuid(head):
        return one.subject
    room = "incarnation" if "incarnation" in one.kind else one.kind.partition(".")[0]
    return f"step {step} of run {head[:4]}" if step else f"{room} {head[:4]}"


def _is_uuid(text: str) -> bool:
    return len(text) == 36 and text.count("-") == 4
