"""What people do at the desk, the same for the pages and the API; each act names its person."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final
from uuid import UUID

from django.db import IntegrityError, transaction

from adapters.tickets.beside import File, Visibility, Watcher
from adapters.tickets.errors import DraftRefusedError, HeldError
from adapters.tickets.port import (
    Claimed,
    Deed,
    Link,
    LinkKind,
    Note,
    TicketClass,
    TicketFields,
    Vouched,
)
from audit.canonical import JSON
from audit.ledger import trust
from ethops.desk import filing, major, notes, people, recurrence
from ethops.desk.policy import RESPONDERS
from ethops.executor import stop as pressed
from ethops.executor import tickets
from ethops.executor.decisions import APPROVES
from ethops.pulls import doors as pulls
from ethops.pulls.doors import Verdict
from ethops.world.cards import Standing
from personas import controls, gate
from personas.agentops import acts as agent_acts
from personas.approvals import doors as approvals
from personas.approvals.doors import Attested
from personas.autonomy import doors as autonomy
from personas.autonomy.errors import RefusedError
from personas.guardrails import doors as card_doors
from personas.guardrails.errors import CardRefusedError
from personas.states import Control

MAY_RESUME: Final = "personas.change_stop"
"""The permission without which nobody lifts the stop."""

MAY_ACKNOWLEDGE: Final = "audit.add_acknowledgement"
"""The permission without which nobody lets risky work go on over a ledger that does not verify."""

MAY_SET_LEVELS: Final = "personas.change_autonomy"
"""The permission without which nobody sets a level, moves the breaker, or calls a change right."""

MAY_STEER: Final = "personas.change_run"
"""The permission without which nobody lets a run go on, begin anew or be tried again."""

MAY_DECLARE: Final = "cmdb.change_ci"
"""The permission without which nobody says at the desk what is so of a CI."""

MAY_ATTEST: Final = "compliance.attest"
"""The permission without which nobody says what is so of a safeguard."""

CAREFUL: Final = frozenset({"pause", "isolate", "cancel"})
"""What everybody at the desk may tell a run: it can only do less afterwards."""

PEOPLE: Final = "people"
"""The team of tickets that a person has."""


def comment(*, ref: str, person: str, text: str, visibility: Visibility, key: UUID) -> Deed:
    """Add a person's note to a ticket."""
    return notes.write(key=key, ref=ref, person=person, text=text, visibility=visibility)


def answer(*, ref: str, n: int, word: str, person: str, key: UUID) -> Deed:
    """Answer a question of an agent in a person's name, with one of its words."""
    return tickets.answer_by_person(
        key=key, ref=ref, n=n, word=word, person=person, vouched=people.vouched(person)
    )


def declare_major(*, ref: str, person: str, why: str, lead: str, key: UUID) -> Deed:
    """Declare an incident a major one in a person's name; whoever declares it leads by default."""
    return major.declare(
        ref=ref, person=person, why=why, lead=_leader(ref, lead or person), key=key
    )


def lead_major(*, ref: str, person: str, lead: str, key: UUID) -> Deed:
    """Have a person of the desk lead a major incident."""
    return tickets.lead_major(
        key=key,
        ref=ref,
        lead=_leader(ref, lead or person),
        person=person,
        vouched=people.vouched(person),
    )


def end_major(*, ref: str, person: str, key: UUID) -> Deed:
    """Say in a person's name that it is a major incident no more."""
    return tickets.end_major(key=key, ref=ref, person=person, vouched=people.vouched(person))


def adopt(*, ref: str, parent: str, person: str, key: UUID) -> Deed:
    """Make an incident the child of another in a person's name."""
    return tickets.adopt_by_person(
        key=key, ref=ref, parent=parent, person=person, vouched=people.vouched(person)
    )


def _leader(ref: str, name: str) -> str:
    if "operator" not in people.vouched(name).roles:
        raise DraftRefusedError(
            f"{name} cannot lead {ref}.", {"lead": "Name a person of the desk."}
        )
    return name


def attach(*, ref: str, file: File, person: str, visibility: Visibility, key: UUID) -> Deed:
    """Keep a file with a ticket in a person's name."""
    note = Note("", person, "person", visibility)
    return tickets.attach(key=key, ref=ref, file=file, note=note, vouched=people.vouched(person))


def watch(*, ref: str, who: str, person: str, key: UUID) -> Deed:
    """Have a login, or an address of mail, told of what happens to a ticket.

    Raises:
        DraftRefusedError: nobody is called so.
    """
    watcher = _watcher(ref, who)
    if watcher.person and not people.exists(watcher.person):
        raise DraftRefusedError(f"Nobody is called {who!r}.", {"who": "Name a login, or mail."})
    note = Note("", person, "person")
    return tickets.watch(key=key, watcher=watcher, note=note, vouched=people.vouched(person))


def unwatch(*, ref: str, who: str, person: str, key: UUID) -> Deed:
    """Have somebody told no more."""
    note = Note("", person, "person")
    return tickets.unwatch(
        key=key, watcher=_watcher(ref, who), note=note, vouched=people.vouched(person)
    )


def _watcher(ref: str, who: str) -> Watcher:
    if people.exists(who) or "@" not in who:
        return Watcher(ref, person=who)
    return Watcher(ref, address=who)


def move(
    *,
    ref: str,
    person: str,
    stimulus: str,
    fields: TicketFields,
    note: str,
    key: UUID,
    code: str = "",
) -> Deed:
    """Move a ticket in a person's name; `code` is that of the second factor, for an approval."""
    return tickets.move_by_person(
        key=key,
        ref=ref,
        person=person,
        stimulus=stimulus,
        fields=fields,
        vouched=recurrence.looked(people.vouched(person), ref, stimulus, note),
        text=note,
        code=code,
    )


def asks_code(person: str, stimulus: str) -> bool:
    """Tell whether a move asks a person for the code of his second factor."""
    return stimulus == APPROVES and approvals.may_approve(person)


def vouched(person: str) -> Vouched:
    """Return what the desk says of a person."""
    return people.vouched(person)


def file_ticket(
    *, person: str, ticket_class: TicketClass, said: Mapping[str, object], key: UUID
) -> Deed:
    """Open an incident, a problem or a change in a person's name."""
    draft = filing.draft(person, ticket_class, said)
    return tickets.open_by_person(key=key, draft=draft, vouched=people.vouched(person))


def file_request(
    *, person: str, model: str, answers: Mapping[str, object], requester: object, key: UUID
) -> Deed:
    """Request an item of the service catalogue in a person's name."""
    draft = filing.request(person, model, answers, requester)
    return tickets.open_by_person(key=key, draft=draft, vouched=people.vouched(person))


def link(*, ref: str, kind: LinkKind, other: str, person: str, key: UUID) -> Deed:
    """Say in a person's name how two tickets hang together."""
    return tickets.link_by_person(
        key=key, link=Link(ref, kind, other), person=person, vouched=people.vouched(person)
    )


def finish_step(*, ref: str, n: int, person: str, note: str, key: UUID) -> Deed:
    """Say in a person's name that a step of a request is done."""
    return tickets.finish_step(
        key=key, ref=ref, n=n, person=person, vouched=people.vouched(person), text=note
    )


def take(*, ref: str, person: str, why: str, key: UUID, instead_of: str = "") -> Claimed:
    """Give a ticket to the person who asks: its runs end and its permits are void, both or none.

    Raises:
        HeldError: somebody has it whom the person did not name.
    """
    claimed = tickets.claim_by_person(
        key=key,
        ref=ref,
        person=person,
        team=PEOPLE,
        instead_of=instead_of,
        vouched=people.vouched(person),
        text=why,
    )
    if not claimed.won:
        raise HeldError(ref, claimed.holder)
    return claimed


def give_back(*, ref: str, person: str, key: UUID) -> Deed:
    """Give a ticket back to the agents; the dispatcher bears the next run."""
    return move(
        ref=ref,
        person=person,
        stimulus="ev_assign",
        fields={"assignee": "", "team": RESPONDERS},
        note="",
        key=key,
    )


def cancel_run(*, intent: UUID, person: str, why: str) -> bool:
    """End the run of an intent in a person's name; False where it was over."""
    return agent_acts.cancel(intent=intent, person=person, why=why)


def control_run(*, run_id: UUID, act: Control, person: str, why: str) -> str:
    """Tell a run what a person wants of it; returns its state afterwards."""
    return controls.control(run_id=run_id, act=act, person=person, why=why)


def isolate_card(*, card: str, person: str, why: str) -> int:
    """Have no new runs of a card, and set its live ones aside; returns how many those were."""
    return controls.isolate_card(card=card, person=person, why=why)


def release_card(*, card: str, person: str, why: str) -> bool:
    """Let a card have runs again; False where it was not isolated."""
    return controls.release_card(card=card, person=person, why=why)


def is_other_damage(seen: str) -> bool:
    """Tell whether something else is found by now than the damage of this digest."""
    now = trust.damage()
    return bool(seen) and now is not None and now.digest != seen


def acknowledge(*, by: str, why: str) -> bool:
    """Record that a person knows of damage to the ledger; False where there is none any more."""
    return trust.acknowledge(by=by, why=why)


def approve(
    *, action_id: UUID, person: str, shown_sha256: str, diff_sha256: str, code: str, why: str
) -> None:
    """Approve what an agent proposes, as it was shown."""
    approvals.approve(
        action_id=action_id,
        person=person,
        shown_sha256=shown_sha256,
        diff_sha256=diff_sha256,
        code=code,
        why=why,
    )


def review_pull(
    *, number: int, person: str, verdict: Verdict, head: str, shown: str, code: str, why: str
) -> None:
    """Say what a person thinks of a pull request's head, as it was shown."""
    pulls.review(
        number=number, person=person, verdict=verdict, head=head, shown=shown, code=code, why=why
    )


def merge_pull(*, number: int, person: str, head: str) -> None:
    """Have the executor merge a head that was approved."""
    pulls.merge(number=number, person=person, head=head)


def close_pull(*, number: int, person: str, head: str, why: str) -> None:
    """Close a pull request that nobody is to merge."""
    pulls.close(number=number, person=person, head=head, why=why)


def approve_card(
    shown: Standing, *, digest: str, prompt_digest: str, person: str, code: str, why: str
) -> str:
    """Approve a card as it is loaded and was shown; returns what that came to.

    Raises:
        CardRefusedError: nothing was approved; `code` of the error says why.
    """
    if prompt_digest != shown.prompt_digest or not shown.is_told:
        raise CardRefusedError(
            "cards.other_loaded",
            f"{shown.card.name} is told otherwise than you were shown: look again.",
        )
    return card_doors.approve_card(
        card=shown.card.name, digest=digest, told=shown.told, person=person, code=code, why=why
    )


def declare_ci(
    *, ref: str, said: Mapping[str, JSON], person: str, why: str, code: str, shown: str
) -> None:
    """Make what the desk says of a CI exactly this, by the code of his second factor."""
    approvals.declare_ci(person=person, ref=ref, said=said, why=why, code=code, shown=shown)


def accept_proposal(*, proposal: int, person: str, why: str, code: str, shown: str) -> None:
    """Say the CI that discovery proposes, by the code of his second factor."""
    approvals.accept_proposal(person=person, proposal=proposal, why=why, code=code, shown=shown)


def decline_proposal(*, proposal: int, person: str, why: str, shown: str) -> None:
    """Say that what discovery proposes is to be no CI."""
    approvals.decline_proposal(person=person, proposal=proposal, why=why, shown=shown)


def attest(*, person: str, said: Attested, code: str) -> None:
    """Keep what a person says of a safeguard, by the code of his second factor."""
    approvals.attest(person=person, said=said, code=code)


def reject(*, action_id: UUID, person: str, why: str) -> None:
    """Reject what an agent proposes, or object to what is about to happen."""
    approvals.reject(action_id=action_id, person=person, why=why)


def set_level(
    *,
    card: str,
    entry: str,
    ci_class: str,
    level: str,
    person: str,
    why: str,
    against_the_figures: bool,
    ci: str = "",
) -> None:
    """Set how far a card may go on a class of CI, or on one of its CIs alone.

    Raises:
        RefusedError: the figures do not carry it, and nobody said that it is against them; or it
            is further than on the class.
    """
    with _taken():
        gate.set_autonomy(
            card=card,
            entry=entry,
            ci_class=ci_class,
            level=level,
            by=person,
            why=why,
            against_the_figures=against_the_figures,
            ci=ci,
        )


def judge(*, action_id: UUID, person: str, verdict: str, why: str) -> str:
    """Say that a change was `right`, or a `false` action, which takes the right back.

    Raises:
        RefusedError: no reason was given, or it is no change of a run.
    """
    with _taken():
        said = autonomy.person_judges(action_id=action_id, person=person, verdict=verdict, why=why)
    if said == "no change":
        raise RefusedError("This is no change that a run made, or would have made.")
    return said


def move_breaker(*, to: str, person: str, why: str) -> bool:
    """Open or close the fleet's breaker; False where it was so already.

    Raises:
        RefusedError: no reason was given.
    """
    act = autonomy.open_breaker if to == "open" else autonomy.close_breaker
    with _taken():
        return act(by=person, why=why)


@contextmanager
def _taken() -> Iterator[None]:
    """Turn what the gate does not take into a refusal with its words."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as fault:
        raise RefusedError(str(fault).splitlines()[0]) from fault


def stop(*, person: str, why: str, via: str = "api") -> None:
    """Press the stop, by file and row."""
    pressed.press(by=person, why=why, via=via)


def resume(*, person: str, why: str) -> None:
    """Lift the stop, by row and file."""
    pressed.lift(by=person, why=why)
