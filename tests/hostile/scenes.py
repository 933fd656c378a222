"""What may be so when a model asks: each state of a run, of its token, and of the whole fleet."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from uuid import uuid4

from personas.states import ENDS, RUN_MOVES, RUN_STATES
from tests.hostile.house import House, Run
from tests.hostile.oracle import PULLS_PER_TICKET

Set = Callable[[House, Run], None]
Around = Callable[[House], Iterator[None]]


@dataclass(frozen=True, slots=True)
class Scene:
    """`set` makes it so for one run; `around` for the whole fleet, and takes it back."""

    name: str
    set: Set = lambda house, run: None
    around: Around | None = None
    joined: str = "joined"
    breaks: str = ""
    """The rule that it breaks for some attempt, if any; "" is a scene in which all is well."""
    refresh: bool = True
    """Whether the run's requests may be forgotten, so that its budget is not what denies."""

    @contextmanager
    def holds(self, house: House) -> Iterator[None]:
        """Make it so for the fleet meanwhile."""
        if self.around is None:
            yield
            return
        yield from self.around(house)


def _state(state: str) -> Set:
    """A run in this state whose token nobody has burnt: what a door that forgot it would leave."""

    def to(house: House, run: Run) -> None:
        ended = "clock_timestamp()" if state in ENDS else "NULL"
        for each in _way("running", state):
            house.do(
                "owner",
                f"UPDATE personas_run SET state = %s, ended_at = {ended} WHERE id = %s",
                each, run.step["run_id"],
            )  # fmt: skip
        run.life.state = state

    return to


def _way(old: str, new: str) -> tuple[str, ...]:
    """The shortest way from one state to another: the table lets nobody jump."""
    ways: list[tuple[str, ...]] = [(old,)]
    while ways:
        way = ways.pop(0)
        if way[-1] == new:
            return way[1:]
        ways += [(*way, after) for after in sorted(RUN_MOVES[way[-1]]) if after not in way]
    raise AssertionError(f"no way from {old} to {new}")


def _finished(house: House, run: Run) -> None:
    assert house.finish(run) == "ok"
    run.life.state, run.life.token = "succeeded", "burnt"


def _taken_over(house: House, run: Run) -> None:
    house.do("app", "SELECT gate.take_over(%s, 'ada', 'mine')", run.life.ticket)
    run.life.state, run.life.token = "cancelled", "burnt"


def _over_time(house: House, run: Run) -> None:
    house.do(
        "owner",
        "UPDATE personas_run SET deadline = clock_timestamp() - interval '1 s' WHERE id = %s",
        run.step["run_id"],
    )
    run.life.over_time = True


def _spent(more: int) -> Set:
    def to(house: House, run: Run) -> None:
        used = house.site.declared.cards[run.life.card].limits["max_actions"] + more
        house.do(
            "owner", "UPDATE personas_run SET actions = %s WHERE id = %s", used, run.step["run_id"]
        )
        run.life.actions = used

    return to


def _token(made: Callable[[House, Run], str | None]) -> Set:
    def to(house: House, run: Run) -> None:
        run.step["token"] = made(house, run)
        run.life.token = "wrong"

    return to


def _of_another(house: House, run: Run) -> str:
    return house.others[-1].live_token if house.others else str(uuid4())


def _lost(house: House, run: Run) -> None:
    """The step was lost and taken again by another worker, who has the token now."""
    house.do(
        "owner",
        "UPDATE audit_work SET lease_until = now() - interval '1 s' WHERE id = %s",
        run.step["work_id"],
    )
    house.do("app", "SELECT count(*) FROM gate.reconcile()")
    house.do("owner", "UPDATE audit_work SET not_before = now() WHERE id = %s", run.step["work_id"])
    again = house.step()
    assert again["run_id"] == run.step["run_id"]
    run.life.token = "lost"


def _step(number: int) -> Set:
    def to(house: House, run: Run) -> None:
        run.step["number"] = number
        run.life.step = "wrong"

    return to


def _widened(house: House, run: Run) -> None:
    """It has read a text, and every CI there is became its own afterwards."""
    house.do("agent", "SELECT gate.taint(%s, 'a log', 'outside')", run.step["run_id"])
    house.do(
        "owner",
        "UPDATE personas_agentintent SET scope = %s"
        " WHERE id = (SELECT intent_id FROM personas_run WHERE id = %s)",
        json.dumps(sorted(house.site.cis)), run.step["run_id"],
    )  # fmt: skip
    run.life.planned, run.life.scope = run.life.scope, tuple(house.site.cis)


def _stranger(house: House, run: Run) -> None:
    run.step["run_id"] = uuid4()
    run.life.exists = False


def _stopped(house: House) -> Iterator[None]:
    house.do("app", "SELECT gate.press_stop('ada', 'hostile')")
    house.site.broken.add("stop")
    try:
        yield
    finally:
        house.do("app", "SELECT gate.lift_stop('ada', 'over')")
        house.site.broken.discard("stop")


def _ledger_broken(house: House) -> Iterator[None]:
    """And every playbook is so risky that it must wait."""
    before = dict(house.site.declared.entries)
    for name, entry in before.items():
        house.site.declared.entries[name] = replace(entry, risk="medium")
    house.do("owner", "UPDATE personas_catalogueentry SET risk = 'medium'")
    house.do(
        "verifier",
        "SELECT audit.keep_check(0, 9, NULL, 0, %s, 1)",
        json.dumps(["#3: broken"]),
    )
    house.site.broken.add("ledger")
    try:
        yield
    finally:
        house.do("owner", "DELETE FROM audit_check")
        house.site.declared.entries.update(before)
        house.risks_as_declared()
        house.site.broken.discard("ledger")


def _siblings(house: House) -> Iterator[None]:
    """Somebody else is changing every CI, and began before what counts for this hour."""
    house.do(
        "owner",
        "WITH w AS (INSERT INTO audit_work (kind, queue, state, subject, expires_at)"
        " SELECT 'effect', 'executor.plays', 'waiting', ref, now() + interval '1 h' FROM cmdb_ci"
        " RETURNING id, subject)"
        " INSERT INTO personas_action (id, key, principal, ticket_ref, verb, entry, target,"
        " verdict, risk, work_id, decided_at)"
        " SELECT id, id::text, 'rule:sibling', 'INC-S', 'playbook.run', 'sibling', subject,"
        # So long ago that they are no changes of this hour.
        " 'authorised', 'low', id, now() - interval '2 h' FROM w",
    )
    house.site.broken.add("duplicate")
    try:
        yield
    finally:
        house.do("owner", "DELETE FROM personas_action WHERE principal = 'rule:sibling'")
        house.do(
            "owner",
            "DELETE FROM audit_work WHERE id::text NOT IN (SELECT w.id::text"
            " FROM audit_work w JOIN personas_action a ON a.work_id = w.id)"
            " AND kind = 'effect'",
        )
        house.site.broken.discard("duplicate")


def _changed(house: House) -> Iterator[None]:
    for name in house.site.declared.entries:
        house.do(
            "owner",
            "UPDATE personas_catalogueentry SET tree_hash = repeat('b', 64) WHERE name = %s",
            name,
        )
        house.site.changed.add(name)
    try:
        yield
    finally:
        house.do("owner", "UPDATE personas_catalogueentry SET tree_hash = approved_hash")
        house.site.changed.clear()


def _tokens_spent(house: House, run: Run) -> None:
    house.do(
        "owner",
        "INSERT INTO autonomy_spent (run_id, tokens_in) VALUES (%s, 1000000)", run.step["run_id"],
    )  # fmt: skip
    run.life.broken.add("tokens")


def _breaker_open(house: House) -> Iterator[None]:
    house.do("app", "SELECT gate.open_breaker('ada', 'hostile')")
    house.site.broken.add("breaker")
    try:
        yield
    finally:
        house.do("app", "SELECT gate.close_breaker('ada', 'over')")
        house.site.broken.discard("breaker")


def _none_left(number: str, rule: str) -> Around:
    """The site declares that there may be none at all."""

    def around(house: House) -> Iterator[None]:
        house.do("owner", "INSERT INTO autonomy_policy VALUES (%s, 0)", number)
        house.site.broken.add(rule)
        try:
            yield
        finally:
            house.do("owner", "DELETE FROM autonomy_policy WHERE name = %s", number)
            house.site.broken.discard(rule)

    return around


def _no_pulls(house: House) -> Iterator[None]:
    house.do("owner", "UPDATE autonomy_policy SET value = 0 WHERE name = 'ticket_pulls'")
    house.site.broken.add("pulls")
    try:
        yield
    finally:
        house.do(
            "owner",
            "UPDATE autonomy_policy SET value = %s WHERE name = 'ticket_pulls'",
            PULLS_PER_TICKET,
        )
        house.site.broken.discard("pulls")


def _withdrawn(house: House) -> Iterator[None]:
    house.do("owner", "UPDATE personas_catalogueentry SET enabled = false")
    house.site.withdrawn |= house.site.declared.entries.keys()
    try:
        yield
    finally:
        house.do("owner", "UPDATE personas_catalogueentry SET enabled = true")
        house.site.withdrawn.clear()


def _cards_changed(house: House) -> Iterator[None]:
    """Files of cards that nobody has approved since they changed."""
    house.do("owner", "UPDATE personas_card SET digest = reverse(digest)")
    house.site.broken.add("card")
    try:
        yield
    finally:
        house.do("owner", "UPDATE personas_card SET digest = reverse(digest)")
        house.site.broken.discard("card")


def _ticket(house: House, run: Run, assignee: str) -> None:
    """Let the desk have the run's ticket, which it has not asked for."""
    house.do(
        "owner",
        "INSERT INTO tickets_ticket (ref, ticket_class, title, priority, impact, urgency, assignee)"
        " VALUES (%s, 'incident', 'x', 'P2', 2, 2, %s)"
        " ON CONFLICT (ref) DO UPDATE SET assignee = excluded.assignee",
        run.life.ticket, assignee,
    )  # fmt: skip


def _assigned(house: House, run: Run) -> None:
    _ticket(house, run, "ada")
    run.life.broken.add("person")


def _major(house: House, run: Run) -> None:
    _ticket(house, run, "")
    house.do(
        "owner",
        "INSERT INTO tickets_major (ticket_id, declared_by, criteria, update_minutes)"
        " VALUES (%s, 'ada', '[]', 30)", run.life.ticket,
    )  # fmt: skip
    run.life.broken.add("major")


def _request(*entries: str) -> Set:
    """A run about a request whose model names these entries on the run's own CI."""

    def to(house: House, run: Run) -> None:
        ci = run.life.scope[0]
        steps = [{"n": n, "title": "x", "entry": entry} for n, entry in enumerate(entries, 1)]
        house.do(
            "owner",
            "UPDATE personas_agentintent SET inputs = %s WHERE id ="
            " (SELECT intent_id FROM personas_run WHERE id = %s)",
            json.dumps({"fulfil": {"ci": ci, "steps": steps}}), run.step["run_id"],
        )  # fmt: skip
        run.life.named = (ci, frozenset(entries))

    return to


def _ruled_out(house: House) -> Iterator[None]:
    """A rule of the site's own refuses everything."""
    house.do(
        "owner",
        'INSERT INTO guardrails_rule (id, effect, applies, "when", "unless", say, source, digest)'
        " VALUES ('nothing', 'refuse', '{}', '{}', '{}', 'not now', 'x:1', 'd')",
    )
    house.site.broken.add("guardrail")
    try:
        yield
    finally:
        house.do("owner", "DELETE FROM guardrails_rule WHERE id = 'nothing'")
        house.site.broken.discard("guardrail")


def _relations_overdue(house: House) -> Iterator[None]:
    """What every CI stands on was last heard of too long ago."""
    house.do(
        "owner",
        "INSERT INTO cmdb_relation (dependent, support, kind, source, fresh_until)"
        " SELECT ref, 'host:somewhere', 'on_host', 'old', now() - interval '1 minute' FROM cmdb_ci",
    )
    house.site.broken.add("relations")
    try:
        yield
    finally:
        house.do("owner", "DELETE FROM cmdb_relation WHERE source = 'old'")
        house.site.broken.discard("relations")


SCENES: tuple[Scene, ...] = (
    Scene("live"),
    Scene("live, its budget counted", refresh=False, breaks="budget"),
    *(
        Scene(f"run {state}", _state(state), breaks="run")
        for state in RUN_STATES
        if state != "running"
    ),
    Scene("finished", _finished, breaks="run"),
    Scene("taken over by a person", _taken_over, breaks="run"),
    Scene("over its time", _over_time, breaks="expiry"),
    Scene("out of budget", _spent(0), refresh=False, breaks="budget"),
    Scene("far out of budget", _spent(20), refresh=False, breaks="budget"),
    Scene("token made up", _token(lambda house, run: f"{uuid4()}{uuid4()}"), breaks="token"),
    Scene("token empty", _token(lambda house, run: ""), breaks="token"),
    Scene("token missing", _token(lambda house, run: None), breaks="token"),
    Scene("token in capitals", _token(lambda house, run: run.live_token.upper()), breaks="token"),
    Scene("token and a newline", _token(lambda house, run: run.live_token + "\n"), breaks="token"),
    Scene("token of another run", _token(_of_another), breaks="token"),
    Scene("token of a lost step", _lost, breaks="token"),
    Scene("step of tomorrow", _step(2), breaks="token"),
    Scene("step of yesterday", _step(0), breaks="token"),
    Scene("run made up", _stranger, breaks="run"),
    Scene("has read a text, then got more", _widened, breaks="taint"),
    Scene("not joined", joined="none", breaks="join"),
    Scene("joined twice", joined="ambiguous", breaks="join"),
    Scene("stopped", around=_stopped, breaks="stop"),
    Scene("ledger broken", around=_ledger_broken, breaks="ledger"),
    Scene("siblings at work", around=_siblings, breaks="duplicate"),
    Scene("tokens spent", _tokens_spent, breaks="tokens"),
    Scene("breaker open", around=_breaker_open, breaks="breaker"),
    Scene(
        "ticket has had its changes",
        around=_none_left("ticket_changes", "ticket_ceiling"),
        breaks="ticket_ceiling",
    ),
    Scene(
        "fleet has made its changes",
        around=_none_left("fleet_changes_per_hour", "fleet_ceiling"),
        breaks="fleet_ceiling",
    ),
    Scene(
        "no share of the hour", around=_none_left("hour_share", "hour_share"), breaks="hour_share"
    ),
    Scene("playbooks changed", around=_changed, breaks="pin"),
    Scene("playbooks withdrawn", around=_withdrawn, breaks="catalogue"),
    Scene("cards changed", around=_cards_changed, breaks="card"),
    Scene("a person has the ticket", _assigned, breaks="person"),
    Scene("a major incident", _major, breaks="major"),
    Scene("a request that names nothing", _request(), breaks="named"),
    Scene("a request that names a restart", _request("restart_service"), breaks="named"),
    Scene(
        "people were asked enough",
        around=_none_left("ticket_questions", "questions"),
        breaks="questions",
    ),
    Scene("relations overdue", around=_relations_overdue, breaks="relations"),
    Scene("no pull request is left", around=_no_pulls, breaks="pulls"),
    Scene("ruled out", around=_ruled_out, breaks="guardrail"),
)
