"""What every page must know: the stop, which processes are silent, how much is open."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from adapters.tickets.models import Ticket
from adapters.tickets.states import SETTLED
from audit.models import Heartbeat
from ethops import conf
from ethops.executor import stop as pressed
from ethops.world import ledger_state
from gpu.models import Card
from personas.models import Stop

SILENT_AFTER = timedelta(seconds=15)
"""Every process beats every two seconds; so long without a beat is no hiccup."""

WITHOUT = {
    "recorder": "nothing is written into the ledger, so nothing new is done.",
    "checkpointer": "no new tree head is signed, so nothing new can be proven to others.",
    "witnessing": "nobody else signs our tree heads, so risky actions may wait.",
    "verifier": "nobody verifies the ledger, so damage to it is not seen.",
    "control": "alerts are stored but not read, and no run is begun.",
    "agent": "agents take no steps.",
    "executor": "authorised actions wait.",
    "telemetry": "what observers publish waits on the bus.",
    "beat": "schedules do not fire, so probes are not run.",
}
"""Process -> what does not happen without it."""

WITHOUT_CARD = "requests for its models wait, of agents and of people."
"""The same of a card's worker, which is called `gpu-` and the card's name."""


@dataclass(frozen=True, slots=True)
class Silent:
    """A process that has not been heard; `since` is None where it never was."""

    name: str
    since: datetime | None
    effect: str


@dataclass(frozen=True, slots=True)
class House:
    """What is said in the frame of every page."""

    stop: Stop
    open_tickets: int
    silent: tuple[Silent, ...]
    ledger: ledger_state.Standing


def house() -> House:
    """Look at the whole house; four small queries."""
    return House(
        stop=stop(),
        open_tickets=open_tickets(),
        silent=silent(),
        ledger=ledger_state.standing(),
    )


def stop() -> Stop:
    """Return the stop's one row, or what the stop file says where only that stands."""
    row = Stop.objects.get(id=1)
    if row.stopped or (found := pressed.seen_file()) is None:
        return row
    return Stop(id=1, stopped=True, by="file", why=found.says, at=found.at)


def open_tickets() -> int:
    """Count the incidents that ask something of somebody."""
    return Ticket.objects.filter(ticket_class="incident").exclude(state__in=SETTLED).count()


def silent() -> tuple[Silent, ...]:
    """Return the processes that should be heard and are not."""
    unused = set() if conf.house().bus else {"telemetry"}
    always = {name: effect for name, effect in WITHOUT.items() if name not in unused}
    expected = always | {
        f"gpu-{name}": WITHOUT_CARD
        for name in Card.objects.filter(enabled=True).values_list("name", flat=True)
    }
    heard = dict(Heartbeat.objects.filter(name__in=expected).values_list("name", "at"))
    oldest = timezone.now() - SILENT_AFTER
    return tuple(
        Silent(name, heard.get(name), effect)
        for name, effect in expected.items()
        if name not in heard or heard[name] < oldest
    )
