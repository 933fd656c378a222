"""Opening a ticket: who may, what a draft must say, and the rows that its class brings."""

from itertools import zip_longest
from typing import Final
from uuid import UUID, uuid5

from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.db.models.functions import Now

from adapters.text import one_line, plain
from adapters.tickets import catalogue, deeds, models, port, states
from adapters.tickets.errors import (
    DraftRefusedError,
    NotAllowedError,
    TicketNotFoundError,
    UnknownModelError,
)
from adapters.tickets.fields import TEXT, Value, read_all
from adapters.tickets.priority import MATRIX, priority
from adapters.tickets.rights import roles_of

ONE_PER_CAUSE: Final = "ticket_one_open_incident_per_cause"
PREFIX: Final = {"incident": "INC", "problem": "PRB", "change": "CHG", "request": "REQ"}


def open_ticket(*, key: UUID, draft: port.TicketDraft, vouched: port.Vouched) -> port.Deed:
    """Open a ticket or fold the draft in; run inside a transaction."""
    cause = draft.cause_key
    if cause is not None and (not cause or cause != one_line(cause, 200)):
        raise DraftRefusedError("A cause key is one plain line of 1 to 200 characters.")
    requester = _requester(draft, vouched)
    ticket = _fold(draft) or _create(draft, requester)
    if ticket is None:
        # Another process opened the same cause between the two statements.
        ticket = _fold(draft)
    if ticket is None:
        raise IntegrityError(f"cause {draft.cause_key!r} is neither free nor taken")
    if ticket.repeats:
        return deeds.deed(key, "open", "folded_into", ticket, None)
    note = port.Note(
        f"Opened as {ticket.priority}.",
        draft.author,
        draft.author_kind,
        action_id=draft.action_id,
        tainted=draft.tainted,
    )
    opened = deeds.deed(key, "open", "opened", ticket, deeds.line(ticket, note))
    return _wait_for_approval(key, ticket) or opened


def _requester(draft: port.TicketDraft, vouched: port.Vouched) -> str:
    """Return whose wish it is; who may not open a ticket of the class is refused."""
    author = draft.author if draft.author_kind == "person" else ""
    requester = one_line(draft.requester, 150) or author
    roles = roles_of(draft.author, draft.author_kind, vouched, requester=requester)
    filers = states.FILERS[draft.ticket_class]
    if not roles & filers:
        raise NotAllowedError(
            f"A {draft.ticket_class} is for {' or '.join(sorted(filers))} to open,"
            f" not for {' or '.join(sorted(roles)) or 'somebody who asks for another'}."
        )
    return requester


def _fold(draft: port.TicketDraft) -> models.Ticket | None:
    """Count the draft on the open incident of its cause, if there is one."""
    if draft.cause_key is None or draft.ticket_class != "incident":
        return None
    open_incident = models.Ticket.objects.filter(
        ticket_class="incident", cause_key=draft.cause_key
    ).exclude(state__in=states.SETTLED)
    if not open_incident.update(repeats=F("repeats") + 1, updated_at=Now()):
        return None
    return open_incident.first()


def _create(draft: port.TicketDraft, requester: str) -> models.Ticket | None:
    """Insert the ticket with what its class brings; None where the cause was taken meanwhile."""
    model, answers = _asked(draft)
    said = _from_model(model, answers) if model else _checked(draft)
    if draft.parent_ref and not models.Ticket.objects.filter(ref=draft.parent_ref).exists():
        raise TicketNotFoundError(f"No ticket {draft.parent_ref!r} to be the parent of another.")
    ticket = models.Ticket(
        ref=next_ref(draft.ticket_class),
        ticket_class=draft.ticket_class,
        state=states.INITIAL,
        requester=requester,
        cause_key=draft.cause_key,
        parent_id=draft.parent_ref,
        solution="",
        repeats=0,
        reopens=0,
        first_bad_at=draft.first_bad_at,
        detected_at=draft.detected_at,
        **said,
    )
    ticket.priority = priority(ticket.impact, ticket.urgency)
    try:
        with transaction.atomic():
            ticket.save(force_insert=True)
    except IntegrityError as error:
        if deeds.violates(error, ONE_PER_CAUSE):
            return None
        raise
    cis = catalogue.cis_in(catalogue.fields_of(model.fields), answers) if model else draft.ci_refs
    models.TicketCI.objects.bulk_create(
        models.TicketCI(ticket=ticket, ci_ref=ci_ref) for ci_ref in dict.fromkeys(cis)
    )
    _beside(ticket, draft, model, answers)
    return ticket


def _checked(draft: port.TicketDraft) -> dict[str, object]:
    """Return what a ticket says of itself, everything that is wrong with it at once."""
    faults: dict[str, str] = {}
    title = one_line(draft.title, 200)
    if not title:
        faults["title"] = "Say in a line what it is about."
    if (draft.impact, draft.urgency) not in MATRIX:
        scales = {"impact": draft.impact, "urgency": draft.urgency}
        for name, value in scales.items():
            if value not in (1, 2, 3):
                faults[name] = "Choose one: 1 (high), 2 (medium), 3 (low)."
    faults |= _faults_of_change(draft) | _faults_of_incidents(draft)
    if faults:
        raise DraftRefusedError(f"Not fit for a ticket: {_listed(faults)}", faults)
    return {
        "title": title,
        "description": plain(draft.description, TEXT),
        "impact": draft.impact,
        "urgency": draft.urgency,
        "team": one_line(draft.team, 64),
        "service": one_line(draft.service, 64),
    }


def _faults_of_change(draft: port.TicketDraft) -> dict[str, str]:
    change = draft.change
    faults: dict[str, str] = {}
    if draft.ticket_class != "change" or change is None:
        return faults
    if change.change_type not in states.VARIANTS["change"]:
        faults["change_type"] = f"Choose one: {', '.join(states.VARIANTS['change'])}."
    if not plain(change.reason, TEXT):
        faults["reason"] = "Say why it is to be changed."
    begins, ends = change.planned_start, change.planned_end
    if begins and ends and ends <= begins:
        faults["planned_end"] = "It must be over after it begins."
    return faults


def _faults_of_incidents(draft: port.TicketDraft) -> dict[str, str]:
    known = models.Ticket.objects.filter(ref__in=draft.incidents, ticket_class="incident")
    unknown = set(draft.incidents) - set(known.values_list("ref", flat=True))
    return {"incidents": f"No incident {', '.join(sorted(unknown))}."} if unknown else {}


def _asked(
    draft: port.TicketDraft,
) -> tuple[models.RequestModel | None, dict[str, Value]]:
    """Return the item of the catalogue that is asked for, and the answers to its fields."""
    if draft.ticket_class != "request":
        return None, {}
    slug = draft.request.model if draft.request else ""
    model = models.RequestModel.objects.filter(slug=slug, retired=False).first()
    if model is None or draft.request is None:
        raise UnknownModelError(f"The catalogue has no item {slug!r}.")
    answers, faults = read_all(catalogue.fields_of(model.fields), draft.request.answers)
    if faults:
        raise DraftRefusedError(f"{model.title}: {_listed(faults)}", faults)
    return model, answers


def _from_model(model: models.RequestModel, answers: dict[str, Value]) -> dict[str, object]:
    fields = catalogue.fields_of(model.fields)
    said = [f"{one.label}: {catalogue.shown(answers.get(one.name))}" for one in fields]
    return {
        "title": model.title,
        "description": plain("\n".join(said), TEXT),
        "impact": model.impact,
        "urgency": model.urgency,
        "team": model.team,
        "service": model.service,
    }


def _beside(
    ticket: models.Ticket,
    draft: port.TicketDraft,
    model: models.RequestModel | None,
    answers: dict[str, Value],
) -> None:
    """Write the row of the class, and the links to incidents."""
    if ticket.ticket_class == "problem":
        models.Problem.objects.create(ticket=ticket, workaround=plain(draft.workaround, TEXT))
    elif ticket.ticket_class == "change":
        _change(ticket, draft.change or port.ChangeDraft())
    elif model is not None:
        models.Request.objects.create(
            ticket=ticket,
            model=model,
            answers={name: catalogue.kept(value) for name, value in answers.items()},
            approver_role=model.approver_role,
            card=model.card,
        )
        steps = zip_longest(model.steps, model.entries, fillvalue="")
        models.RequestStep.objects.bulk_create(
            models.RequestStep(ticket=ticket, n=n, title=title, entry=entry)
            for n, (title, entry) in enumerate(steps, 1)
        )
    kind = "caused_by" if ticket.ticket_class == "problem" else "solved_by"
    models.Link.objects.bulk_create(
        models.Link(ticket_id=ref, kind=kind, other=ticket)
        for ref in dict.fromkeys(draft.incidents)
    )


def _change(ticket: models.Ticket, draft: port.ChangeDraft) -> None:
    models.Change.objects.create(
        ticket=ticket,
        change_type=draft.change_type,
        reason=plain(draft.reason, TEXT),
        planned_start=draft.planned_start,
        planned_end=draft.planned_end,
        implementer=one_line(draft.implementer, 150),
        backout=plain(draft.backout, TEXT),
    )


def _wait_for_approval(key: UUID, ticket: models.Ticket) -> port.Deed | None:
    """Let a request that needs an approver wait for one at once; None where it needs none."""
    details = deeds.details_of(ticket)
    if not isinstance(details, models.Request) or not details.approver_role:
        return None
    there = states.move(
        "request", ticket.state, "ev_wait_for_approval", frozenset({"rule"}), "with_approver"
    )
    ticket.state = there.to
    ticket.save()
    note = port.Note(f"Waits for somebody of {details.approver_role}.", "service desk", "rule")
    moved = uuid5(key, "ev_wait_for_approval")
    deeds.deed(moved, "move", "moved", ticket, deeds.line(ticket, note), "ev_wait_for_approval")
    return deeds.find(key)


def next_ref(ticket_class: port.TicketClass) -> str:
    """Return the ref of the next ticket of a class."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(%s)", [f"public.tickets_{ticket_class}_ref"])
        row = cursor.fetchone()
    return f"{PREFIX[ticket_class]}-{row[0]:05d}"


def _listed(faults: dict[str, str]) -> str:
    return " ".join(f"{name}: {fault}" for name, fault in sorted(faults.items()))
