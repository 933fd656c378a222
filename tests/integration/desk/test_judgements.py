"""What is known of changes that are over is gathered from the rows, and judged once."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from adapters.monitoring.models import Probe, Sample
from ethops.desk import judgements
from ethops.desk.models import Delivery, Event
from personas.autonomy.models import Judgement
from tests.integration.personas.conftest import world as _world

world = _world

BEGAN, SETTLED, LATER = (timedelta(seconds=seconds) for seconds in (-300, -290, -250))
"""Seen from now; an entry that says nothing else gives its CI 60 s."""


@pytest.fixture
def probe(world):
    """`probe(when, ok)`: what the one probe of web-01 saw then."""
    owner = world.as_role("owner")
    owner.execute(
        "INSERT INTO monitoring_probe (name, ci_ref, kind, interval_s, bad_after, good_after,"
        " alertname, severity) VALUES ('web', 'web-01', 'http', 5, 2, 2, 'WebHangs', 'critical')"
    )

    def look(when, *, ok):
        Sample.objects.create(
            probe=Probe.objects.get(), at=datetime.now(UTC) + when, ok=ok, symptom="ok"
        )

    return look


def change(world, outcome="done", settled=SETTLED, result="{}", ticket="INC-1"):
    """A change of web-01 that was over then; returns its action."""
    found = world.authorised(ticket=ticket)["action_id"]
    world.record()
    world.settle(world.claim(), outcome)
    owner = world.as_role("owner")
    owner.execute("UPDATE audit_work SET claimed_at = now() + %s WHERE id = %s", [BEGAN, found])
    owner.execute(
        "UPDATE personas_action SET settled_at = now() + %s, result = %s WHERE id = %s",
        [settled, result, found],
    )
    return found


def trouble(when, ticket, ci="web-01", cause="ci:web-01:WebHangs"):
    """A trouble that was told then, for the first time of its ticket."""
    Event.objects.create(
        delivery=Delivery.objects.create(
            sender="test", digest=uuid4().hex, raw=b"", content_type="", state="read"
        ),
        fingerprint=uuid4().hex, starts_at="", status="firing", labels={}, annotations={},
        joined="joined", ci_ref=ci, cause_key=cause, decision="opened", ticket_ref=ticket,
        at=datetime.now(UTC) + when,
    )  # fmt: skip


def verdicts():
    return list(Judgement.objects.values_list("verdict", "judged_by"))


@pytest.fixture
def mended(world, probe):
    """A change that was right, and judged so."""
    trouble(timedelta(seconds=-400), "INC-1")
    probe(BEGAN - timedelta(seconds=5), ok=False)
    probe(LATER, ok=True)
    action = change(world)
    assert judgements.judge_due() == 1
    return action


def test_what_was_ill_before_and_well_after_was_mended(mended):
    assert verdicts() == [("right", "facts")]


def test_a_verdict_that_stands_is_not_given_again(mended):
    assert judgements.judge_due() == 0


def test_only_the_last_look_within_its_time_counts(world, probe):
    probe(BEGAN - timedelta(seconds=5), ok=False)
    probe(LATER, ok=False)
    change(world)
    # After its patience and the grace, which are reckoned from when the change was made here.
    probe(SETTLED + timedelta(seconds=70), ok=True)
    judgements.judge_due()
    assert verdicts() == [("wrong", "facts")]


def test_what_nobody_looked_at_is_unknown(world):
    change(world)
    judgements.judge_due()
    assert verdicts() == [("unknown", "facts")]


def test_nothing_is_judged_before_its_time(world):
    change(world, settled=timedelta(seconds=-30))
    assert (judgements.judge_due(), verdicts()) == (0, [])


def test_a_failure_is_judged_at_once_by_its_code(world):
    change(world, "failed", timedelta(seconds=-1), '{"code": "executor.play_failed"}')
    judgements.judge_due()
    assert verdicts() == [("wrong", "facts")]


def test_breaking_what_was_well_takes_the_right_back(world, probe):
    probe(BEGAN - timedelta(seconds=5), ok=True)
    probe(LATER, ok=False)
    change(world)
    judgements.judge_due()
    assert Judgement.objects.get().proven_false
    level = world.value("app", "SELECT level FROM personas_autonomy WHERE ci_class = 'service'"
                        " AND entry = 'restart'")  # fmt: skip
    assert level == "observe"


def test_a_trouble_that_comes_back_was_not_mended_after_all(mended):
    trouble(timedelta(seconds=-100), "INC-2")
    assert judgements.judge_due() == 1
    assert verdicts() == [("wrong", "facts")]


@pytest.mark.parametrize(
    "other",
    [{"ci": "db-01"}, {"cause": "ci:web-01:Other"}, {"when": timedelta(seconds=-299)}],
    ids=["of another CI", "another trouble", "before it was over"],
)
def test_another_trouble_says_nothing_about_a_change(mended, other):
    trouble(**{"when": timedelta(seconds=-100), "ticket": "INC-2", **other})
    assert (judgements.judge_due(), verdicts()) == (0, [("right", "facts")])


def test_what_a_person_has_said_stands(world, mended):
    world.value("app", "SELECT gate.person_judges(%s, 'ada', 'right', 'I saw it')", mended)
    trouble(timedelta(seconds=-100), "INC-2")
    assert (judgements.judge_due(), verdicts()) == (0, [("right", "person:ada")])


def test_looking_costs_the_same_however_many_were_right(world, mended):
    def queries():
        with CaptureQueriesContext(connection) as caught:
            judgements.judge_due()
        return len(caught)

    one = queries()
    for number in range(3):
        change(world, ticket=f"INC-1{number}")
    assert judgements.judge_due() == 3
    assert queries() == one
