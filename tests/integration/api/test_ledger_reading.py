"""The ledger over the API and on the desk: filters, pages of the list, the tail, metrics."""

import json
import re
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import httpx
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from prometheus_client.parser import text_string_to_metric_families
from rest_framework.authtoken.models import Token

from audit.ledger import pending
from audit.models import Entry
from ethops.env import CLONE
from ethops.world import ledger
from ethops.world.ledger_totals import EntriesByKind
from tests.integration.api.conftest import api_of
from tests.integration.api.scene import alert
from tests.integration.api.served import served


def seqs(api, query=""):
    answer = api.get(f"/api/v1/ledger/entries?{query}")
    assert answer.status_code == 200, answer.content
    return [one["seq"] for one in answer.json()["results"]]


def note(scene, count, kind="person.noted"):
    for number in range(count):
        pending.note(kind=kind, subject=str(number), body={})
    scene.record()


def test_entries_are_found_by_the_persona_that_their_bytes_name(api, scene):
    found = set(seqs(api, "persona=responder"))
    kinds = set(Entry.objects.filter(seq__in=found).values_list("kind", flat=True))
    assert {"run.born", "step.taken", "action.authorised", "action.denied"} <= kinds
    assert seqs(api, "persona=nobody") == []


def test_entries_are_found_by_their_run_whatever_their_kind(api, scene):
    found = Entry.objects.filter(seq__in=seqs(api, f"run={scene.run}"))
    kinds = set(found.values_list("kind", flat=True))
    assert {"run.born", "step.taken", "action.authorised", "action.outcome"} <= kinds


def test_entries_are_found_by_each_ci_that_they_name(api, scene):
    for ref in ("web-01", "old-01", "db-01"):
        kinds = set(
            Entry.objects.filter(seq__in=seqs(api, f"ci={ref}")).values_list("kind", flat=True)
        )
        assert "run.born" in kinds, ref
    assert "action.denied" in kinds


def test_entries_are_found_by_time(api, scene):
    newest = Entry.objects.first()
    later = (newest.at + timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    assert seqs(api, f"since={later}") == []
    assert len(seqs(api, f"until={later}")) == Entry.objects.count()


def test_bytes_that_are_no_json_name_nothing_and_stop_nothing(api, scene, role):
    pending.note(kind="person.noted", subject="x", body={})
    role("audit_writer").execute(
        "SELECT audit.append(array_agg(n), ARRAY['\\xff00'::bytea]) FROM audit_pending"
    )
    newest = seqs(api)[0]
    assert Entry.objects.get(seq=newest).subject == "x"
    assert newest not in seqs(api, "persona=responder")


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("persona=responder", "entry_persona"),
        ("run=00000000-0000-0000-0000-000000000000", "entry_run"),
        ("ci=web-01", "entry_cis"),
        ("kind=action.denied", "entry_kind"),
        ("ticket=INC-00001", "entry_ticket"),
        ("since=2026-01-01T00:00:00Z", "entry_at"),
        ("subject=x", "entry_subject"),
    ],
)
def test_every_filter_has_its_index(scene, query, index):
    from ethops.api.ledger import FILTERS

    (name, value), *_ = parse_qs(query).items()
    lookup, field = FILTERS[name]
    rows = ledger.entries().filter(**{lookup: field.run_validation(value[0])})
    with connection.cursor() as cursor:
        # So few rows are read without an index; this asks whether there is one that fits.
        cursor.execute("SET enable_seqscan = off")
        cursor.execute("SET enable_sort = on")
    plan = rows.order_by().explain()
    with connection.cursor() as cursor:
        cursor.execute("RESET enable_seqscan")
    assert index in plan, plan


def test_the_list_is_read_to_its_end_by_cursor_and_does_not_shift(api, scene):
    note(scene, 5)
    expected = list(Entry.objects.values_list("seq", flat=True))
    said = api.get("/api/v1/ledger/entries?limit=3").json()
    found = [one["seq"] for one in said["results"]]
    note(scene, 2)
    while said["next"]:
        said = api.get(said["next"]).json()
        found += [one["seq"] for one in said["results"]]
    assert found == expected


@pytest.mark.parametrize(
    "query",
    ["cursor=nonsense", "offset=3", "colour=red", "since=soon", "after=-1", "kind=%00", "run="],
)
def test_a_filter_that_cannot_be_used_is_named(api, query):
    answer = api.get(f"/api/v1/ledger/entries?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid")
    assert query.partition("=")[0] in answer.json()["errors"]


def page(desk, path):
    answer = desk.get(path)
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_desk_filters_by_the_same_names(desk, scene):
    for query, words in (
        ("persona=responder", "Entries of responder"),
        (f"run={scene.run}", f"Entries of run {str(scene.run)[:4]}"),
        ("ci=web-01&kind=action.authorised", "Entries of kind action.authorised and on web-01"),
        ("since=2026-01-01T00:00", "Entries since 1 January 2026 00:00"),
    ):
        text = page(desk, f"/ledger/?{query}")
        assert words in text
        assert "<tbody>" in text


def test_a_field_that_cannot_be_used_is_said_and_shows_nothing(desk, scene):
    text = page(desk, "/ledger/?since=soon")
    assert "Write a day and a time" in text
    assert "<tbody>" not in text


def test_older_entries_keep_the_filter(desk, scene):
    note(scene, 60)
    text = page(desk, "/ledger/?kind=person.noted")
    older = text.partition('class="pages"><a href="?')[2].partition('"')[0].replace("&amp;", "&")
    assert parse_qs(older)["kind"] == ["person.noted"]
    assert page(desk, f"/ledger/?{older}").count("person.noted</a>") == 10


def test_the_list_takes_a_fixed_number_of_queries(desk, scene):
    def queries():
        with CaptureQueriesContext(connection) as caught:
            page(desk, "/ledger/")
        return len(caught)

    few = queries()
    note(scene, 30)
    assert queries() == few


def events(lines):
    """Yield (number, content) of each event of a stream."""
    number = None
    for line in lines:
        if line.startswith("id: "):
            number = int(line[4:])
        if line.startswith("data: "):
            yield number, json.loads(line[6:])


@pytest.fixture
def web(servers, database_name, tmp_path):
    with served(servers, database_name, tmp_path) as address:
        yield address


@pytest.mark.processes
def test_the_tail_tells_new_entries_and_is_resumed_where_it_broke_off(web, ada, scene):
    head = {"Authorization": f"Token {Token.objects.create(user=ada).key}"}
    newest = ledger.newest()
    with httpx.stream("GET", f"{web}/api/v1/ledger/tail", headers=head, timeout=20) as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        lines = answer.iter_lines()
        assert next(lines) == "retry: 1000"
        note(scene, 2)
        number, said = next(events(lines))
    assert (number, said["kind"]) == (newest + 1, "person.noted")
    resumed = {**head, "Last-Event-ID": str(number)}
    with httpx.stream("GET", f"{web}/api/v1/ledger/tail", headers=resumed, timeout=20) as answer:
        assert next(events(answer.iter_lines()))[0] == newest + 2


@pytest.mark.processes
def test_a_reader_who_leaves_makes_room_for_the_next(web, ada, scene):
    head = {"Authorization": f"Token {Token.objects.create(user=ada).key}"}
    for _ in range(40):
        with httpx.stream("GET", f"{web}/api/v1/ledger/tail?after=0", headers=head) as answer:
            assert next(events(answer.iter_lines()))[0] == 1


@pytest.mark.parametrize("number", ["x", "-1", "9" * 30, "0" * 20 + "9" * 30])
def test_a_tail_from_nowhere_is_refused(api, number):
    answer = api.get("/api/v1/ledger/tail", headers={"Last-Event-ID": number})
    assert (answer.status_code, answer.json()["code"]) == (400, "request.invalid")


def test_strangers_do_not_read_along(cy):
    assert api_of(cy).get("/api/v1/ledger/tail").json()["code"] == "request.forbidden"


def samples(api):
    text = api.get("/api/v1/metrics").content.decode()
    return {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name.startswith("ethops_ledger")
    }


def test_metrics_tell_entries_what_waits_and_the_last_check(api, scene, verify):
    before = samples(api)
    assert ("ethops_ledger_check_whole",) not in before
    verify()
    note(scene, 3)
    pending.note(kind="person.noted", subject="waits", body={})
    found = samples(api)
    kind = ("ethops_ledger_entries_total", "person.noted")
    assert found[kind] == before.get(kind, 0) + 3
    assert found["ethops_ledger_size",] == ledger.newest()
    assert found["ethops_ledger_pending",] == 1
    assert 0 <= found["ethops_ledger_pending_oldest_seconds",] < 60
    assert found["ethops_ledger_check_whole",] == 1
    assert found["ethops_ledger_check_entries",] == ledger.newest() - 3


def test_every_metric_is_on_the_page_with_its_labels(api, scene, state, verify):
    scene.sign(state)
    scene.witness("north", "university")
    verify()
    found = {name: len(labels) for name, *labels in samples(api)}
    text = (CLONE / "docs/reference/api.md").read_text(encoding="utf-8")
    told = {
        name: len(labels.split())
        for name, labels in re.findall(
            r"^\| `(ethops_ledger_\w+)` \|([a-z, ]*)\|", text, re.MULTILINE
        )
    }
    assert told == found


def test_entries_are_counted_on_from_the_last_reading(scene):
    totals = EntriesByKind()
    first = totals.read()
    note(scene, 2)
    with CaptureQueriesContext(connection) as caught:
        second = totals.read()
    assert second["person.noted"] == first.get("person.noted", 0) + 2
    assert len(caught) == 2


def test_a_broken_chain_is_a_metric(api, scene, servers, database_name, evil, verify):
    evil("UPDATE audit_entry SET kind = 'x' WHERE seq = 1")
    verify()
    assert samples(api)["ethops_ledger_check_whole",] == 0


def test_a_moment_is_read_with_its_zone(api, scene):
    newest: datetime = Entry.objects.first().at
    assert seqs(api, f"after=0&until={newest:%Y-%m-%dT%H:%M:%S.%f}%2B00:00")


def test_kinds_are_listed_once(scene):
    scene.incident(alert("Other", ci="db-01"))
    scene.record()
    assert ledger.kinds() == sorted(set(Entry.objects.values_list("kind", flat=True)))
