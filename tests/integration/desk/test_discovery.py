"""What is seen and is no CI: proposed once, bounded, withdrawn; its states are the table."""

import json
from datetime import timedelta
from io import StringIO
from uuid import uuid4

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from adapters import registry, site, site_rows
from adapters.cmdb import proposals, proposing
from adapters.cmdb.models import Proposal
from adapters.cmdb.proposals import MOST_OF_SOURCE, MOVES, STATES
from adapters.telemetry import taken
from ethops.desk import discovery, handover
from tests.conftest import point_django
from tests.doubles.prometheus import Prometheus, served
from tests.integration.desk import alerts

WHY = "no observer of pushed lines is declared"
SITE = """
hosts: [{name: web-01}]
cis:
  - {ref: web-01, name: web-01, class: vm, host: web-01, attributes: {hostname: web-01}}
"""


@pytest.fixture(autouse=True)
def _alone(clean_db):
    """Nothing else is there."""


@pytest.fixture
def declared(servers, database_name, tmp_path):
    def declare(text):
        file = tmp_path / "site.yaml"
        file.write_text(text)
        found = site.read(file)
        assert found.value is not None, found.faults
        point_django(servers, database_name, "ethops_owner")
        site_rows.apply(found.value)
        point_django(servers, database_name, "ethops_app")

    return declare


def publish(host, text=b"x"):
    """A message of a host that nobody declared, as the bus gives it back."""
    taken.bury(raw=text, routing_key=f"telemetry.{host}.lines", message_id=f"{host}", why=WHY)


def waiting():
    return {one.key: one for one in proposing.waiting()}


def test_a_host_that_publishes_and_is_no_ci_is_proposed_once(role):
    publish("web-09")
    publish("web-09", b"y")
    first = discovery.look()
    assert (first.proposed, first.withdrawn, first.left_out, first.unfit) == (1, 0, 0, 0)
    discovery.look()
    (one,) = waiting().values()
    assert (one.key, one.ref, one.source, one.times) == ("host:web-09", "web-09", "bus", 2)
    assert one.said == {
        "ref": True, "name": "web-09", "ci_class": "server", "managed_by": "desk",
        "attributes.hostname": "web-09",
    }  # fmt: skip
    assert one.seen[0]["said"].startswith("publishes on the bus as telemetry.web-09.lines")
    made = role("owner").execute("SELECT count(*) FROM cmdb_ci").fetchone()[0]
    assert made == 0, "nothing is a CI before a person accepts it"


def test_a_host_that_is_a_ci_is_not(declared):
    declared(SITE)
    publish("web-01")
    discovery.look()
    assert waiting() == {}


def test_what_becomes_a_ci_otherwise_is_withdrawn(declared):
    publish("web-01")
    discovery.look()
    declared(SITE)
    assert discovery.look().withdrawn == 1
    (one,) = Proposal.objects.all()
    assert (one.state, one.why) == ("withdrawn", "the CMDB says it by now")


def test_what_nobody_sees_any_more_is_withdrawn_and_in_the_end_forgotten(role):
    publish("web-09")
    discovery.look()
    link = role("owner")
    link.execute("DELETE FROM telemetry_deadletter")
    link.execute("UPDATE cmdb_proposal SET last_seen_at = now() - interval '31 days'")
    assert discovery.look().withdrawn == 1
    assert [one.why for one in Proposal.objects.all()] == ["not seen any more"]
    link.execute("UPDATE cmdb_proposal SET decided_at = now() - interval '91 days'")
    discovery.look()
    assert list(Proposal.objects.all()) == []


def test_a_flood_is_one_notice_and_takes_no_place_from_others():
    for number in range(MOST_OF_SOURCE + 30):
        publish(f"h{number}")
    for _ in range(3):
        discovery.look()
    assert len(waiting()) == MOST_OF_SOURCE
    (ticket,) = alerts.opened()
    assert ticket.title == "More is found by bus than is proposed"
    assert ticket.description.startswith("30 things")


def test_a_list_that_is_full_is_one_notice_for_all_that_found_no_place(role, monkeypatch):
    monkeypatch.setattr(proposals, "MOST", 0)
    monkeypatch.setattr(discovery, "MOST_NAMED", 2)
    at = timezone.now().isoformat()
    for log in ("a", "b", "c"):
        hosts = {f"{log}-{n}": {"last": at, "times": 1} for n in range(3)}
        role("owner").execute(
            "INSERT INTO telemetry_querylog (name, path, hosts, strangers)"
            " VALUES (%s, %s, '{}', %s)", [log, f"/{log}", json.dumps(hosts)],
        )  # fmt: skip
    publish("web-09")
    for _ in range(2):
        assert discovery.look().left_out == 10
    (ticket,) = alerts.opened()
    assert (ticket.title, ticket.impact, ticket.urgency) == ("More is found than is proposed", 3, 3)
    said = "10 things that are no CI were seen by osquery:a, osquery:b and 2 more besides the 0 of"
    assert ticket.description.startswith(said)


def test_an_alert_that_joins_no_ci_proposes_its_host():
    alerts.fire("Down", instance="db-09.example:9100")
    alerts.fire("Down", instance="bad name:9100")
    found = discovery.look()
    assert (list(waiting()), found.unfit) == (["host:db-09.example"], 1)
    (one,) = waiting().values()
    assert (one.source, one.seen[0]["said"]) == ("alerts:am", "alert Down of am names it")


@pytest.fixture
def prometheus():
    """A Prometheus with three targets, one of them a CI; returns its address."""
    with served(Prometheus(targets=("db-09:9100", "web-01:9100", ":1"))) as there:
        yield there.url


def asks(role, url, name="p"):
    role("owner").execute(
        "INSERT INTO monitoring_probe (name, ci_ref, kind, params, interval_s, bad_after,"
        " good_after, alertname, severity)"
        " VALUES (%s, 'web-01', 'prometheus', %s, 60, 1, 1, 'x', 'info')",
        [name, json.dumps({"url": url, "query": "up"})],
    )


def test_a_target_of_a_prometheus_that_is_no_ci_is_proposed(role, declared, prometheus):
    declared(SITE)
    asks(role, prometheus)
    asks(role, "http://127.0.0.1:9", "away")
    discovery.look()
    (one,) = waiting().values()
    assert (one.key, one.source) == ("host:db-09", f"prometheus:{prometheus[7:]}")
    assert one.seen[0]["said"] == "target db-09:9100 of the job node"


def test_an_observed_host_that_is_no_ci_is_proposed(declared, tmp_path):
    log = tmp_path / "auth.log"
    log.write_text("")
    declared(
        "hosts: [{name: web-07}]\n"
        f"observers: [{{host: web-07, source: file, path: {log}}}]\n"
        'keys: [{name: executor, fingerprint: "SHA256:' + "o" * 43 + '", accounts: [deploy]}]\n'
    )
    registry.collector().collect()
    discovery.look()
    assert list(waiting()) == ["host:web-07"]


PORT = {"port": "5432", "protocol": "6", "address": "10.0.0.5", "name": "postgres"}
SYSTEM = {"name": "Debian", "version": "Debian 12", "platform": "debian", "major": "12"}


def found(role, *rows, action="added"):
    role("owner").execute(
        "INSERT INTO telemetry_result (id, ci, query, action, at, epoch, counter, rows, size,"
        " whole) VALUES (%s, 'web-01', 'q', %s, now(), 0, 5, %s, 1, true)",
        [uuid4().hex, action, json.dumps(rows)],
    )


def test_what_osquery_finds_on_a_ci_is_proposed_with_its_relation(role, declared):
    declared(SITE.replace("{hostname: web-01}", "{hostname: web-01, os: Debian 11}"))
    found(role, PORT, SYSTEM)
    discovery.look()
    made = waiting()
    assert sorted(made) == ["attribute:web-01:os", "service:web-01:postgres:5432/tcp"]
    service = made["service:web-01:postgres:5432/tcp"]
    assert (service.ref, service.about, service.source) == (
        *("web-01-postgres-5432-tcp", "web-01", "osquery:web-01"),
    )
    assert service.said["attributes.runs_on"] == ["web-01"]
    assert made["attribute:web-01:os"].said == {"attributes.os": "Debian 12"}
    declared(SITE.replace("{hostname: web-01}", "{hostname: web-01, os: Debian 12}"))
    assert discovery.look().withdrawn == 1


def test_a_host_that_osquery_runs_on_and_is_placed_nowhere_is_proposed(role, declared):
    declared(SITE)
    at = timezone.now().isoformat()
    role("owner").execute(
        "INSERT INTO telemetry_querylog (name, path, hosts, strangers) VALUES ('fleet', '/x', '{}',"
        " %s)",
        [json.dumps({"DB-09.example": {"last": at, "times": 4}})],
    )
    discovery.look()
    (one,) = waiting().values()
    assert (one.key, one.source) == ("host:db-09.example", "osquery:fleet")


def test_the_morning_says_how_many_wait():
    publish("web-09")
    discovery.look()
    now = timezone.now()
    said = [line.text for line in handover.handover(now - timedelta(days=1), now).waits]
    assert said == ["1 thing was found that the CMDB does not have."]


def test_it_is_listed_at_the_host():
    publish("web-09")
    out = StringIO()
    call_command("cmdb", "proposals", "--look", "--json", stdout=out)
    (one,) = json.loads(out.getvalue())
    assert (one["key"], one["state"]) == ("host:web-09", "proposed")
    out = StringIO()
    call_command("cmdb", "proposals", "--state", "declined", stdout=out)
    assert out.getvalue() == "Nothing.\n"


# ---------------------------------------------------------------- the doors are the table

OTHERWISE = {"ref": True, "name": "web-09", "ci_class": "router", "managed_by": "desk"}


def row(said):
    at = timezone.now().isoformat()
    return {
        "key": "host:web-09", "kind": "host", "name": "web-09", "about": "", "ref": "web-09",
        "said": said, "source": "bus", "seen": [], "times": 1,
        "first_seen_at": at, "last_seen_at": at,
    }  # fmt: skip


def put(*rows):
    with connection.cursor() as cursor:
        cursor.execute("SELECT cmdb.keep_proposals(%s::jsonb)", [json.dumps(rows)])
        return cursor.fetchone()[0]


SAID = {"ref": True, "name": "web-09", "ci_class": "server", "managed_by": "desk"}
BY_ITSELF = {
    "seen": lambda: put(row(SAID)),
    "seen otherwise": lambda: put(row(OTHERWISE)),
    "gone": lambda: proposing.withdraw(["host:web-09"]),
}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("stimulus", BY_ITSELF)
def test_the_doors_move_a_proposal_exactly_as_the_table(role, state, stimulus):
    put(row(SAID))
    role("owner").execute("UPDATE cmdb_proposal SET state = %s", [state])
    BY_ITSELF[stimulus]()
    assert Proposal.objects.get().state == MOVES[state].get(stimulus, state)


HOSTILE = {
    "a lifeline": {**SAID, "lifeline": False},
    "a host to act on": {**SAID, "host": "web-01"},
    "an impact": {**SAID, "impact": 1},
    "a name with a line": {**SAID, "name": "a\nb"},
    "no name": {"ref": True},
    "another's word": {**SAID, "managed_by": "site"},
    "an attribute of a CI that is none": {"attributes.os": "x"},
}


@pytest.mark.parametrize("said", HOSTILE.values(), ids=HOSTILE.keys())
def test_the_door_keeps_nothing_that_the_policy_would_not_say(said):
    assert put(row(said)) == 0
    assert list(Proposal.objects.all()) == []
