"""Stopwatches on real rows: by whom they run, and that they can be derived again."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from ethops.desk import levels
from ethops.sla import loading, projection, terms
from ethops.sla.models import Calendar, Service, Stopwatch, Target
from tests.doubles import outside_desk
from tests.integration.sla.conftest import House, now

HOUR = timedelta(hours=1)


def shown(row: Stopwatch) -> dict[str, object]:
    names = ("phase", "used_s", "since", "due_at", "warn_at", "target_s", "terms_id", "priority")
    return {name: getattr(row, name) for name in names}


def test_a_new_ticket_has_both_clocks_by_the_promise_of_its_priority(house: House) -> None:
    ref = house.open()
    own, solve = house.clock(ref, "tto"), house.clock(ref, "ttr")
    assert (own.phase, own.target_s, solve.phase, solve.target_s) == (
        *("running", 900, "running"),
        14_400,
    )
    assert solve.due_at == solve.since + 4 * HOUR
    assert solve.warn_at == solve.since + 3 * HOUR


def test_whoever_has_the_ticket_stops_the_first_clock(house: House) -> None:
    ref = house.open()
    house.ages(ref, minutes=10)
    house.move(ref, "ev_assign", team="people", assignee="ada")
    own = house.clock(ref, "tto")
    assert (own.phase, own.due_at) == ("stopped", None)
    assert 600 <= own.used_s <= 660
    assert house.clock(ref).phase == "running"


def test_a_person_who_waits_for_others_pauses_the_second(house: House) -> None:
    ref = house.open()
    house.move(ref, "ev_assign", team="people")
    house.ages(ref, hours=1)
    house.move(ref, "ev_pending")
    paused = house.clock(ref)
    assert (paused.phase, paused.due_at) == ("paused", None)
    house.ages(ref, hours=9)
    house.move(ref, "ev_assign", team="people")
    runs = house.clock(ref)
    assert (runs.phase, runs.used_s) == ("running", paused.used_s)
    assert runs.due_at == runs.since + 4 * HOUR - timedelta(seconds=paused.used_s)


def test_who_resolves_too_early_has_stopped_nothing(house: House) -> None:
    ref = house.open()
    house.move(ref, "ev_resolve", solution="Looks well.")
    house.ages(ref, hours=5)
    house.move(ref, "ev_reopen")
    late = house.clock(ref)
    assert late.phase == "running"
    assert late.due_at is not None
    assert late.due_at < now() - HOUR / 2


def test_another_priority_is_another_promise_from_the_beginning(house: House) -> None:
    ref = house.open(impact=3, urgency=3)
    begun = house.clock(ref).since
    house.move(ref, "ev_assign", team="people", impact=1, urgency=1)
    assert house.clock(ref).due_at == begun + 4 * HOUR


def test_what_has_stopped_keeps_what_was_promised_then(house: House) -> None:
    ref = house.open()
    house.move(ref, "ev_resolve", solution="Restarted.")
    before = shown(house.clock(ref))
    house.promise("P1", ttr_s=60)
    house.ages(ref, hours=0)
    assert shown(house.clock(ref)) == before


def test_what_runs_goes_by_what_is_promised_now(house: House) -> None:
    ref = house.open()
    house.promise("P1", ttr_s=7_200)
    levels.watch()
    assert house.clock(ref).target_s == 14_400
    loading.promise_again()
    levels.watch()
    assert house.clock(ref).target_s == 7_200


def test_a_promise_of_a_service_goes_before_one_of_all(house: House) -> None:
    service = Service.objects.create(slug="shop", name="Shop", cis="web-01\nweb-02")
    always = Calendar.objects.get(name="always")
    Target.objects.create(
        ticket_class="incident", priority="P1", service=service, ttr_s=3_600, calendar=always
    )
    inside, outside = house.open(cis=("web-02",)), house.open(cis=("db-01",))
    assert house.clock(inside).target_s == 3_600
    assert house.clock(inside, "tto").target_s == 900
    assert house.clock(outside).target_s == 14_400


def test_the_service_that_a_ticket_names_goes_before_those_of_its_cis(house: House) -> None:
    always = Calendar.objects.get(name="always")
    for slug, cis, seconds in (("shop", "web-02", 3_600), ("batch", "", 7_200)):
        service = Service.objects.create(slug=slug, name=slug, cis=cis)
        Target.objects.create(
            ticket_class="incident", priority="P1", service=service, ttr_s=seconds, calendar=always
        )
    assert house.clock(house.open(cis=("web-02",), service="batch")).target_s == 7_200
    assert house.clock(house.open(cis=("web-02",), service="unheard-of")).target_s == 3_600


def test_where_nothing_is_promised_there_is_no_clock(house: House) -> None:
    Target.objects.filter(priority="P1").delete()
    assert not Stopwatch.objects.filter(ticket_ref=house.open()).exists()


def test_all_that_is_kept_can_be_derived_again(house: House) -> None:
    refs = [house.open(impact=n % 3 + 1, urgency=n % 2 + 1) for n in range(6)]
    given = {"ev_assign": {"team": "people"}, "ev_resolve": {"solution": "Done."}}
    for n, ref in enumerate(refs):
        for stimulus in ("ev_assign", "ev_pending", "ev_resolve", "ev_reopen")[: n - 1]:
            house.move(ref, stimulus, **given.get(stimulus, {}))
            house.ages(ref, minutes=7)
    kept = {row.pk: shown(row) for row in Stopwatch.objects.all()}
    Stopwatch.objects.all().delete()
    for ref in refs:
        projection.derive(ref)
    again = {(row.ticket_ref, row.kind): shown(row) for row in Stopwatch.objects.all()}
    assert len(kept) == 12
    assert sorted(map(str, kept.values())) == sorted(map(str, again.values()))


def test_a_ticket_without_a_clock_gets_one_with_the_next_round(house: House) -> None:
    ref = house.open()
    house.owner.execute("DELETE FROM sla_stopwatch; DELETE FROM sla_followed")
    levels.reconcile()
    assert house.clock(ref).phase == "running"


def test_a_calendar_that_cannot_be_read_holds_no_ticket_up(house: House) -> None:
    Calendar.objects.filter(name="always").update(monday="whenever")
    ref = house.open()
    assert house.move(ref, "ev_resolve", solution="Restarted.").state == "resolved"
    assert not Stopwatch.objects.filter(ticket_ref=ref).exists()


@pytest.fixture
def deadlines(settings: Any) -> Iterator[dict[str, datetime | None]]:
    """An outside desk, and when it says that things are due."""
    settings.ADAPTERS = {
        **settings.ADAPTERS,
        "tickets": {"adapter": "tests.doubles.outside_desk"},
    }
    yield outside_desk.DEADLINES
    outside_desk.DEADLINES.clear()


def test_the_deadline_of_an_outside_desk_is_the_truth(
    house: House, deadlines: dict[str, datetime | None]
) -> None:
    deadlines["ttr_due_at"] = now() + 2 * HOUR
    ref = house.open()
    assert house.clock(ref).due_at == deadlines["ttr_due_at"]
    assert terms.given(house.clock(ref).terms.body).outside
    assert house.clock(ref, "tto").target_s == 900


def test_an_outside_desk_may_forget_its_deadline_while_it_waits(
    house: House, deadlines: dict[str, datetime | None]
) -> None:
    due = deadlines["ttr_due_at"] = now() + 2 * HOUR
    ref = house.open()
    house.move(ref, "ev_assign", team="people")
    deadlines["ttr_due_at"] = None
    house.move(ref, "ev_pending")
    assert (house.clock(ref).phase, house.clock(ref).due_at) == ("paused", due)
    deadlines["ttr_due_at"] = due + HOUR
    house.move(ref, "ev_assign", team="people")
    assert house.clock(ref).due_at == due + HOUR


def test_a_ticket_that_was_resolved_before_an_outside_deadline_was_in_time(
    house: House, deadlines: dict[str, datetime | None]
) -> None:
    deadlines["ttr_due_at"] = now() + 2 * HOUR
    ref = house.open()
    house.move(ref, "ev_resolve", solution="Restarted.")
    assert (house.clock(ref).phase, house.clock(ref).due_at) == ("stopped", None)
