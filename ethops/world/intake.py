"""What was delivered, the events in it, and the CIs they may mean."""

from datetime import datetime

from django.db.models import QuerySet

from adapters.cmdb.models import CI
from ethops.desk.models import Delivery, Event


def deliveries() -> QuerySet[Delivery]:
    """Return deliveries, newest first, without their bytes."""
    return Delivery.objects.defer("raw").order_by("-received_at", "-id")


def events() -> QuerySet[Event]:
    """Return events, newest first."""
    return Event.objects.order_by("-at", "-id")


def last_alert() -> datetime | None:
    """Return when an alert last arrived."""
    return events().filter(status="firing").values_list("last_at", flat=True).first()


def cis() -> QuerySet[CI]:
    """Return the CIs that are not retired."""
    return CI.objects.select_related("inventory_host").filter(retired=False).order_by("ref")
