"""Evidence on the desk: looked at by everybody there, changed by nobody, whatever the address."""

from urllib.parse import quote

from django.apps import apps
from django.contrib import admin
from django.test import Client, RequestFactory

from audit.models import Entry
from ethops.pages.site import desk as site
from ethops.pages.site import editable
from personas.models import Action, Run

EVIDENCE = [
    model for model in apps.get_models() if admin.site.is_registered(model) and not editable(model)
]
ROOMS = {
    "audit", "personas", "agentops", "memory", "approvals", "autonomy", "gpu", "tickets", "cmdb",
    "monitoring", "telemetry", "desk", "sla", "guests", "notify", "mail", "forge",
    "muting", "itop", "pulls", "knowledge", "compliance",
}  # fmt: skip


def place(model, *rest):
    return f"/{model._meta.app_label}/{model._meta.model_name}/" + "".join(f"{r}/" for r in rest)


def test_every_room_has_its_rows_on_the_desk():
    assert {model._meta.app_label for model in EVIDENCE} == ROOMS


def test_nobody_is_given_a_right_to_change_evidence(ada):
    request = RequestFactory().get("/")
    request.user = ada
    for model in EVIDENCE:
        held = site.get_model_admin(model)
        rights = held.get_model_perms(request)
        assert rights == {"add": False, "change": False, "delete": False, "view": True}, model
        assert held.get_actions(request) == {}, model


def test_every_list_draws(desk, scene):
    for model in EVIDENCE:
        assert desk.get(place(model)).status_code == 200, model


def test_a_superuser_neither_adds_nor_deletes_by_address(desk, scene):
    for model in EVIDENCE:
        one = model._default_manager.first()
        key = quote(str(one.pk), safe="") if one else "1"
        assert desk.get(place(model, "add")).status_code == 403, model
        assert desk.post(place(model, "add"), {}).status_code == 403, model
        for way in (desk.get, desk.post):
            refused = way(place(model, key, "delete"), {"post": "yes"})
            assert refused.status_code in ({403} if one else {302, 403}), model


def test_a_superuser_saves_nothing_over_a_row(desk, scene):
    for model in EVIDENCE:
        one = model._default_manager.values().first()
        if one is not None:
            key = quote(str(one[model._meta.pk.attname]), safe="")
            form = {**dict.fromkeys(one, "changed"), "_save": "Save", "act": "?"}
            answer = desk.post(place(model, key, "change"), form)
            assert answer.status_code in {403, 404, 405, 422}, model
            assert model._default_manager.values().get(pk=one[model._meta.pk.attname]) == one, model


def test_the_bulk_delete_of_the_admin_is_not_there(desk, scene):
    form = {"action": "delete_selected", "_selected_action": [1], "post": "yes", "select_across": 1}
    for model in EVIDENCE:
        before = model._default_manager.count()
        desk.post(place(model), form)
        assert model._default_manager.count() == before, model


def test_rows_with_a_page_of_ours_lead_to_it(desk, scene):
    for path, words in (
        (place(Run, scene.run, "change"), "Question and answer as recorded"),
        (place(Action, scene.actions["denied"], "change"), "What the gate decided"),
        (place(Entry, 1, "change"), "What it shows"),
        (f"/tickets/ticket/{scene.ticket}/change/", "What happened"),
    ):
        assert words in desk.get(path).content.decode()


def test_schedules_stay_editable(desk):
    assert desk.get("/django_celery_beat/periodictask/add/").status_code == 200


def test_the_pages_of_schedules_carry_no_script_of_their_own(desk):
    page = desk.get("/django_celery_beat/periodictask/add/").content.decode()
    assert 'id="periodic-task-overrides"' not in page


def test_strangers_see_the_login_and_nothing_of_the_frame(clean_db):
    answer = Client().get("/", follow=True)
    assert answer.request["PATH_INFO"] == "/login/"
    assert 'class="rail"' not in answer.content.decode()


def test_a_login_that_is_not_of_the_desk_gets_nowhere(cy, scene):
    client = Client()
    client.force_login(cy)
    for path in ("/", f"/tickets/{scene.ticket}/", "/ledger/", "/stop/", "/now/live/"):
        assert client.get(path).status_code == 302


def test_anybody_of_the_desk_may_look_at_all_of_it(bo, scene):
    client = Client()
    client.force_login(bo)
    for model in EVIDENCE:
        assert client.get(place(model)).status_code == 200
