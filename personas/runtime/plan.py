"""What follows from an answer: proposals, and how the run goes on. Pure."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from adapters.inference.port import Answer
from adapters.json_value import JSON
from personas.runtime import page
from personas.runtime.questions import ASK, QUESTIONS

Next: TypeAlias = Literal["continue", "done", "failed"]

LOOK_AGAIN_SECONDS = 2.0
URGENCY = {"high": "1", "medium": "2", "low": "3"}
RESPONDERS = "responders"
VERBS: Mapping[str, frozenset[str]] = {
    "triage": frozenset({"ticket.assign", "ticket.escalate"}),
    "diagnose": frozenset(
        {"ticket.comment", "ticket.resolve", "ticket.escalate", "ticket.ask", "playbook.run"}
    ),
    "inspect": frozenset({"ticket.comment", "ticket.escalate", "command.run"}),
}
"""What runs that begin with this question may come to ask for."""
OPTIONAL: Mapping[str, frozenset[str]] = {"diagnose": frozenset({"pull.open"})}
"""What they ask for besides, where their card is granted it and the site lets them."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """One thing to ask the gate for; `key` is unique within the step."""

    key: str
    verb: str
    entry: str = ""
    target: str = ""
    args: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a step asks for and where the run stands after it."""

    proposals: tuple[Proposal, ...] = ()
    stage: str = "close"
    next: Next = "continue"
    wait_seconds: float = 0.0
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Situation:
    """What planning may look at besides the answer."""

    ticket_ref: str
    ci_ref: str
    impact: int
    escalates_to: str
    facts: Mapping[str, JSON]
    may_write_page: bool = False
    """Whether a pull request may be proposed: a page on what was wrong and what helped."""


def plan(kind: str, answer: Answer, situation: Situation) -> Plan:
    """Turn an answer to a question of this kind into a plan."""
    if answer.choice == "escalate":
        return _escalate(answer, situation)
    return _PLANS[kind](answer, situation)


def close(history: list[dict[str, Any]], run: str, step: int) -> Plan:
    """End the run by what came of its last step's proposals; other runs' are in the history too."""
    last = [action for action in history if (action["run"], action["step"]) == (run, step)]
    # A page that could not be proposed leaves the work ended all the same.
    meant = [a for a in last if a["verb"] != "pull.open"]
    bad = [a for a in meant if a["verdict"] != "authorised" or a["outcome"] != "done"]
    if not meant or bad:
        named = ", ".join(f"{a['verb']}: {a['reason'] or a['outcome']}" for a in bad)
        return Plan(
            next="failed", summary=f"could not end the work: {named or 'nothing was asked'}"
        )
    return Plan(next="done", summary=", ".join(f"{a['verb']} done" for a in last))


def look_first(stage: str) -> Plan:
    """Let the probes look before anything is asked."""
    return Plan(stage=stage, wait_seconds=LOOK_AGAIN_SECONDS)


def _triage(answer: Answer, situation: Situation) -> Plan:
    level = answer.choice.rpartition("_")[2]
    args = {
        "impact": str(situation.impact),
        "urgency": URGENCY[level],
        "team": RESPONDERS,
        "note": _reasoned(answer),
    }
    return Plan((Proposal("assign", "ticket.assign", target=situation.ticket_ref, args=args),))


def _diagnose(answer: Answer, situation: Situation) -> Plan:
    if answer.choice.startswith(ASK):
        asked = QUESTIONS[answer.choice.removeprefix(ASK)]
        args = {"name": asked.name, "text": asked.said(situation.facts), "answers": asked.words}
        return Plan((Proposal("ask", "ticket.ask", target=situation.ticket_ref, args=args),))
    told = Proposal(
        "say", "ticket.comment", target=situation.ticket_ref, args={"text": _reasoned(answer)}
    )
    play = Proposal("play", "playbook.run", entry=answer.choice, target=situation.ci_ref)
    return Plan((told, play), stage="verify")


def _verify(answer: Answer, situation: Situation) -> Plan:
    if answer.choice == "wait":
        return Plan(stage="verify", wait_seconds=LOOK_AGAIN_SECONDS)
    if answer.choice == "next":
        return Plan(stage="diagnose")
    if answer.choice == "comment_observed":
        return _observed(answer, situation)
    solution = {"solution": _reasoned(answer)}
    resolve = Proposal("resolve", "ticket.resolve", target=situation.ticket_ref, args=solution)
    if situation.may_write_page and page.has_name(situation.ticket_ref):
        return Plan((_page(answer, situation), resolve))
    return Plan((resolve,))


def _page(answer: Answer, situation: Situation) -> Proposal:
    args = page.arguments(
        situation.ticket_ref, situation.ci_ref, situation.escalates_to, situation.facts, answer
    )
    return Proposal("page", "pull.open", target=situation.ticket_ref, args=args)


def _inspect(answer: Answer, situation: Situation) -> Plan:
    if answer.choice == "report":
        return _report(answer, situation)
    look = _offered(situation)[answer.choice]
    asked = Proposal(
        answer.choice,
        "command.run",
        entry=str(look["scope"]),
        target=situation.ci_ref,
        args={"argv": json.dumps(look["argv"])},
    )
    return Plan((asked,), stage="inspect")


def _report(answer: Answer, situation: Situation) -> Plan:
    """Tell what was seen in the ticket, and hand over: what it means is a person's to say."""
    lines = [answer.say]
    for name, look in _offered(situation).items():
        command = " ".join(map(str, look["argv"]))
        out = situation.facts.get(f"look.{name}.out")
        why = situation.facts.get(f"look.{name}.reason")
        if out:
            lines.append(f"{command}:\n{str(out)[:1000]}")
        elif why:
            lines.append(f"{command}: not done. {str(why)[:300]}")
    asked = "Have a look at what was seen, and resolve the incident or assign it on."
    told = {"text": "\n\n".join(lines)[:3900]}
    return Plan(
        (
            Proposal("say", "ticket.comment", target=situation.ticket_ref, args=told),
            _handover(situation, _reasoned(answer), asked),
        )
    )


def _offered(situation: Situation) -> Mapping[str, Mapping[str, Any]]:
    looks: Any = situation.facts["looks"]
    return looks if isinstance(looks, Mapping) else {}


def _observed(answer: Answer, situation: Situation) -> Plan:
    entry, target = situation.facts["action.entry"], situation.facts["action.target"]
    said = f"I would have run {entry} on {target}. I may only observe there, so I did nothing."
    asked = f"Run {entry} on {target} yourself, or promote me for it if I was right."
    return Plan(
        (
            Proposal("say", "ticket.comment", target=situation.ticket_ref, args={"text": said}),
            _handover(situation, _reasoned(answer), asked),
        )
    )


def _escalate(answer: Answer, situation: Situation) -> Plan:
    asked = "Have a look, and resolve the incident or assign it back with what you found."
    return Plan((_handover(situation, f"{_reasoned(answer)}\n{_attempts(situation)}", asked),))


def _handover(situation: Situation, tried: str, asked: str) -> Proposal:
    args = {"team": situation.escalates_to, "tried": tried[:4000], "asked": asked}
    return Proposal("escalate", "ticket.escalate", target=situation.ticket_ref, args=args)


def _attempts(situation: Situation) -> str:
    words = {"tried": "Tried", "denied": "Denied", "observed": "Only observed"}
    lines = [
        f"{word}: {', '.join(map(str, value))}."
        for name, word in words.items()
        if isinstance(value := situation.facts.get(name), list) and value
    ]
    return " ".join(lines) or "Nothing was tried."


def _reasoned(answer: Answer) -> str:
    why = "; ".join(answer.why)
    return (f"{answer.say} Why: {why}." if why else answer.say)[:3900]


_PLANS: dict[str, Callable[[Answer, Situation], Plan]] = {
    "triage": _triage,
    "diagnose": _diagnose,
    "verify": _verify,
    "inspect": _inspect,
}
