"""The moves that whoever looks may make with a ticket, each as a form of its own fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID, uuid4

from django.http import Http404, HttpRequest

from adapters.errors import AdapterError
from adapters.tickets.fields import Field
from adapters.tickets.form_fields import FIELDS
from adapters.tickets.models import Ticket
from adapters.tickets.states import Move, all_stimuli
from ethops.api import acts
from ethops.pages.asked import CODE, Asked, asked, code_asked
from ethops.pages.words import MOVE_WORDS
from ethops.world import tickets
from ethops.world.tickets import Dossier
from personas.approvals.errors import ApprovalRefusedError

WHY = Field(
    "why", "Why it may be closed", "text", longest=2000,
    help="Needed before it stayed away for a week, or where it is back.",
)  # fmt: skip
"""What closing a problem asks beyond its fields; it stands in the worklog."""
GRAVE = frozenset({"ev_cancel", "ev_reject", "ev_notapprove", "ev_fail"})
LEFT_OUT = frozenset({"assignee"})
"""What has a button of its own: whoever takes a ticket takes it himself."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One move as a form."""

    stimulus: str
    title: str
    button: str
    fields: list[Asked]
    open: bool
    grave: bool


@dataclass(frozen=True, slots=True)
class Refused:
    """A move that was refused: what was said, what is wrong by field, and what beyond fields."""

    stimulus: str
    said: Mapping[str, object]
    faults: Mapping[str, list[str]]
    told: str = ""

    @property
    def wrote(self) -> str:
        """What was typed into it."""
        return "\n".join(str(text) for text in self.said.values() if text)


def offers(dossier: Dossier, person: str, refused: Refused | None) -> list[Offer]:
    """Return the forms that a person may fill in now, as the table has them."""
    there = tickets.offered(dossier.ticket, person, acts.vouched(person))
    return [_offer(dossier, person, stimulus, move, refused) for stimulus, move in there.items()]


def _offer(
    dossier: Dossier, person: str, stimulus: str, move: Move, refused: Refused | None
) -> Offer:
    title, button = MOVE_WORDS.get(stimulus, (stimulus, stimulus))
    mine = refused if refused is not None and refused.stimulus == stimulus else None
    names = [name for name in (*move.needs, *move.takes) if name not in LEFT_OUT]
    asks = [FIELDS[name] for name in names]
    if (dossier.ticket.ticket_class, stimulus) == ("problem", "ev_close"):
        asks.append(WHY)
    return Offer(
        stimulus,
        title,
        button,
        [
            *asked(
                asks,
                mine.said if mine else stands(dossier, names),
                mine.faults if mine else {},
                required=move.needs,
            ),
            *code_asked(person, stimulus, mine.faults if mine else {}),
        ],
        open=mine is not None,
        grave=stimulus in GRAVE,
    )


def stands(dossier: Dossier, names: list[str]) -> dict[str, object]:
    """Return what the ticket says in these fields already."""
    found: dict[str, object] = {}
    for name in names:
        home = dossier.ticket if hasattr(dossier.ticket, name) else dossier.details
        found[name] = getattr(home, name, None)
    return found


def moved(request: HttpRequest, of: Ticket) -> tuple[str, Refused | None]:
    """Make the move that was pressed; returns what to say, or what is to be shown again."""
    stimulus = request.POST.get("stimulus", "")
    if stimulus not in all_stimuli():
        raise Http404("There is no such move.")
    said = {name: request.POST[name] for name in FIELDS if name in request.POST}
    typed = {**said, WHY.name: request.POST.get(WHY.name, "")}
    try:
        deed = acts.move(
            ref=of.ref,
            person=request.user.get_username(),
            stimulus=stimulus,
            fields=said,  # type: ignore[arg-type]
            note=_note(request, said),
            key=_key(request),
            code=request.POST.get(CODE, ""),
        )
    except ApprovalRefusedError as fault:
        return "", Refused(stimulus, typed, {CODE: [f"{fault} {fault.hint}"]})
    except AdapterError as fault:
        faults = getattr(fault, "errors", None) or {}
        told = "" if faults else f"Not done: {fault} {fault.hint}"
        return "", Refused(stimulus, typed, faults, told)
    return f"{of.ref} is {deed.state.replace('_', ' ')}.", None


def _note(request: HttpRequest, said: Mapping[str, str]) -> str:
    """Return what stands in the worklog: what solved it, why it was decided, why it is closed."""
    return said.get("solution") or said.get("decision") or request.POST.get(WHY.name, "")


def _key(request: HttpRequest) -> UUID:
    try:
        return UUID(request.POST.get("key", ""))
    except ValueError:
        return uuid4()
