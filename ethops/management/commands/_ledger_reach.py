"""How far a redaction reached, in words."""

from collections.abc import Iterator

from adapters import conf
from personas.redaction import Redaction

NAMES = {
    "steps": "steps of runs",
    "runs": "runs",
    "actions": "actions",
    "requests": "requests to a model",
    "lines": "worklog lines",
    "tickets": "tickets",
}
BEYOND = (
    "Not reached: alerts as they were delivered, what was sent to people or shown to a model"
    " elsewhere, logs of processes, other tickets, archives, and backups."
)


def said(found: Redaction) -> Iterator[str]:
    """Yield what a person should know who has taken a value away."""
    yield "The value is gone; the entry that commits to it stays, and one says who took it away."
    rows = [f"{count} {NAMES[kind]}" for kind, count in found.reached.items() if count]
    if found.ticket:
        yield f"Its words are gone from the rows of {found.ticket}: {', '.join(rows) or 'none'}."
        if conf.modules()["tickets"] != "adapters.tickets.embedded":
            yield f"{found.ticket} itself is kept outside: take them away there."
    for digest in found.values:
        yield f"Another value holds them too: ledger redact {digest}"
    if found.entries:
        quoted = ", ".join(f"#{seq}" for seq in found.entries)
        yield f"Entries that quote them stay until retention takes their bytes: {quoted}."
    if found.verb == "notify":
        yield "It was a notice: whoever got it has it."
    yield BEYOND
