"""The desk's watch over those who watch: a monitor that says nothing may be dead itself."""

from datetime import datetime, timedelta
from typing import Final

from adapters.rows import now
from ethops.desk import dispatch
from ethops.desk.models import Delivery, Sender

FIRING: Final = "firing"


def watch() -> None:
    """Give to a person each sender that has been silent for too long, once per silence."""
    for sender in Sender.objects.filter(enabled=True, silent_after_s__isnull=False):
        heard = last_heard(sender)
        if is_silent(sender, heard, now()):
            _tell(sender, heard)


def last_heard(sender: Sender) -> datetime | None:
    """Return when what must keep coming last came; None where it never did."""
    found = Delivery.objects.filter(sender=sender.name)
    if sender.watchdog:
        # An Alertmanager that lives tells that its Prometheus does not by ending the alert.
        found = found.filter(events__labels__alertname=sender.watchdog, events__status=FIRING)
    return found.order_by("-last_at").values_list("last_at", flat=True).first()


def is_silent(sender: Sender, heard: datetime | None, at: datetime) -> bool:
    """Say whether nothing came for too long; a new sender has as long to begin. Pure."""
    if sender.silent_after_s is None:
        return False
    return (heard or sender.created_at) < at - timedelta(seconds=sender.silent_after_s)


def _tell(sender: Sender, heard: datetime | None) -> None:
    what = f"the alert {sender.watchdog}" if sender.watchdog else "anything"
    dispatch.open_for_person(
        occasion=f"sender:{sender.name}:silent:{heard}",
        cause=f"sender:{sender.name}:silent",
        title=f"{sender.name} is silent",
        description=(
            f"{what[0].upper()}{what[1:]} of the sender {sender.name} last came"
            f" {heard or 'never'}, and should come every {sender.silent_after_s} s. What it watches"
            " is not watched until it is back."
        ),
        facts={"sender": sender.name, "watchdog": sender.watchdog, "heard": f"{heard or ''}"},
    )
