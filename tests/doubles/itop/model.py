"""A data model as iTop's toolkit writes it, of the life cycles that the fake has."""

from collections.abc import Mapping
from typing import Final

from tests.doubles.itop.life import LIVES, demanded

_TICKET: Final = ("ref", "org_id", "title", "description", "team_id", "agent_id", "last_update")
_MORE: Final = (
    *("id", "private_log", "public_log", "impact", "urgency", "solution", "pending_reason"),
    *("tto_escalation_deadline", "ttr_escalation_deadline", "sla_tto_passed", "sla_ttr_passed"),
    *("start_date", "end_date"),
)
_NEEDED: Final = ("org_id", "title", "description")


def attribute(name: str, kind: str = "String", *, needed: bool = False, default: str = "") -> str:
    """Return one attribute."""
    optional = "false" if needed else "true"
    return (
        f'<field id="{name}" xsi:type="Attribute{kind}" _delta="define">'
        f"<is_null_allowed>{optional}</is_null_allowed><default_value>{default}</default_value>"
        "</field>"
    )


def state(
    name: str,
    leads: Mapping[str, str],
    mandatory: tuple[str, ...] = (),
    above: str = "",
    delta: str = "define",
) -> str:
    """Return one state; whole, unless a file of changes says otherwise."""
    flags = "".join(f'<attribute id="{one}"><mandatory/></attribute>' for one in mandatory)
    inherits = f"<inherit_flags_from>{above}</inherit_flags_from>" if above else ""
    moves = "".join(
        f'<transition id="{one}"><target>{to}</target><actions/></transition>'
        for one, to in leads.items()
    )
    return (
        f'<state id="{name}" _delta="{delta}">{inherits}<flags>'
        f'<attribute id="ref"><read_only/></attribute>{flags}'
        f"</flags><transitions>{moves}</transitions></state>"
    )


def of_class(name: str, parent: str, attributes: str = "", states: str = "") -> str:
    """Return one class."""
    life = f"<lifecycle><states>{states}</states></lifecycle>" if states else ""
    return (
        f'<class id="{name}"><parent>{parent}</parent><fields>{attributes}</fields>{life}</class>'
    )


def design(classes: str) -> str:
    """Return a whole file."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?><itop_design version="3.2"'
        ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
        f"<classes>{classes}</classes></itop_design>"
    )


def standard(more: str = "") -> str:
    """Return all of an iTop's, as it comes, and what a site adds."""
    ticket = "".join(attribute(one, needed=one in _NEEDED) for one in _TICKET)
    made = [of_class("Ticket", "cmdbAbstractObject", ticket)]
    for name, life in LIVES.items():
        states = "".join(
            state(one, leads, demanded(name, one) if one != "new" else ())
            for one, leads in life.items()
        )
        own = "".join(attribute(one) for one in _MORE)
        made.append(of_class(name, "Ticket", own, states))
    return design("".join(made) + more)
