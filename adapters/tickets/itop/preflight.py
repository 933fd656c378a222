"""What will not work at an iTop as it is, and why: by what REST shows; nothing is written."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from adapters.rows import now
from adapters.tickets.errors import FieldMissingError
from adapters.tickets.itop import cron, words, writable
from adapters.tickets.itop.client import Client, Found
from adapters.tickets.itop.errors import (
    ItopLoginError,
    ItopQueryError,
    ItopRightError,
    ItopUnsetError,
)
from adapters.tickets.itop.findings import Declared, Finding
from adapters.tickets.itop.models import Mirrored
from adapters.tickets.itop.session import Session

_STANDARD: Final = """
    acceptance_comment acceptance_date agent_id agent_name approval_comment approval_date
    approver_email approver_id assignment_date caller_id caller_name child_changes_list
    child_incidents_list close_date contacts_list creation_date cumulatedpending description
    end_date escalation_flag escalation_reason fallback finalclass friendlyname
    functionalcis_list id impact knownerrors_list last_pending_date last_update manager_email
    manager_group_id manager_group_name manager_id operational_status org_id org_name origin
    outage parent_change_id parent_change_ref parent_id parent_incident_id parent_incident_ref
    parent_name parent_problem_id parent_problem_ref parent_request_id parent_request_ref
    pending_reason priority private_log product public_log reason ref related_change_id
    related_change_ref related_incident_list related_problems_list related_request_list
    request_type requestor_email requestor_id resolution_code resolution_date service_id
    service_name servicesubcategory_id servicesubcategory_name sla_tto_over sla_tto_passed
    sla_ttr_over sla_ttr_passed solution start_date status supervisor_email
    supervisor_group_id supervisor_group_name supervisor_id team_email team_id team_name
    time_spent title tto tto_escalation_deadline ttr ttr_escalation_deadline urgency
    user_comment user_satisfaction workorders_list obsolescence_flag obsolescence_date
    archive_flag archive_date
"""
STANDARD: Final = frozenset(_STANDARD.split())
"""What iTop's own model of tickets has."""
_DERIVED: Final = re.compile(
    r"_(?:friendlyname|obsolescence_flag|finalclass_recall|archive_flag)$"
    r"|^(?:tto|ttr|cumulatedpending)_"
)
_LISTED: Final = re.compile(r"expecting \{([^}]*)\}")
_NEVER: Final = "ethops_no_such_attribute"

_CHANGES: Final = "Change Implementor"
WRITTEN: Final[Mapping[str, str]] = {
    "Incident": "Support Agent",
    "UserRequest": "Support Agent",
    "Problem": "Problem Manager",
    **dict.fromkeys(("RoutineChange", "NormalChange", "EmergencyChange"), _CHANGES),
    "Attachment": "Support Agent",
}
"""Class that is written to -> the profile of iTop's own that may."""

QUARTER: Final = timedelta(minutes=15)
RECENT: Final = timedelta(days=2)
ENOUGH: Final = 3
ALIKE: Final = timedelta(minutes=2)
FARTHEST: Final = 14 * 4
"""Quarters of an hour; no zone is farther from another's noon."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a look is given: our way in, somebody's who sees everything, what the site declares."""

    here: Session
    above: Client | None
    declared: Declared


def of_site(look: Look) -> Iterator[Finding]:
    """Yield what is found by reading the site as it is; what cannot be seen is said too.

    Raises:
        ItopError: iTop is away.
    """
    try:
        look.here.client.get("Person", "SELECT Person WHERE id = :current_contact_id", ("id",))
    except ItopLoginError as fault:
        yield Finding("error", "login", "ETHOPS_ITOP_TOKEN", str(fault), fault.hint)
        return
    except ItopRightError as fault:
        yield Finding("error", "login", "Person", str(fault), "Add the profile Support Agent.")
    for topic, asks in LOOKS.items():
        try:
            yield from asks(look)
        except ItopUnsetError:
            # Said where we look who we are.
            continue
        except (ItopRightError, ItopQueryError) as fault:
            what = f"It is not for us to see: {str(fault)[:300]}"
            mend = "Give --token-file the token of an administrator, to have it looked at."
            yield Finding("note", topic, "", what, mend)


def _ourselves(look: Look) -> Iterator[Finding]:
    for setting, asks in (
        ("ETHOPS_ITOP_AGENT", look.here.names.agent),
        ("ETHOPS_ITOP_ORG", look.here.names.org),
    ):
        try:
            number = asks()
        except ItopUnsetError as fault:
            what = f"{fault} No ticket is opened or taken."
            yield Finding("error", "who we are", setting, what, f"Set {setting}.")
            return
        itop_class = "Person" if setting.endswith("AGENT") else "Organization"
        if not look.here.client.get(itop_class, number, ("id",)).objects:
            what = f"{itop_class}::{number} is not there, or hidden from us: nothing is opened."
            mend = f"Set {setting} to one that our user may see."
            yield Finding("error", "who we are", setting, what, mend)
    try:
        look.here.names.assigned_to("", "")
    except FieldMissingError:
        what = "Our person is in no team that our user may see: no ticket is taken or resolved."
        mend = "Put him into one, or set ETHOPS_ITOP_TEAM."
        yield Finding("error", "who we are", "ETHOPS_ITOP_TEAM", what, mend)


def _classes(look: Look) -> Iterator[Finding]:
    """Yield classes that cannot be read, and attributes that are this site's own."""
    for itop_class in dict.fromkeys(words.CLASSES.values()):
        none = f"SELECT {itop_class} WHERE id = 0"
        try:
            look.here.client.get(itop_class, none, words.FIELDS[itop_class])
        except (ItopQueryError, ItopRightError) as fault:
            mend = (
                "Give our user a profile that may."
                if isinstance(fault, ItopRightError)
                else "Install iTop's ITIL modules, or put back what was taken from the model."
            )
            yield Finding("error", "class", itop_class, str(fault)[:300], mend)
            continue
        own = sorted(_own(look.here.client, itop_class))
        written = frozenset().union(
            *(names for (of, _), names in look.declared.items() if of == itop_class)
        )
        unsaid = [name for name in own if name not in written]
        if unsaid:
            yield Finding(
                "note",
                "attribute",
                itop_class,
                f"Attributes of this site's own: {', '.join(unsaid)}. Which are mandatory, REST"
                " does not say.",
                "Give --datamodel FILE; what is mandatory goes into the site file, `itop.fields`.",
            )


def _rights(look: Look) -> Iterator[Finding]:
    """Yield classes that our user may not write to: asked of an object that there never is."""
    for itop_class in WRITTEN:
        fault = writable.refusal(look.here.client, itop_class)
        if fault is not None:
            what, mend = str(fault)[:300], f"Give our user the profile {WRITTEN[itop_class]}."
            yield Finding("error", "right", itop_class, what, mend)


def _own(client: Client, itop_class: str) -> Iterator[str]:
    """Yield the attributes that iTop's own model has not: a query that fails lists all of them."""
    try:
        client.get(itop_class, f"SELECT {itop_class} WHERE {_NEVER} = 1", ("id",), limit=1)
    except ItopQueryError as fault:
        listed = _LISTED.search(str(fault))
        for name in (listed[1] if listed else "").split(","):
            own = name.strip()
            if own and own not in STANDARD and not _DERIVED.search(own):
                yield own


def _states(look: Look) -> Iterator[Finding]:
    for itop_class, known in words.STATES.items():
        listed = ",".join(f"'{one}'" for one in known)
        query = f"SELECT {itop_class} WHERE status NOT IN ({listed})"
        try:
            found = look.here.client.get(itop_class, query, ("id", "status"), limit=20)
        except ItopQueryError:
            # Said where classes are looked at.
            continue
        if found.total:
            names = sorted({str(one.fields.get("status")) for one in found.objects})
            yield Finding(
                "warning",
                "state",
                itop_class,
                f"{found.total} are in states of this site's own: {', '.join(names)}. They keep"
                " the state that they had here, and no move of ours is made from there.",
                "Have people take tickets through them.",
            )


def _silos(look: Look) -> Iterator[Finding]:
    """Yield the organizations that our user does not see: their tickets never come here."""
    ours = _named(look.here.client, "Organization")
    if look.above is None:
        what = f"Our user sees {len(ours)}; whether there are more, an administrator sees."
        mend = "Give --token-file the token of an administrator."
        yield Finding("note", "organizations", "", what, mend)
        return
    hidden = [name for number, name in _named(look.above, "Organization").items()
              if number not in ours]  # fmt: skip
    if hidden:
        more = f" and {len(hidden) - 10} more" if len(hidden) > 10 else ""
        yield Finding(
            "warning",
            "organizations",
            ", ".join(sorted(hidden)[:10]) + more,
            "Our user does not see them: to us their tickets and CIs are not there, and a ticket"
            " for them is refused.",
            "Add them to the user's allowed organizations, or leave the list empty.",
        )


def _named(client: Client, itop_class: str) -> dict[int, str]:
    found = client.get(itop_class, f"SELECT {itop_class}", ("id", "friendlyname"), limit=2000)
    return {one.id: str(one.fields.get("friendlyname") or one.id) for one in found.objects}


def _levels(look: Look) -> Iterator[Finding]:
    """Yield what is missing of the chain from an organization to its deadlines."""
    client, org = look.above or look.here.client, look.here.names.org()
    contracts = _ids(client, "CustomerContract", f"org_id = {org}")
    links = _of(client, "lnkCustomerContractToService", "customercontract_id", contracts,
                ("service_id", "sla_id"))  # fmt: skip
    where, mend = f"Organization::{org}", "Link a service and an SLA with it in iTop."
    if not contracts:
        what = "It has no customer contract: its tickets have no deadlines, nothing escalates."
        yield Finding("warning", "service levels", where, what, mend)
        return
    slas = {int(one.fields.get("sla_id") or 0) for one in links} - {0}
    if not slas:
        what = "No service of its contracts has an SLA: its tickets have no deadlines."
        yield Finding("warning", "service levels", where, what, mend)
        return
    for itop_class in ("Incident", "UserRequest"):
        if "service_id" not in look.declared.get((itop_class, "create"), frozenset()):
            yield Finding(
                "warning",
                "service levels",
                itop_class,
                "What ethops opens names no service, and iTop gives deadlines by it alone.",
                f"Say `service_id` in the site file, `itop.fields`, class {itop_class}, at create.",
            )
    yield from _targets(client, slas)


def _targets(client: Client, slas: Iterable[int]) -> Iterator[Finding]:
    links = _of(client, "lnkSLAToSLT", "sla_id", slas, ("slt_id",))
    slts = _of(client, "SLT", "id", {int(one.fields.get("slt_id") or 0) for one in links} - {0},
               ("metric", "request_type", "priority"))  # fmt: skip
    has = {
        tuple(str(one.fields.get(name)) for name in ("request_type", "metric", "priority"))
        for one in slts
    }
    for kind in ("incident", "service_request"):
        for metric in ("tto", "ttr"):
            gaps = [n for n in "1234" if (kind, metric, n) not in has]
            if gaps:
                what = f"No SLT of our SLAs is for priority {', '.join(gaps)}: no deadline there."
                mend = "Add SLTs to the SLA."
                yield Finding("warning", "service levels", f"{kind} {metric}", what, mend)


def _ids(client: Client, itop_class: str, where: str) -> frozenset[int]:
    query = f"SELECT {itop_class} WHERE {where}"
    return frozenset(one.id for one in client.get(itop_class, query, ("id",), limit=1000).objects)


def _of(
    client: Client, itop_class: str, key: str, ids: Iterable[int], fields: tuple[str, ...]
) -> tuple[Found, ...]:
    listed = ",".join(map(str, sorted(ids)))
    if not listed:
        return ()
    query = f"SELECT {itop_class} WHERE {key} IN ({listed})"
    return client.get(itop_class, query, ("id", *fields), limit=1000).objects


def _cron(look: Look) -> Iterator[Finding]:
    stands = cron.look(look.here)
    if stands.state == "unknown" and look.above is not None:
        stands = cron.look(replace(look.here, client=look.above))
    if stands.state == "stale":
        what = f"{stands.said} Nothing escalates, and no asynchronous callback is sent."
        mend = "Have cron.php started on iTop's host, as its installation says."
        yield Finding("error", "cron", "cron.php", what, mend)
    elif stands.state == "unknown":
        mend = "Give --token-file the token of an administrator, who sees them."
        yield Finding("note", "cron", "cron.php", stands.said, mend)


def _clock(look: Look) -> Iterator[Finding]:
    """Yield how iTop's clock is apart from ours, by what it wrote and when we saw that."""
    rows = Mirrored.objects.filter(noticed_at__gt=now() - RECENT).exclude(updated_there="")
    seen = [
        (at, row.noticed_at)
        for row in rows.order_by("-noticed_at")[:200]
        if row.noticed_at and (at := look.here.names.read_moment(row.updated_there)) is not None
    ]
    zone = look.here.names.zone().key
    apart = offset(seen)
    if apart is None:
        what = f"Too few tickets were read lately to tell; its times are read as of {zone}."
        yield Finding("note", "clock", "ETHOPS_ITOP_ZONE", what, "Look again in a day.")
    elif apart:
        hours, way = apart / timedelta(hours=1), "ahead" if apart > timedelta() else "behind"
        yield Finding(
            "error",
            "clock",
            "ETHOPS_ITOP_ZONE",
            f"Read as of {zone}, its clock is {abs(hours):g} h {way}:"
            " deadlines and planned times are wrong by that.",
            "Set ETHOPS_ITOP_ZONE to the zone of iTop's configuration, as Europe/Paris.",
        )


def offset(seen: Iterable[tuple[datetime, datetime]]) -> timedelta | None:
    """Return how far a clock is ahead, in quarters of an hour; None where too little tells. Pure.

    `seen` are pairs: what the clock there wrote, and when we first saw that, which is never before
    and seldom much later; several that were all as late by a round time were not late at all.
    """
    late = sorted(ours - theirs for theirs, ours in seen)
    alike = [one for one in late if one - late[0] <= ALIKE]
    if len(alike) < ENOUGH:
        return None
    quarters = round(late[0] / QUARTER)
    round_ = abs(late[0] - quarters * QUARTER) <= ALIKE and abs(quarters) <= FARTHEST
    return -quarters * QUARTER if round_ else None


LOOKS: Final[Mapping[str, Callable[[Look], Iterator[Finding]]]] = {
    "who we are": _ourselves,
    "class": _classes,
    "right": _rights,
    "state": _states,
    "organizations": _silos,
    "service levels": _levels,
    "cron": _cron,
    "clock": _clock,
}
"""What is looked at, in turn; what one of them may not see does not hide the others."""


def worst(findings: Iterable[Finding]) -> str:
    """Return the greatest severity; empty where there is none. Pure."""
    found = {one.severity for one in findings}
    return next((one for one in ("error", "warning", "note") if one in found), "")
