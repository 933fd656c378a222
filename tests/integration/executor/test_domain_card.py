"""A ticket about a cluster, whole: its card is found by the class of the CI, looks with a command
that the true executor runs, and what it saw stands in the ticket.
"""

import json
import sys
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from adapters import site_rows
from adapters.registry import reader
from adapters.site import Site
from ethops.desk import commanded, intake, requests, work
from personas.runtime import loop
from tests.doubles import approver, kubectl
from tests.integration.api.scene import alert, body
from tests.integration.executor.conftest import _site
from tests.waiting import eventually

pytestmark = [pytest.mark.processes, pytest.mark.timeout(170)]

CARD, CI = "cluster_agent", "ray-dev"
LOOKS = [
    ["kubectl", "get", "nodes", "--output=wide"],
    ["kubectl", "get", "pods", "--all-namespaces", "--output=wide"],
    ["kubectl", "get", "events", "--all-namespaces"],
    ["helm", "list", "--all-namespaces"],
]
SCALE = ["kubectl", "scale", "raycluster/dev", "--replicas=3"]


class House:
    """The bench with a cluster, tools of our own, and everybody at work in turn."""

    def __init__(self, bench):
        self.bench = bench
        self.seen = bench.folder / "seen"
        given = {"SEEN": str(self.seen)}
        tools = [
            {"name": name, "path": str(self.tool(name)), "environment": given}
            for name in ("kubectl", "helm")
        ]
        (bench.folder / "site.yaml").write_text(json.dumps({"tools": tools}))

    def tool(self, name):
        """A program of the host, as a site would install it."""
        path = self.bench.folder / name
        path.write_text(f"#!{sys.executable}\n{Path(kubectl.__file__).read_text()}")
        path.chmod(0o755)
        return path

    def promote(self, scope, level):
        self.bench.ask(
            "app",
            "SELECT gate.set_autonomy(%s, %s, 'ray_cluster', %s, 'ada', 'a test', true)",
            CARD, scope, level,
        )  # fmt: skip

    def goes_on(self):
        """Let everybody do what there is, until nobody has anything to do."""
        while self._round():
            pass

    def _round(self):
        with self.bench.as_role("app"):
            done = work.drain()
        with self.bench.as_role("agent"):
            done += loop.drain()
        self.bench.record()
        executor = self.bench.worker()
        for queue in ("executor.plays", "executor.light"):
            done += executor.drain(queue)
        return done

    def alerted(self):
        with self.bench.as_role("app"):
            intake.accept(sender="monitor", raw=body(alert("RaySlow", CI)))
        self.goes_on()
        return self.bench.ask("app", "SELECT ref FROM tickets_ticket")["ref"]

    def commands(self):
        """What was really run, word for word."""
        return [json.loads(line) for line in self.seen.read_text().splitlines()]

    def cards(self, ref):
        return self.bench.ask(
            "app",
            "SELECT array_agg(card_id ORDER BY created_at) AS cards FROM personas_run"
            " WHERE ticket_ref = %s",
            ref,
        )["cards"]


@pytest.fixture
def made(bench):
    site = _site(bench.folder)
    site["cis"].append({"ref": CI, "name": "Ray", "class": "ray_cluster"})
    with bench.as_role("owner"):
        site_rows.apply(Site.model_validate_json(json.dumps(site)))
    return House(bench)


def test_a_ticket_of_a_domain_ci_goes_to_its_card_which_looks_and_reports(made):
    made.promote("read_cluster", "act")
    made.promote("read_releases", "act")
    ref = made.alerted()
    assert made.cards(ref) == ["triage", CARD]
    assert made.commands() == LOOKS
    said = "\n".join(made.bench.lines(ref))
    assert "kubectl get nodes --output=wide:\n" in said
    assert "ray-gpu-1  NotReady   worker" in said
    ticket = reader("tickets").get(ref)
    assert (ticket.state, ticket.team) == ("escalated", "people")


def test_who_was_not_promoted_says_what_it_would_have_run(made):
    ref = made.alerted()
    said = "\n".join(made.bench.lines(ref))
    assert "kubectl get nodes --output=wide: not done." in said
    assert "may only observe" in said
    assert not made.seen.exists()
    assert reader("tickets").get(ref).state == "escalated"


def test_a_change_by_command_that_was_asked_for_is_done_once_a_person_has_approved_it(made, role):
    for scope, level in (("read_cluster", "act"), ("read_releases", "act"),
                         ("scale_cluster", "propose")):  # fmt: skip
        made.promote(scope, level)
    asked = requests.Asked(
        person="ada", key=uuid4().hex, agent_role=CARD, job_id="", prompt="Three workers, please.",
        priority=3, max_duration=600, tenant_id="default",
        command=commanded.read("scale_cluster", SCALE, CI),
    )  # fmt: skip
    with made.bench.as_role("app"):
        requests.submit(asked)
    made.goes_on()
    waits = made.bench.ask("app", "SELECT action_id, ticket_ref, facts FROM approvals_approval")
    assert waits["facts"]["arguments"] == {"argv": json.dumps(SCALE)}
    assert SCALE not in made.commands()
    assert approver.approve(role("owner"), role("app"), UUID(str(waits["action_id"])))[0] == "ok"
    eventually(lambda: made.goes_on() or SCALE in made.commands())
    made.goes_on()
    said = "\n".join(made.bench.lines(waits["ticket_ref"]))
    assert "kubectl scale raycluster/dev --replicas=3:\nraycluster/dev scaled" in said


def test_a_change_among_overdue_relations_is_handed_to_a_person_with_the_reason(made):
    for scope in ("read_cluster", "read_releases", "scale_cluster"):
        made.promote(scope, "act")
    made.bench.ask(
        "owner",
        "INSERT INTO cmdb_relation (dependent, support, kind, source, fresh_until)"
        " VALUES ('train-7', %s, 'runs_on', 'itop', now() - interval '2 hours') RETURNING id",
        CI,
    )
    asked = requests.Asked(
        person="ada", key=uuid4().hex, agent_role=CARD, job_id="", prompt="Three workers, please.",
        priority=3, max_duration=600, tenant_id="default",
        command=commanded.read("scale_cluster", SCALE, CI),
    )  # fmt: skip
    with made.bench.as_role("app"):
        requests.submit(asked)
    made.goes_on()
    denied = made.bench.ask(
        "app", "SELECT ticket_ref, verdict, guard FROM personas_action WHERE verb = 'command.run'"
        " AND verdict <> 'authorised'",
    )  # fmt: skip
    assert (denied["verdict"], denied["guard"]) == ("denied", "relations")
    assert SCALE not in made.commands()
    ticket = reader("tickets").get(denied["ticket_ref"])
    assert (ticket.state, ticket.team) == ("escalated", "people")
    said = "\n".join(made.bench.lines(ticket.ref))
    assert f"that train-7 stands on {CI}, as itop says, is overdue since" in said
