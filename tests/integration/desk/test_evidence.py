"""The desk collects evidence by itself: what it holds becomes findings, and is put on record."""

import importlib
import json
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
import yaml
from django.apps import apps
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from adapters import registry
from adapters.cmdb.errors import CmdbError
from adapters.compliance.canonical import identity
from adapters.compliance.safeguards import CIS
from adapters.knowledge.models import Document, Index
from adapters.knowledge.port import MOST_PASSAGES
from adapters.site import read
from adapters.site_rows import apply
from audit.ledger import pending
from audit.models import Pending
from ethops.desk import evidence, evidence_sources, tasks
from ethops.desk.evidence_sources import SOURCES, Ground
from ethops.logins import people
from ethops.notify.models import Contact, Rule
from tests.conftest import point_django
from tests.doubles.recording import write_down
from tests.integration.desk import alerts
from tests.integration.desk.test_discovery import publish

SITE = """
hosts: [{name: web-01, connection: ssh, address: 10.0.0.5, user: deploy}, {name: here}]
cis:
  - {ref: web-01, name: web-01, class: vm, host: web-01}
  - ref: desk
    name: here
    class: server
    host: here
    probes:
      - {name: logs, kind: filesystem, path: /var/log, max_percent: 100, alertname: Full,
         severity: warning}
observers: [{host: web-01, source: pushed}]
query_logs: [{name: fleet, path: LOG, hosts: {web-01.example: web-01}}]
"""

OUTSIDE = {evidence_sources._unlisted}
"""Looks at what is elsewhere, and writes what it finds."""
soon = importlib.import_module("ethops.desk.migrations.0014_evidence_soon")


@pytest.fixture(autouse=True)
def _alone(clean_db):
    """Nothing else is there."""


@pytest.fixture
def house(servers, database_name, tmp_path):
    """A site with two hosts, one of them watched, and a log of osquery's results."""
    log = tmp_path / "results.log"
    log.write_text("")
    file = tmp_path / "site.yaml"
    file.write_text(SITE.replace("LOG", str(log)))
    found = read(file)
    assert found.value is not None, found.faults
    point_django(servers, database_name, "ethops_owner")
    apply(found.value)
    people.load()
    point_django(servers, database_name, "ethops_app")
    registry.collector().collect()
    at = int((datetime.now(UTC) - timedelta(hours=1)).timestamp())
    rows = [{"username": "root", "uid": "0", "shell": "/bin/sh"}]
    said = {"name": "users", "hostIdentifier": "web-01.example", "unixTime": at, "epoch": 0,
            "counter": 0, "action": "snapshot", "snapshot": rows}  # fmt: skip
    log.write_text(json.dumps(said) + "\n")
    registry.collector().collect()
    return file


def stands():
    found = registry.reader("compliance").findings(CIS)
    return {(one.safeguard, one.scope): (one.strength, one.ground) for one in found}


def test_what_is_held_becomes_findings_and_the_rest_has_none(house):
    done = evidence.collect()
    assert done.faults == ()
    found = stands()
    carried = {place for place, (strength, _) in found.items() if strength != "none"}
    assert carried == {
        ("1.1", ""), ("1.2", ""), ("4.6", ""), ("4.6", "web-01"), ("4.6", "desk"),
        ("5.1", ""), ("5.1", "web-01"), ("8.2", ""), ("8.2", "web-01"),
    }  # fmt: skip
    assert found["1.1", ""] == ("strong", "evidence")
    assert {found[place] for place in found if place not in carried} == {("none", "nothing")}


def test_a_host_that_nobody_declared_speaks_against_the_inventory_until_somebody_decides(house):
    evidence.collect()
    publish("web-09")
    evidence.collect()
    assert stands()["1.1", ""] == ("none", "contradicted")
    assert stands()["1.2", ""] == ("strong", "evidence"), "it waits for no week yet"


def test_what_is_kept_is_on_record_by_its_digests(house):
    done = evidence.collect()
    entries = Pending.objects.filter(kind="event.evidence").order_by("n")
    named = {one for entry in entries for one in entry.body["observations"]}
    kept = {identity(one) for one in registry.reader("compliance").observations()}
    assert named == kept == set(done.ids)
    evidence.collect()
    assert entries.count() == 1, "nothing is news"


def test_a_round_is_one_commit(house, monkeypatch):
    def refuse(**_):
        raise RuntimeError("the record is full")

    monkeypatch.setattr(pending, "note", refuse)
    with pytest.raises(RuntimeError):
        evidence.collect()
    assert registry.reader("compliance").observations() == ()


def test_a_source_that_cannot_be_asked_holds_up_no_other(house, monkeypatch):
    def away(_):
        raise CmdbError("away")
        yield

    monkeypatch.setattr(evidence_sources, "SOURCES", (away, *evidence_sources.SOURCES[2:]))
    evidence.collect()
    assert stands()["4.6", "web-01"] == ("partial", "evidence")


def test_the_schedule_asks_soon_after_the_start_and_collects_once_an_hour(house):
    schedule = PeriodicTask.objects.get(task="desk.collect_evidence")
    assert (schedule.enabled, schedule.interval.every, schedule.interval.period) == (
        True, 60, "seconds",
    )  # fmt: skip
    # The clock stands, or else its hour may end in between.
    with time_machine.travel(datetime.now(UTC), tick=False):
        tasks.collect_evidence()
        before = len(registry.reader("compliance").observations())
        publish("web-09")
        tasks.collect_evidence()
    assert len(registry.reader("compliance").observations()) == before > 0


def test_evidence_that_cannot_be_read_is_told_to_a_person_once(house, settings, tmp_path):
    folder = tmp_path / "scap"
    folder.mkdir()
    (folder / "web-01.xml").write_text("<!DOCTYPE a><a/>")
    chosen = {"adapter": "adapters.compliance.openscap", "folder": str(folder)}
    settings.ADAPTERS = {**settings.ADAPTERS, "compliance": chosen}
    for _ in range(2):
        evidence.collect()
    (ticket,) = alerts.opened()
    assert ticket.title == "Evidence for safeguards cannot be read"
    assert "web-01: web-01.xml: It declares a document type" in ticket.description
    assert stands()["4.6", "desk"] == ("partial", "evidence")


def said(*words):
    out = StringIO()
    call_command("compliance", *words, stdout=out)
    return out.getvalue()


def test_people_collect_and_look_by_a_command(house):
    assert json.loads(said("collect", "--json"))["kept"] > 0
    assert said("collect").startswith("Kept 0, found again ")
    told = said("findings", "--scopes")
    assert "  4.6  partial  evidence, measured, until " in told
    assert "17.3  none     nothing  Everybody has one written way" in told
    assert "root" not in told
    found = json.loads(said("findings", "--json"))["findings"]
    assert len(found) == 56
    old = json.loads(said("findings", "--json", "--at", "2020-01-01"))["findings"]
    assert {one["strength"] for one in old} == {"none"}
    with pytest.raises(CommandError, match=r"--at: 'soon' is no time; write one as 2026-11-28"):
        said("findings", "--at", "soon")


def test_what_stands_is_handed_on_as_oscal_the_same_each_time(house):
    evidence.collect()
    at = datetime.now(UTC).isoformat()
    told = said("export", "--at", at)
    assert told == said("export", "--at", at)
    (one,) = json.loads(told)["assessment-results"]["results"]
    assert len(one["observations"]) == len(registry.reader("compliance").observations())
    assert len(one["findings"]) == 56 + 4
    catalog = json.loads(said("export", "--catalog"))["catalog"]
    assert len(catalog["controls"]) == 56


def verified():
    out = StringIO()
    try:
        call_command("compliance", "verify", "--json", stdout=out)
    except SystemExit as end:
        return end.code, json.loads(out.getvalue())
    return 0, json.loads(out.getvalue())


@pytest.mark.parametrize("written", [False, True], ids=["on the way", "in the ledger"])
def test_rows_are_held_against_the_ledger(house, role, written):
    evidence.collect()
    if written:
        write_down(role("audit_writer"))
        assert not Pending.objects.filter(kind="event.evidence").exists()
    ids = {identity(one) for one in registry.reader("compliance").observations()}
    assert verified() == (
        0, {"checked": len(ids), "agrees": True, "changed": [], "unrecorded": [], "missing": []},
    )  # fmt: skip
    assert said("verify").strip() == f"{len(ids)} observations, as the ledger says."


TAMPERED = {
    "changed": "UPDATE compliance_observation SET outcome = 'unmet' WHERE kind = 'host.heard'",
    "missing": "DELETE FROM compliance_observation WHERE kind = 'host.heard'",
    "unrecorded": "INSERT INTO compliance_observation SELECT repeat('a', 64), kind, '11.2', scope,"
    " outcome, said, source, collected_at, expires_at, raw_sha256, kept_at"
    " FROM compliance_observation WHERE kind = 'host.heard'",
}


@pytest.mark.parametrize("what", TAMPERED)
def test_who_goes_past_the_triggers_is_seen(house, role, what, capsys):
    evidence.collect()
    (one,) = [o for o in registry.reader("compliance").observations() if o.kind == "host.heard"]
    link = role("owner")
    link.execute("ALTER TABLE compliance_observation DISABLE TRIGGER only_added")
    try:
        link.execute(TAMPERED[what])
    finally:
        link.execute("ALTER TABLE compliance_observation ENABLE TRIGGER only_added")
    code, found = verified()
    assert (code, found["agrees"]) == (1, False)
    assert found[what] == [identity(one) if what != "unrecorded" else "a" * 64]
    with pytest.raises(SystemExit):
        call_command("compliance", "verify")
    assert f"  {what} " in capsys.readouterr().out


def document(safeguard: str, due: datetime, ref: str = "recovery", passages: int = 1) -> None:
    at = datetime.now(UTC)
    Index.objects.update_or_create(
        pk=1, defaults={"commit": "c0ffee", "indexed_at": at, "looked_at": at}
    )
    one = Document.objects.create(
        ref=ref, path=f"{ref}.md", blob="b", title="What is brought back first",
        kind="policy", owner="ada", review_due=due.date(), text="...",
        tags=["status:current", "type:policy", f"cis:{safeguard}"],
    )  # fmt: skip
    for place in range(1, passages + 1):
        one.chunks.create(
            ref=f"{ref}{place}", place=place, heading=[], about="", text="First the ledger.",
            first_line=place, last_line=place,
        )  # fmt: skip


def test_a_long_document_that_is_overdue_hides_no_current_one(house):
    at = datetime.now(UTC)
    document("11.1", at - timedelta(days=9), ref="a-long-one", passages=MOST_PASSAGES + 1)
    document("11.1", at + timedelta(days=9))
    evidence.collect()
    assert stands()["11.1", ""] == ("partial", "evidence")


def test_what_the_hourly_round_asks_does_not_grow_with_what_there_is(house, servers, database_name):
    def asked():
        ground = Ground(datetime.now(UTC), registry.reader("cmdb").search(""))
        with CaptureQueriesContext(connection) as caught:
            told = [fact for one in SOURCES if one not in OUTSIDE for fact in one(ground)]
        return len(caught), len([one for one in told if one.name in {"host", "document"}])

    registry.sweeper().sweep(lambda _: None)
    document("11.1", datetime.now(UTC))
    people.give(User.objects.create_user("ada", password="x"), ["operator"], by="ada")
    few, before = asked()
    more = yaml.safe_load(house.read_text())
    for name in ("n1", "n2", "n3"):
        probe = {"name": f"logs-{name}", "kind": "filesystem", "path": "/var/log",
                 "max_percent": 100, "alertname": "Full", "severity": "warning"}  # fmt: skip
        more["hosts"].append({"name": name, "connection": "ssh", "address": "10.0.0.6",
                              "user": "deploy"})  # fmt: skip
        more["cis"].append({"ref": name, "name": name, "class": "vm", "host": name,
                            "probes": [probe]})  # fmt: skip
        document(f"17.{name[1]}", datetime.now(UTC), ref=name)
        people.give(User.objects.create_user(name, password="x"), ["operator"], by="ada")
    house.write_text(yaml.safe_dump(more))
    point_django(servers, database_name, "ethops_owner")
    found = read(house)
    assert found.value is not None, found.faults
    apply(found.value)
    point_django(servers, database_name, "ethops_app")
    registry.sweeper().sweep(lambda _: None)
    many, after = asked()
    assert (many, after) == (few, before + 6)


def test_two_intervals_of_a_minute_do_not_keep_a_site_from_going_on(clean_db):
    task = PeriodicTask.objects.get(task="desk.collect_evidence")
    before = (task.interval, task.expire_seconds)
    with transaction.atomic():
        IntervalSchedule.objects.create(every=60, period="seconds")
        hourly, _ = IntervalSchedule.objects.get_or_create(every=3_600, period="seconds")
        PeriodicTask.objects.filter(pk=task.pk).update(interval=hourly, expire_seconds=3_000)
        soon.quicken(apps, None)
        task.refresh_from_db()
        assert (task.interval.every, task.interval.period, task.expire_seconds) == (
            60, "seconds", 50,
        )  # fmt: skip
        transaction.set_rollback(True)
    task.refresh_from_db()
    assert (task.interval, task.expire_seconds) == before


def test_people_contacts_and_documents_speak_for_what_they_are(house):
    bea, cid = (User.objects.create_user(name, password="x") for name in ("bea", "cid"))
    people.give(bea, ["approver"], by="ada")
    cid.groups.add(Group.objects.get(name="operator"))
    rule = {"occasion": "opened", "whom": "contact", "enabled": True}
    Rule.objects.create(name="to all", contact="ops", **rule)
    document("11.1", datetime.now(UTC) + timedelta(days=1))
    evidence.collect()
    found = stands()
    assert found["6.1", ""] == ("none", "contradicted"), "nobody said that cid is an operator"
    assert found["6.5", ""] == ("none", "contradicted"), "bea approves, and has no second factor"
    assert found["17.2", ""] == ("none", "contradicted"), "there is no contact ops"
    assert (found["5.3", ""], found["11.1", ""]) == (("partial", "evidence"),) * 2
    people.give(cid, [], by="ada")
    people.give(cid, ["operator"], by="ada")
    people.give(bea, ["auditor"], by="ada")
    Contact.objects.create(name="ops", kind="http", target="https://pager.example/")
    Document.objects.update(review_due=datetime.now(UTC).date() - timedelta(days=1))
    User.objects.filter(pk=cid.pk).update(last_login=datetime.now(UTC) - timedelta(days=46))
    evidence.collect()
    found = stands()
    assert (found["6.1", ""], found["17.2", ""]) == (("partial", "evidence"),) * 2
    assert found["11.1", ""] == ("none", "contradicted"), "its review is overdue"
    assert found["5.3", ""] == ("none", "contradicted"), "cid has been away"


def test_logs_have_room_as_the_probe_of_their_file_system_found(house):
    registry.sweeper().sweep(lambda _: None)
    evidence.collect()
    assert stands()["8.3", "desk"] == ("partial", "evidence")
