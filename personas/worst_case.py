"""The most a card can do if whoever thinks for it means harm, in words: from grants and catalogue.

Pure. What it says holds because the gate holds it; nothing here decides anything.
"""

from collections.abc import Mapping
from typing import Final

from personas.cards import CardDocument, GrantDocument
from personas.catalogue import EntryDocument

RISKS: Final = ("none", "low", "medium", "high")
_TICKET: Final[Mapping[str, str]] = {
    "ticket.comment": "It writes something untrue into its ticket",
    "ticket.assign": "It gives its ticket to the wrong team or urgency, so that an outage waits",
    "ticket.resolve": "It resolves its incident although nothing is mended",
    "ticket.escalate": "It calls a person for nothing",
    "ticket.ask": "It asks people what does not matter, a few times per ticket",
    "pull.open": "It proposes files full of lies, which nobody has to merge",
}


def risk_class(card: CardDocument, entries: Mapping[str, EntryDocument]) -> str:
    """Return the highest risk among what the card is granted; `none` where that touches no CI."""
    risks = [entries[name].risk for grant in _plays(card) for name in grant.entries]
    risks += [scope.risk or "high" for scope in card.scopes.values()]
    return max(risks, key=RISKS.index, default="none")


def worst_case(card: CardDocument, entries: Mapping[str, EntryDocument]) -> list[str]:
    """Return what can come of it at worst, the most dangerous first, and its bounds last."""
    plays = [
        (RISKS.index(entries[name].risk), _play(name, entries[name], grant))
        for grant in _plays(card)
        for name in grant.entries
    ]
    plays += [
        (RISKS.index(scope.risk or "high"), _command(name, scope))
        for name, scope in card.scopes.items()
    ]
    said = [sentence for _, sentence in sorted(plays, key=lambda play: -play[0])]
    said += [f"{_TICKET[grant.verb]}." for grant in card.grants if grant.verb in _TICKET]
    said.append(_bounds(card, plays=bool(plays)))
    return said


def _plays(card: CardDocument) -> list[GrantDocument]:
    return [grant for grant in card.grants if grant.verb == "playbook.run"]


def _command(name: str, scope: GrantDocument) -> str:
    what = "It reads with" if scope.risk == "none" else f"It changes with (risk {scope.risk})"
    return (
        f"{what} `{name}` all that {_listed([f'`{c}`' for c in scope.commands])} can reach with "
        f"what the site gives {_listed(list(scope.tools))}, on the one CI of its ticket, of class "
        f"{_listed(list(scope.ci_classes))}: {_times(scope.max_per_ticket)} for each ticket, "
        f"{_times(scope.max_per_hour)} an hour."
    )


def _play(name: str, entry: EntryDocument, grant: GrantDocument) -> str:
    back = (
        f"Undone by {entry.rollback.playbook}." if entry.rollback.playbook else entry.rollback.none
    )
    return (
        f"It runs `{name}` (risk {entry.risk}) although nothing calls for it, on the one CI of its "
        f"ticket, of class {_listed(list(grant.ci_classes))}: "
        f"{_times(entry.max_per_ticket)} for each ticket, {_times(entry.max_per_hour)} an hour by "
        f"everybody together. {back}"
    )


def _bounds(card: CardDocument, *, plays: bool) -> str:
    limits = card.limits
    own = (
        f"All this in its own ticket alone, with at most {limits.max_actions} requests in "
        f"{limits.max_steps} steps and {limits.max_duration_s} seconds."
    )
    if not plays:
        return f"{own} It can touch no CI."
    return (
        f"{own} A play or a command runs only where a person has promoted the card to act, never "
        "on a lifeline; a play with arguments that the CI declares, from files as they were "
        "approved."
    )


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} or {words[-1]}"
