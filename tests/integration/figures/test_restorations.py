"""Since when an incident is well is written down once, from what was seen, and on record."""

from datetime import timedelta

import psycopg
import pytest
from django.db import connection
from django.utils import timezone

from audit.models import Pending
from ethops.desk import restorations
from ethops.desk.models import Delivery, Event
from ethops.figures.models import Restoration

SLACK = timedelta(seconds=5)


def noted():
    return list(Restoration.objects.values_list("ticket_ref", "episode", "source"))


def ended(ref, ago_s, status="resolved"):
    delivery = Delivery.objects.create(sender="t", digest=ref + status, raw=b"", state="read")
    Event.objects.create(
        delivery=delivery, fingerprint=ref, starts_at="1", status=status, labels={},
        annotations={}, joined="none", cause_key="c", decision="ended", ticket_ref=ref,
        at=timezone.now() - timedelta(seconds=ago_s),
    )  # fmt: skip


def test_well_for_its_window_is_noted_from_when_it_was_well(house):
    ref, since = house.ill(), house.probe(well_s=90)
    assert restorations.watch() == 1
    found = Restoration.objects.get()
    assert (found.ticket_ref, found.episode, found.source) == (ref, 0, "probes")
    assert abs(found.well_from - since) < SLACK


def test_it_is_noted_once(house):
    house.ill()
    house.probe(well_s=90)
    assert [restorations.watch(), restorations.watch()] == [1, 0]


@pytest.mark.parametrize("well_s", [None, 30], ids=["ill", "well, not yet for its window"])
def test_too_soon_is_not_noted(house, well_s):
    house.ill()
    house.probe(well_s=well_s)
    assert restorations.watch() == 0


def test_it_is_on_record_in_the_same_words(house):
    ref = house.ill()
    house.probe(well_s=90)
    restorations.watch()
    body = Pending.objects.get(kind="ticket.restored", subject=ref).body
    row = Restoration.objects.get()
    kept = {"episode": row.episode, "well_from": row.well_from.isoformat(),
            "window_s": row.window_s, "source": row.source}  # fmt: skip
    assert {name: body[name] for name in kept} == kept


def test_what_was_seen_is_never_changed(house):
    house.ill()
    house.probe(well_s=90)
    restorations.watch()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        house.owner.execute("UPDATE figures_restoration SET well_from = now()")


def test_an_agent_may_not_even_read_it(house, role):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role("agent").execute("SELECT * FROM figures_restoration")


def test_opened_again_it_must_get_well_again(house):
    ref = house.ill()
    house.probe(well_s=90)
    restorations.watch()
    house.move(ref, "ev_resolve", solution="Restarted.")
    house.move(ref, "ev_reopen")
    # Well all the while, says the probe: of this time it has seen nothing.
    assert restorations.watch() == 0
    house.ages(ref, seconds=200)
    house.probe(well_s=100)
    restorations.watch()
    assert noted() == [(ref, 0, "probes"), (ref, 1, "probes")]


def test_what_no_probe_sees_is_over_when_its_alerts_say_so(house):
    ref = house.ill(ci="")
    ended(ref, 100)
    assert restorations.watch() == 1
    assert noted() == [(ref, 0, "alert")]


def test_what_no_probe_sees_and_still_fires_is_not_over(house):
    ref = house.ill(ci="")
    ended(ref, 100, "firing")
    assert restorations.watch() == 0


def test_what_a_probe_sees_ill_is_not_well_because_an_alert_ended(house):
    ref = house.ill()
    house.probe(well_s=None)
    ended(ref, 100)
    assert restorations.watch() == 0


def test_the_rows_can_be_derived_again_from_the_ledger_s_facts(house):
    for number in range(3):
        house.ill(f"ci:web-01:{number}")
    house.probe(well_s=90)
    restorations.watch()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT subject, (body ->> 'episode')::int, (body ->> 'well_from')::timestamptz,"
            " (body ->> 'window_s')::int, body ->> 'source' FROM audit_pending"
            " WHERE kind = 'ticket.restored' ORDER BY subject"
        )
        again = cursor.fetchall()
    columns = ("ticket_ref", "episode", "well_from", "window_s", "source")
    assert again == list(Restoration.objects.order_by("ticket_ref").values_list(*columns))
