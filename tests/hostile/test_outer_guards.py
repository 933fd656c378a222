"""Guards that are no rows of `gate.guard`: each is taken out of the function it stands in, and what
it keeps out then gets through.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from unittest import mock

import psycopg
import pytest
from django.db import connections

from audit.work.leases import Keeper
from ethops.executor import arguments, plays, recorded, registry, rejudged, signatures
from ethops.executor.errors import ArgumentRefusedError
from ethops.executor.runner import Folder
from ethops.executor.unsettled import Settlements
from ethops.executor.worker import Worker
from tests.conftest import point_django
from tests.hostile import killers
from tests.hostile.chain import Role
from tests.hostile.hands import Hands, Watched
from tests.hostile.house import house, void
from tests.hostile.mutants import always, without
from tests.hostile.oracle import Asked
from tests.hostile.scenes import SCENES

CI = "service-01"
OTHER_CI = "web-service-01"
CARD = "incident_responder"
PLAY = Asked("playbook.run", "restart_service", CI, "{}")
LEASE_SECONDS = 60


@pytest.fixture(scope="module")
def made(django_db_setup, servers, database_name, django_db_blocker):
    with django_db_blocker.unblock(), house(servers, f"{database_name}_outer", 9) as found:
        yield found


@pytest.fixture(autouse=True)
def _empty_hands(made):
    """What an earlier test left to be done is void."""
    yield
    void(made)


def asked(made, what=PLAY):
    """A play that was permitted and is recorded."""
    made.an_hour_passes()
    run = made.run(CARD, CI)
    answer = made.ask(run, what)
    assert answer["verdict"] == "authorised", answer
    made.record()
    return run, answer["action_id"]


def claim(made, queue="executor.plays"):
    return made.one("executor", "SELECT * FROM gate.claim_effect(%s, 'x', 30)", queue)


# ---------------------------------------------------------------- in the gate's own doors


def test_the_signature_of_who_asks(made):
    with always(made, "take_statement", "SELECT jsonb_build_object('instance', NULL)"):
        assert killers.found(made, "signature")


def test_the_step_that_is_being_taken(made):
    with without(made, "propose", "IF p_step IS DISTINCT FROM v_run.steps + 1", "IF false"):
        other_steps = [scene for scene in SCENES if scene.name.startswith("step of")]
        assert killers.found(made, "token", scenes=other_steps)


def test_the_autonomy_level(made):
    level = "SELECT gate.set_autonomy(%s, 'restart_service', 'service', %s, 'ada', 'x', true)"
    made.do("app", level, CARD, "observe")
    try:
        assert made.ask(made.run(CARD, CI), PLAY)["verdict"] != "authorised"
        with always(made, "level_of", "SELECT 'act'"):
            assert made.ask(made.run(CARD, CI), PLAY)["verdict"] == "authorised"
    finally:
        made.do("app", level, CARD, "act")


def test_a_person_is_asked_once_about_the_same(made):
    """Were the question gone, an index would still not let two wait."""
    risk = "UPDATE personas_catalogueentry SET risk = %s WHERE name = 'restart_service'"
    made.do("owner", risk, "high")
    try:
        run = made.run(CARD, CI)
        assert made.ask(run, PLAY)["verdict"] == "proposed"
        assert made.ask(run, PLAY)["guard"] == "approval"
        with without(made, "weighed", "v.level IN ('propose', 'veto') AND", "false AND"):
            assert isinstance(made.ask(run, PLAY), psycopg.errors.UniqueViolation)
    finally:
        made.do("owner", risk, "low")


# ---------------------------------------------------------------- between permit and act

WITHDRAWN = {
    "the CI became a lifeline": (
        "UPDATE cmdb_ci SET lifeline = true WHERE ref = 'service-01'",
        "UPDATE cmdb_ci SET lifeline = false WHERE ref = 'service-01'",
    ),
    "the CI was retired": (
        "UPDATE cmdb_ci SET retired = true WHERE ref = 'service-01'",
        "UPDATE cmdb_ci SET retired = false WHERE ref = 'service-01'",
    ),
    "the entry was withdrawn": (
        "UPDATE personas_catalogueentry SET enabled = false",
        "UPDATE personas_catalogueentry SET enabled = true",
    ),
    "other files were approved": (
        "UPDATE personas_catalogueentry SET approved_hash = repeat('c', 64)",
        "UPDATE personas_catalogueentry SET approved_hash = tree_hash",
    ),
    "the card was withdrawn": (
        "UPDATE personas_card SET enabled = false",
        "UPDATE personas_card SET enabled = true",
    ),
    "the card was demoted": (
        "UPDATE personas_autonomy SET level = 'observe'",
        "UPDATE personas_autonomy SET level = 'act'",
    ),
    "the run ended": ("UPDATE personas_run SET state = 'cancelled'", "SELECT 1"),
}


@pytest.mark.parametrize(("change", "back"), WITHDRAWN.values(), ids=WITHDRAWN.keys())
def test_a_permit_that_would_no_longer_be_given(made, change, back):
    asked(made)
    made.do("owner", change)
    try:
        assert claim(made) is None
        with always(made, "still_permitted", "SELECT true"):
            assert claim(made)
    finally:
        made.do("owner", back)


def test_the_stop_at_the_claim(made):
    asked(made)
    made.do("app", "SELECT gate.press_stop('ada', 'x')")
    try:
        assert claim(made) is None
        with without(made, "claim_effect", "OR gate.stopped()", ""):
            assert claim(made)
    finally:
        made.do("app", "SELECT gate.lift_stop('ada', 'x')")


def test_the_time_of_a_permit(made):
    _, action = asked(made)
    made.do(
        "owner", "UPDATE audit_work SET expires_at = now() - interval '1 s' WHERE id = %s", action
    )
    assert claim(made) is None
    with without(made, "claim_effect", "AND c.expires_at > clock_timestamp()", ""):
        assert claim(made)


def test_the_verdict_of_an_action(made):
    _, action = asked(made)
    made.do("owner", "UPDATE personas_action SET outcome = 'done' WHERE id = %s", action)
    assert claim(made) is None
    with without(made, "may_be_claimed", "AND a.verdict = 'authorised' AND a.outcome = ''", ""):
        assert claim(made)


def test_what_is_not_in_the_ledger(made):
    made.an_hour_passes()
    answer = made.ask(made.run(CARD, CI), PLAY)
    made.do("owner", "UPDATE audit_work SET state = 'ready' WHERE id = %s", answer["action_id"])
    assert claim(made) is None
    stamped = "AND c.entry_seq IS NOT NULL AND c.entry_lsn <= pg_current_wal_flush_lsn()"
    with without(made, "claim_effect", stamped, ""):
        assert claim(made)
    made.record()


def test_what_is_held_back(made):
    asked(made)
    made.do("owner", "UPDATE personas_catalogueentry SET risk = 'high'")
    made.do("verifier", "SELECT audit.keep_check(0, 9, NULL, 0, %s, 1)", json.dumps(["#3: broken"]))
    try:
        # Nothing so risky is permitted without a person either: that is another guard.
        with always(made, "still_permitted", "SELECT true"):
            assert claim(made) is None
            with always(made, "held_back", "SELECT NULL::text"):
                assert claim(made)
    finally:
        made.do("owner", "DELETE FROM audit_check")
        made.risks_as_declared()


# ---------------------------------------------------------------- at the executor


@contextmanager
def acting(made, **replaced: mock.Mock) -> Iterator[Hands]:
    """An executor with doubles for hands; `replaced` are checks of it that stand no longer."""
    hands = Hands()
    effects = {verb: Watched(hands, hands) for verb in registry.EFFECTS}
    before = dict(connections["default"].settings_dict)
    point_django(made.servers, made.database, "ethops_executor")
    executor = Role(made, "executor")
    worker = Worker(Keeper(LEASE_SECONDS), Settlements(), LEASE_SECONDS)
    checks = {"signatures": signatures, "recorded": recorded, "rejudged": rejudged}
    try:
        with ExitStack() as stack:
            stack.enter_context(mock.patch.dict(registry.EFFECTS, effects))
            for name, each in replaced.items():
                stack.enter_context(mock.patch.object(checks[name], "check", each))
            executor.do(lambda: worker.drain("executor.plays"))
        yield hands
    finally:
        executor.close()
        connections.close_all()
        connections["default"].settings_dict.update(before)


def test_a_signature_that_only_looks_like_one(made):
    def forged():
        _, action = asked(made)
        made.do("owner", "UPDATE personas_action SET signature = repeat('ab', 64) WHERE id = %s",
                action)  # fmt: skip

    forged()
    with acting(made) as hands:
        assert hands.done == []
    forged()
    with acting(made, signatures=mock.Mock()) as hands:
        assert [done.target for done in hands.done] == [CI]


def test_a_row_that_was_changed_after_it_was_recorded(made):
    def changed():
        _, action = asked(made)
        made.do("owner", "UPDATE personas_action SET args = '{\"pidfile\": \"/run/x/y.pid\"}'"
                " WHERE id = %s", action)  # fmt: skip

    changed()
    with acting(made) as hands:
        assert hands.done == []
    changed()
    with acting(made, recorded=mock.Mock()) as hands:
        assert hands.done[0].args == {"pidfile": "/run/x/y.pid"}


def test_a_row_whose_target_was_changed_is_not_what_was_signed(made):
    def changed():
        _, action = asked(made)
        made.do("owner", "UPDATE personas_action SET target = %s WHERE id = %s", OTHER_CI, action)

    changed()
    with acting(made) as hands:
        assert hands.done == []
    changed()
    left = mock.Mock()
    with acting(made, recorded=left, signatures=left, rejudged=left) as hands:
        assert hands.done[0].target == OTHER_CI


def test_what_was_withdrawn_after_it_was_permitted(made):
    """The executor asks the gate once more, right before it acts."""

    def withdrawn():
        asked(made)
        made.do("owner", "UPDATE personas_card SET digest = reverse(digest)")

    withdrawn()
    with acting(made) as hands:
        assert hands.done == []
    made.do("owner", "UPDATE personas_card SET digest = reverse(digest)")
    withdrawn()
    with acting(made, rejudged=mock.Mock()) as hands:
        assert len(hands.done) == 1
    made.do("owner", "UPDATE personas_card SET digest = reverse(digest)")


def test_arguments_that_the_gate_let_by(made, tmp_path):
    """The executor holds them against the patterns again, before a play is written."""
    hostile = "/run/web.pid; reboot"
    with always(made, "bad_args", "SELECT NULL::text"):
        made.do("owner", "UPDATE cmdb_ci SET attributes = attributes || %s WHERE ref = %s",
                json.dumps({"pidfile": hostile}), CI)  # fmt: skip
        asked(made)
    row = claim(made)
    made.do("owner", "UPDATE cmdb_ci SET attributes = attributes || %s WHERE ref = %s",
            json.dumps({"pidfile": "/run/web/web.pid"}), CI)  # fmt: skip
    folder = Folder(tmp_path / str(row["action_id"]))
    folder.path.mkdir()
    held = mock.Mock(**{name: row[name] for name in ("parameters", "args", "tree_hash")},
                     document=row["document"])  # fmt: skip
    host = mock.Mock(python="", connection="local", address="", user="", port=22, retired=False)
    host.name = "h"
    with pytest.raises(ArgumentRefusedError):
        plays._prepare(held, host, folder)
    with mock.patch.object(arguments, "check", lambda parameters, given: dict(given)):
        plays._prepare(held, host, folder)
    assert hostile in (folder.path / "env" / "extravars").read_text()
