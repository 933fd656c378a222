"""A look at pull requests reads what there is to see, however many there ever were."""

from typing import Any

import pytest

from tests.integration.executor.conftest import Bench

EVER = 3000
ENOUGH = 60
"""So many rows are few: a read of all that ever was takes thousands."""

MAKE = """
WITH work AS (
    INSERT INTO audit_work (id, kind, queue, state, subject, priority)
    SELECT gen_random_uuid(), 'effect', 'executor.light', 'done', 'T', 2
      FROM generate_series(1, %(many)s) RETURNING id)
INSERT INTO personas_action (id, key, principal, ticket_ref, verb, target, args, level, verdict,
    work_id, deadline, outcome, result, settled_at)
SELECT id, id::text, 'rule:test', %(ref)s, 'pull.open', '', '{"title": "A change"}', 'act',
       'authorised', id, now(), 'done',
       jsonb_build_object('url', %(url)s::text, 'pull', 7, 'head', repeat('a', 40)),
       now() - %(age)s::interval
  FROM work
"""

OPEN_HERE = """
INSERT INTO forge_pullrequest (key, title, author, ticket_ref, branch, base, head, changes)
SELECT gen_random_uuid(), 'A change', 'x', 'CHG-00001', 'agent/' || n, 'main', repeat('b', 40), '[]'
  FROM generate_series(1, %(many)s) n
"""


class Years:
    """The owner's own transaction: it sees what it has read itself."""

    def __init__(self, bench: Bench) -> None:
        self.link = bench.connect("owner")
        self.link.autocommit = False
        self.ref = bench.incident("web-01")
        for url, age in (("", "90 days"), ("https://elsewhere/7", "90 days")):
            self.opened(EVER, url, age)
        self.link.execute(OPEN_HERE, {"many": EVER})
        self.link.execute("INSERT INTO pulls_forgelook (id) VALUES (1)")

    def opened(self, many: int, url: str, age: str, ref: str = "") -> None:
        self.link.execute(MAKE, {"many": many, "url": url, "age": age, "ref": ref or self.ref})

    def ask(self, statement: str, *values: object) -> tuple[Any, int]:
        """Return an answer, and how many rows it took."""
        before = self._read()
        found = self.link.execute(statement, values).fetchone()
        return found and found[0], self._read() - before

    def _read(self) -> int:
        found = self.link.execute(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_xact_user_tables"
            " WHERE relname IN ('personas_action', 'pulls_followed', 'forge_pullrequest')"
        ).fetchone()
        return int(found[0])

    def all_followed(self) -> None:
        while self.ask("SELECT gate.follow_pulls()")[0]:
            pass
        self.link.execute("ANALYZE personas_action, pulls_followed, forge_pullrequest")


@pytest.fixture
def years(bench: Bench) -> Any:
    made = Years(bench)
    yield made
    made.link.rollback()


def test_all_that_ever_was_opened_elsewhere_is_followed_and_nothing_that_is_here(years):
    years.all_followed()
    assert years.ask("SELECT count(*) FROM pulls_followed")[0] == EVER
    assert years.ask("SELECT followed_to > now() FROM pulls_forgelook")[0]


def test_a_look_reads_what_was_opened_since_the_last_and_follows_all_of_it(years):
    years.all_followed()
    years.opened(3, "https://elsewhere/8", "-1 second")
    years.opened(2, "https://elsewhere/9", "50 minutes")
    made, read = years.ask("SELECT gate.follow_pulls()")
    assert (made, read < ENOUGH) == (5, True), read
    made, read = years.ask("SELECT gate.follow_pulls()")
    assert (made, read < ENOUGH) == (0, True), read


def test_what_one_ticket_waits_for_reads_what_is_its_own(years):
    years.all_followed()
    years.opened(2, "https://elsewhere/8", "0 seconds", ref="CHG-77777")
    assert years.ask("SELECT gate.follow_pulls()")[0] == 2
    years.opened(1, "https://elsewhere/9", "0 seconds", ref="CHG-77777")
    waiting, read = years.ask("SELECT gate.pulls_waiting('CHG-77777')")
    assert (waiting, read < ENOUGH) == (3, True), read
