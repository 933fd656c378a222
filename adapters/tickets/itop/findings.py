"""What will not work at an iTop as it is, and why: from its data model alone. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from adapters.tickets.itop import paths, words
from adapters.tickets.itop.datamodel import Attribute, Model, State

Severity: TypeAlias = Literal["error", "warning", "note"]
SEVERITIES: Final = ("error", "warning", "note")
Declared: TypeAlias = Mapping[tuple[str, str], frozenset[str]]
"""(class, `create` or a state) -> attributes that the site has ethops write there."""

DRAFTED: Final = frozenset({"org_id", "title", "description"})
_SERVED: Final = frozenset({"impact", "urgency"})
_LATER: Final = frozenset(
    {"team_id", "agent_id", "solution", "resolution_code", "pending_reason", "origin"}
    | {"acceptance_date", "acceptance_comment", "start_date", "end_date", "impact", "outage"}
    | {"fallback", "approval_date", "approval_comment", "reason", "private_log", "public_log"}
)
_FILLED: Final = frozenset({"status", "operational_status", "ref", "finalclass", "priority"})
"""What iTop fills itself."""
_LEFT: Final = frozenset(
    {"caller_id", "service_id", "supervisor_group_id", "supervisor_id"}
    | {"manager_group_id", "manager_id", "approver_id"}
)
"""Keys that iTop's own model calls mandatory in a state, and that its REST does not miss."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found, where, and what a person does about it."""

    severity: Severity
    topic: str
    where: str
    what: str
    mend: str


def of_model(model: Model, declared: Declared) -> Iterator[Finding]:
    """Yield what of a data model does not fit what we do."""
    for itop_class in dict.fromkeys(words.CLASSES.values()):
        if itop_class not in model.classes:
            if model.whole:
                yield _no_class(itop_class)
            continue
        attributes = model.attributes(itop_class)
        yield from _creating(itop_class, attributes, declared)
        states = model.states(itop_class)
        yield from _life(itop_class, model)
        if states:
            yield from _demands(itop_class, states, attributes, declared)
        if model.whole:
            yield from _reading(itop_class, attributes)
    yield from _others(model)


def expected(itop_class: str) -> Mapping[tuple[str, str], str]:
    """Return the transitions that our moves need: (state, stimulus) -> state."""
    found: dict[tuple[str, str], str] = {}
    for moves in paths.PATHS[itop_class].values():
        for state, steps in moves.items():
            here = state
            for step in steps:
                found[here, step.stimulus] = step.to
                here = step.to
    return found


def _no_class(itop_class: str) -> Finding:
    return Finding(
        "error",
        "class",
        itop_class,
        "This iTop has no such class: tickets that would be one are refused.",
        "Install iTop's ITIL modules, or open no such tickets.",
    )


def _reading(itop_class: str, attributes: Mapping[str, Attribute]) -> Iterator[Finding]:
    names = {one for one in words.FIELDS[itop_class] if one != "id"}
    gone = sorted(names - set(attributes) - {"team_name", words.AGENT} - _FILLED)
    if gone:
        yield Finding(
            "error",
            "attribute",
            itop_class,
            f"It has no {', '.join(gone)}, which ethops reads: no ticket of it can be followed.",
            "Put the attributes back into the model.",
        )


def _creating(
    itop_class: str, attributes: Mapping[str, Attribute], declared: Declared
) -> Iterator[Finding]:
    ours = DRAFTED | (_SERVED if itop_class not in words.CHANGES else frozenset({"reason"}))
    given = ours | _FILLED | declared.get((itop_class, "create"), frozenset())
    missing = sorted(
        name
        for name, one in attributes.items()
        if one.must_be_given and name not in given | _LATER | _LEFT
    )
    for name in missing:
        yield Finding(
            "error",
            "mandatory",
            f"{itop_class}.{name}",
            "It is not optional, has no default, and ethops does not write it:"
            f" no {itop_class} is opened.",
            f"Say its value in the site file, `itop.fields`, class {itop_class}, at create.",
        )
    for name in sorted(declared.get((itop_class, "create"), frozenset()) - set(attributes)):
        if attributes:
            yield _undeclared(itop_class, "create", name)


def _life(itop_class: str, model: Model) -> Iterator[Finding]:
    """Yield what of a life cycle is not as our moves need it; a file of changes says only some."""
    states, needed = model.states(itop_class), expected(itop_class)
    gone = model.gone(itop_class) | (
        frozenset(words.STATES[itop_class]) - set(states) if model.whole and states else frozenset()
    )
    for state in sorted(gone & set(words.STATES[itop_class])):
        stimuli = sorted(stimulus for (at, stimulus) in needed if at == state)
        if stimuli or state in needed.values():
            what = f"There is no such state. {', '.join(stimuli) or 'Nothing'} would leave it."
            yield _changed(f"{itop_class} {state}", what)
    for (state, stimulus), to in sorted(needed.items()):
        here, where = states.get(state), f"{itop_class} {state}"
        if here is None:
            continue
        leads = here.leads.get(stimulus)
        missing = leads is None and (model.whole or here.entire)
        if missing or stimulus in here.gone:
            yield _changed(where, f"{stimulus} is not there; it would lead to {to}.")
        elif leads is not None and leads != to:
            yield _changed(where, f"{stimulus} leads to {leads}, not to {to}.")
    for name in sorted(set(states) - set(words.STATES[itop_class])):
        yield Finding(
            "warning",
            "state",
            f"{itop_class} {name}",
            "It is a state of this site's own: a ticket in it keeps the state that it had here,"
            " and no move of ours is made from it.",
            "Have people take tickets through it, or map it in adapters/tickets/itop/words.py.",
        )


def _changed(where: str, what: str) -> Finding:
    return Finding(
        "error",
        "life cycle",
        where,
        f"{what} Moves that need it are refused, here and there.",
        "Put the transition back, or give tickets in this state to people.",
    )


def _demands(
    itop_class: str,
    states: Mapping[str, State],
    attributes: Mapping[str, Attribute],
    declared: Declared,
) -> Iterator[Finding]:
    """Yield what is mandatory in a state that our moves lead to, and that we do not write."""
    seen: set[str] = set()
    for (state, stimulus), to in sorted(expected(itop_class).items()):
        asked = states[to].mandatory if to in states else frozenset()
        if state in states:
            asked |= states[state].asked.get(stimulus, frozenset())
        given = declared.get((itop_class, to), frozenset())
        given |= declared.get((itop_class, "create"), frozenset())
        for name in sorted(asked - given - DRAFTED - _SERVED - _LATER - _FILLED - _LEFT):
            if f"{to}.{name}" in seen or _defaulted(attributes.get(name)):
                continue
            seen.add(f"{to}.{name}")
            yield _demanded(itop_class, to, name, attributes.get(name))
    for (of, to), names in declared.items():
        if of == itop_class and to != "create" and attributes:
            for name in sorted(names - set(attributes)):
                yield _undeclared(itop_class, to, name)


def _defaulted(attribute: Attribute | None) -> bool:
    return attribute is not None and bool(attribute.default)


def _demanded(itop_class: str, to: str, name: str, attribute: Attribute | None) -> Finding:
    mend = f"Say its value in the site file, `itop.fields`, class {itop_class}, at {to}."
    if attribute is not None and attribute.is_key:
        return Finding(
            "warning",
            "mandatory",
            f"{itop_class} {to}: {name}",
            "It is mandatory there and ethops does not write it; iTop's REST lets that pass,"
            " its pages do not.",
            mend,
        )
    return Finding(
        "error",
        "mandatory",
        f"{itop_class} {to}: {name}",
        f"It is mandatory there and ethops does not write it: no {itop_class} becomes {to}.",
        mend,
    )


def _undeclared(itop_class: str, on: str, name: str) -> Finding:
    return Finding(
        "error",
        "site file",
        f"itop.fields {itop_class} {on}: {name}",
        "This iTop has no such attribute: whatever is written with it is refused.",
        "Take it out of the site file.",
    )


def _others(model: Model) -> Iterator[Finding]:
    """Yield classes of tickets that are this site's own."""
    known = {*words.CLASSES.values(), "Ticket", "Change", "ApprovedChange"}
    for name, one in sorted(model.classes.items()):
        if name not in known and not one.abstract and model.is_a(name, "Ticket"):
            yield Finding(
                "warning",
                "class",
                name,
                f"It is a class of tickets of this site's own, below {one.parent}:"
                " ethops neither follows nor opens any.",
                "Leave its tickets to people.",
            )
