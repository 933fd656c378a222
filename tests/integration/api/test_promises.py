"""Calendars, services and targets at the desk: forms that say what is wrong, and acts on record."""

import json

import pytest
from django.test import Client

from adapters.site import Site
from audit.models import Pending
from ethops.sla import loading
from ethops.sla.models import Calendar, Followed, Service, Target

WEEK = {"monday": "08:00-17:00"}


def calendar(desk, **said):
    form = {"name": "berlin", "zone": "Europe/Berlin", **WEEK, "holidays": "", **said}
    return desk.post("/sla/calendar/add/", form)


def target(desk, pk, **said):
    always = Calendar.objects.get(name="always").pk
    form = {"ticket_class": "incident", "priority": "P1", "calendar": always, **said}
    return desk.post(f"/sla/target/{pk}/change/", form)


def noted():
    return [
        json.loads(json.dumps(one.body))
        for one in Pending.objects.filter(kind="person.promised").order_by("pk")
    ]


def test_a_calendar_is_made_at_the_desk_and_on_record(desk):
    days = "2026-12-25 Christmas\n\n2026-12-26"
    assert calendar(desk, holidays=days).status_code == 302
    made = Calendar.objects.get(name="berlin")
    assert (made.zone, made.holidays) == ("Europe/Berlin", "2026-12-25 Christmas\n2026-12-26")
    (body,) = noted()
    assert (body["person"], body["what"], body["is"]["monday"]) == ("ada", "added", "08:00-17:00")


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"zone": "Europe/Bonn"}, "There is no zone"),
        ({"monday": "8-5"}, "is no time of day"),
        ({"monday": ""}, "No day has hours"),
        ({"tuesday": "22:00-06:00"}, "ends before it begins"),
        ({"holidays": "2026-12-25\nEaster"}, "Line 2:"),
    ],
)
def test_a_calendar_says_what_is_wrong_beside_the_field(desk, said, words):
    answer = calendar(desk, **said)
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not Calendar.objects.filter(name="berlin").exists()


def test_everything_wrong_at_once_is_said_at_once_and_nothing_is_lost(desk):
    said = {"zone": "<b>Bonn", "monday": "8", "sunday": "9", "holidays": "x\ny"}
    page = calendar(desk, **said).content.decode()
    for words in (
        "There is no zone",
        "&#x27;8&#x27; is no",
        "&#x27;9&#x27; is no",
        "Line 1",
        "Line 2",
    ):
        assert words in page
    assert "&lt;b&gt;Bonn" in page
    assert "<b>Bonn" not in page


def test_a_name_is_taken_once(desk):
    assert "There is a calendar always already" in calendar(desk, name="always").content.decode()


def test_a_target_is_written_as_people_write_lengths(desk):
    first = Target.objects.get(ticket_class="incident", priority="P1")
    assert 'value="15 min"' in desk.get(f"/sla/target/{first.pk}/change/").content.decode()
    assert target(desk, first.pk, tto_s="20 min", ttr_s="1 h 30 min").status_code == 302
    first.refresh_from_db()
    assert (first.tto_s, first.ttr_s) == (1_200, 5_400)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"ttr_s": "2 days"}, "is no length of time"),
        ({"ttr_s": "", "tto_s": ""}, "Give a time to own, a time to resolve, or both"),
        ({"ttr_s": "4 h", "priority": "P2"}, "of this class, priority and service already"),
    ],
)
def test_a_target_says_what_is_wrong(desk, said, words):
    first = Target.objects.get(ticket_class="incident", priority="P1")
    answer = target(desk, first.pk, **said)
    assert answer.status_code == 200
    assert words in answer.content.decode()


def test_a_service_names_ci_s_that_there_are(desk, scene):
    page = desk.post("/sla/service/add/", {"slug": "shop", "name": "Shop", "cis": "nowhere"})
    assert "There is no CI nowhere" in page.content.decode()


def test_what_runs_is_derived_again_after_a_change(desk, scene):
    Followed.objects.create(ticket_ref="INC-77777")
    first = Target.objects.get(ticket_class="incident", priority="P1")
    target(desk, first.pk, tto_s="20 min", ttr_s="4 h")
    assert Followed.objects.get(ticket_ref="INC-77777").stale


def test_who_has_no_right_only_looks(bo):
    bo_desk = Client(raise_request_exception=False)
    bo_desk.force_login(bo)
    first = Target.objects.get(ticket_class="incident", priority="P1")
    assert bo_desk.get("/sla/target/").status_code == 200
    assert bo_desk.get(f"/sla/target/{first.pk}/change/").status_code == 200
    assert target(bo_desk, first.pk, tto_s="1 h", ttr_s="9 h").status_code == 403
    assert bo_desk.post("/sla/calendar/add/", {}).status_code == 403


DECLARED = Site.model_validate_json(
    json.dumps(
        {
            "cis": [{"ref": "shop", "name": "Shop", "class": "web"}],
            "service_levels": {
                "calendars": [{"name": "berlin", "zone": "Europe/Berlin", "hours": WEEK}],
                "services": [{"slug": "shop", "name": "Shop", "cis": ["shop"]}],
                "targets": [
                    {"class": "incident", "priority": "P1", "service": "shop", "ttr": "2 h",
                     "calendar": "berlin"},
                    {"class": "incident", "priority": "P1", "ttr": "3 h"},
                ],
            },
        }
    )
)  # fmt: skip


def load(site):
    return loading.load(site.service_levels)


def test_what_the_site_file_declares_is_loaded_once_and_goes_with_it(desk):
    assert len(load(DECLARED)) == 4
    assert load(DECLARED) == []
    assert Target.objects.filter(declared=True).count() == 2
    assert len(load(Site())) == 4
    assert not Target.objects.filter(declared=True).exists()
    assert Target.objects.filter(ticket_class="incident", priority="P1").count() == 1


def test_what_is_declared_changes_in_the_file_alone(desk):
    load(DECLARED)
    one = Target.objects.filter(declared=True).first()
    assert desk.get(f"/sla/target/{one.pk}/change/").status_code == 200
    assert target(desk, one.pk, tto_s="1 h", ttr_s="9 h").status_code == 403
    assert desk.post(f"/sla/target/{one.pk}/delete/", {"post": "yes"}).status_code == 403


def test_a_declared_calendar_stays_while_a_target_of_the_desk_goes_by_it(desk):
    load(DECLARED)
    berlin = Calendar.objects.get(name="berlin", declared=True)
    Target.objects.filter(ticket_class="request", priority="P1").update(calendar=berlin)
    load(Site())
    assert Calendar.objects.filter(pk=berlin.pk).exists()
    assert not Service.objects.filter(declared=True).exists()
