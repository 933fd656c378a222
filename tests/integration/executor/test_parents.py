"""Which run a run comes of, through true tickets: the dispatcher bears, the executor moves."""

from uuid import UUID, uuid4

import pytest

from adapters.tickets.port import TicketDraft, Vouched
from ethops.desk import dispatch
from ethops.executor import tickets
from ethops.world import agentops
from personas.incarnation import Incarnation
from tests.doubles.agent import finish, propose
from tests.doubles.cards import approve_all

OPERATOR = Vouched(frozenset({"operator"}))
ASSIGN = {"team": "responders", "impact": "2", "urgency": "2"}


class House:
    """The bench, with true births and true moves; what an agent asks for is given to it."""

    def __init__(self, bench):
        self.bench = bench
        approve_all(bench.connect("owner"))

    def incident(self, under=None):
        """An incident, held back by another while that is open."""
        draft = TicketDraft("incident", "It is broken", "", 2, 2, "test", "rule", ("lost-01",))
        with self.bench.as_role("app"):
            ref = tickets.open_incident(key=uuid4(), draft=draft, facts={}).ref
            if under:
                tickets.adopt_by_rule(key=uuid4(), ref=ref, parent=under, rule="test")
        return ref

    def born(self, ref):
        """Let the dispatcher look; returns the newest run of the ticket, None where none lives."""
        with self.bench.as_role("app"):
            dispatch.consider({"ticket": ref})
        found = self.bench.ask(
            "app",
            "SELECT r.id, r.card_id, (i.inputs ->> 'parent_run')::uuid AS parent"
            " FROM personas_run r JOIN personas_agentintent i ON i.id = r.intent_id"
            " WHERE r.ticket_ref = %s AND r.ended_at IS NULL",
            ref,
        )
        return found and (found["id"], found["card_id"], found["parent"])

    def does(self, ref, verb, **args):
        """Let the live run of a ticket do one thing to it, and be done."""
        signer = Incarnation.mint()
        step = self.bench.ask(
            "agent", "SELECT * FROM gate.claim_step('test', 60, %s, %s)",
            signer.id, signer.public_key,
        )  # fmt: skip
        assert step["ticket_ref"] == ref
        link = self.bench.links["agent"]
        asked = propose(link, {**step, "signer": signer}, "k", verb, "", ref, args)
        assert asked["verdict"] == "authorised", asked["reason"]
        self.bench.record()
        assert self.bench.worker().drain("executor.light") == 1
        finish(link, {**step, "signer": signer}, "done")
        assert self.bench.action(UUID(str(asked["action_id"])))["outcome"] == "done"

    def by_hand(self, ref, stimulus, fields):
        with self.bench.as_role("app"):
            tickets.move_by_person(
                key=uuid4(), ref=ref, person="ada", stimulus=stimulus, fields=fields,
                vouched=OPERATOR,
            )  # fmt: skip

    def spawned(self):
        with self.bench.as_role("app"):
            links = agentops.world_model().execution_topology
        return {(one.parent, one.child) for one in links if one.relation == "spawned_by"}


@pytest.fixture
def house(bench):
    return House(bench)


def triaged(house, ref):
    """Let triage give a ticket to the responder; returns both runs."""
    triage = house.born(ref)
    house.does(ref, "ticket.assign", **ASSIGN)
    return triage, house.born(ref)


def test_a_responder_comes_of_the_triage_that_called_for_it(house):
    ref = house.incident()
    (triage, _, parent), (responder, card, comes_of) = triaged(house, ref)
    assert (parent, card, comes_of) == (None, "incident_responder", triage)
    assert house.spawned() == {(triage, responder)}


def test_what_a_person_gives_to_the_responders_comes_of_nobody(house):
    ref = house.incident()
    house.born(ref)
    house.by_hand(ref, "ev_assign", {"team": "responders", "assignee": "ada"})
    house.by_hand(ref, "ev_assign", {"team": "responders", "assignee": ""})
    assert house.born(ref)[1:] == ("incident_responder", None)
    assert house.spawned() == set()


def test_an_incident_that_was_held_comes_of_the_run_that_settled_the_greater_one(house):
    over = house.incident()
    under = house.incident(under=over)
    _, (responder, *_) = triaged(house, over)
    assert house.born(under) is None
    house.does(over, "ticket.resolve", solution="It is well.")
    assert house.born(under)[2] == responder


def test_one_that_a_person_settled_lets_the_next_begin_anew(house):
    over = house.incident()
    under = house.incident(under=over)
    triaged(house, over)
    house.by_hand(over, "ev_resolve", {"solution": "It is well."})
    assert house.born(under)[2] is None


def test_a_chain_of_tickets_that_agents_set_going_ends_with_a_person(house):
    chain = [house.incident()]
    for _ in range(3):
        chain.append(house.incident(under=chain[-1]))
    runs = []
    for ref in chain[:-1]:
        runs += triaged(house, ref)
        house.does(ref, "ticket.resolve", solution="It is well.")
    assert [parent for _, _, parent in runs] == [None, *(run for run, _, _ in runs[:-1])]
    assert house.bench.ask("owner", "SELECT gate.depth_of(%s) AS n", runs[-1][0])["n"] == 5
    assert house.born(chain[-1]) is None
    assert house.bench.ticket(chain[-1]).state == "escalated"
    assert "as often as they may" in house.bench.lines(chain[-1])[-1]


def test_a_card_may_allow_less(house):
    house.bench.ask(
        "owner",
        "UPDATE personas_card SET limits = limits || '{\"max_depth\": 0}'"
        " WHERE name = 'incident_responder' RETURNING 1",
    )
    ref = house.incident()
    house.born(ref)
    house.does(ref, "ticket.assign", **ASSIGN)
    assert house.born(ref) is None
    assert house.bench.ticket(ref).state == "escalated"
