"""The ground of a storm: asked of the graph, as much as is needed, and no more often."""

from typing import NoReturn

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adapters import registry
from adapters.graph import embedded
from adapters.graph.errors import GraphAwayError
from ethops.desk import ground, storms
from ethops.desk.ground import Ground
from ethops.desk.models import Event, Storm
from tests.integration.desk import alerts
from tests.integration.desk.alerts import ticket
from tests.unit.desk import cluster

FAR = 400
"""CIs that have nothing to do with it."""


@pytest.fixture(autouse=True)
def _room(clean_db, role):
    """A machine room in a site of many other things."""
    cis = [(ci.ref, ci.ci_class, dict(ci.attributes)) for ci in cluster.cis()]
    others = [(f"far-{n}", "web_service", {"runs_on": f"far-node-{n % 20}"}) for n in range(FAR)]
    alerts.site(role("owner"), *cis, *others)


def labelled(*refs: str) -> list[tuple[dict[str, str], str]]:
    return [({}, ref) for ref in refs]


def test_it_says_what_the_whole_site_would_say_about_these():
    whole = cluster.room()
    known = Ground().around(labelled("app-1-1", "node-2"))
    for place in ("app-1-1", "node-2", "ceph", "switch-1"):
        assert known.above(place) == whole.above(place)
    assert known.under["switch-1"] == whole.under["switch-1"]
    assert not any(place.startswith("far") for place in known.on)


def test_relations_that_no_ci_of_the_site_says_count_too(role):
    """A mirror has its relations from elsewhere."""
    role("owner").execute(
        "INSERT INTO cmdb_relation (dependent, support, kind, source, confidence)"
        " VALUES ('far-1', 'switch-1', 'runs_on', 'itop', 100)"
    )
    assert "switch-1" in Ground().around(labelled("far-1")).above("far-1")


def test_what_is_asked_once_is_not_asked_again():
    ask = Ground(labelled("app-2-1", "app-3-1"))
    ask.around(labelled("app-1-1"))
    with CaptureQueriesContext(connection) as again:
        ask.around(labelled("app-1-1", "app-2-1", "app-3-1"))
    assert len(again) == 0


def test_a_host_is_a_place_by_the_names_that_labels_may_give_it():
    known = Ground().around([({"instance": "node-1:9100"}, ""), ({"host": "nobody"}, "")])
    assert known.place_of({"instance": "node-1:9100"}, "") == "node-1"
    assert known.place_of({"host": "nobody"}, "") == "host:nobody"
    assert "pdu-1" in known.above("node-1")


def test_a_picture_has_the_cis_that_may_be_roots_and_no_others():
    known = Ground().pictured(labelled("app-1-1"))
    assert set(known.cis) == {"app-1-1", "node-1", "node-2", "node-3", "ceph", "pdu-1", "switch-1",
                              "ups-1"}  # fmt: skip


class Away:
    """A graph that does not answer."""

    def foundation(self, _refs: object) -> NoReturn:
        raise GraphAwayError("away")

    blast_radius = foundation


@pytest.fixture
def _away(monkeypatch) -> None:
    graph = registry.reader
    monkeypatch.setattr(registry, "reader", lambda name: Away() if name == "graph" else graph(name))


@pytest.mark.usefixtures("_away")
def test_no_alert_waits_for_a_graph_that_is_away():
    for n in range(8):
        alerts.fire("TargetDown", instance=f"node-{n}", service=f"node-{n}")
    # They say the same at the same time, which needs no graph.
    assert "is not known for certain" in ticket(Storm.objects.get().ticket_ref).description
    assert ground.carried_by(["node-1"]) == {"node-1"}


def test_what_is_overdue_is_said_in_the_storm(role):
    role("owner").execute("UPDATE cmdb_relation SET fresh_until = now() - interval '1 hour'")
    for n in range(1, 8):
        alerts.fire("PageNotWell", ci=f"app-{n}-1")
    alerts.fire("PageNotWell", ci="app-1-2")
    assert "is not known for certain" in ticket(Storm.objects.get().ticket_ref).description


def test_a_storm_never_reads_the_whole_cmdb():
    made = [alerts.alert("PageNotWell", ci=f"app-{n}-{k}") for n in range(1, 8) for k in (1, 2, 3)]
    with CaptureQueriesContext(connection) as asked:
        for one in made:
            alerts.take_in(one)
        storms.watch()
    assert Event.objects.exclude(ticket_ref="").count() == len(made)
    whole = [one["sql"] for one in asked if "reading.ci " in one["sql"] and "far-1" in one["sql"]]
    assert not whole
    cis = [one["sql"] for one in asked if "FROM reading.ci" in one["sql"]]
    assert all("ref =" in sql or "ref = ANY" in sql for sql in cis)


def test_what_stands_on_a_ci_is_carried_by_it():
    assert ground.carried_by(["ceph"]) == {"ceph"} | {
        f"app-{n}-{k}" for n in range(1, 8) for k in range(1, 7)
    }
    assert isinstance(registry.reader("graph"), embedded.Reader)
