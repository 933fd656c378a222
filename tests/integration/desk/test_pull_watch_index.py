"""The watch of pull requests reads those that it looks at in their order, and none that is over."""

from collections.abc import Callable

import psycopg

from ethops.desk import pull_watch

MANY = """
    INSERT INTO pulls_followed (key, number, title, url, head, state, asked_at, ended_at)
    SELECT gen_random_uuid(), n, 'A page', %s, 'c0ffee', %s, now() - n * interval '1 minute', now()
    FROM generate_series(1, %s) n
"""


def test_a_look_reads_its_index_alone_and_sorts_nothing(
    role: Callable[[str], psycopg.Connection],
) -> None:
    owner = role("owner")
    owner.execute(MANY, ["https://forge/1", "merged", 2000])
    owner.execute(MANY, ["", "closed", 2000])
    owner.execute(MANY, ["https://forge/2", "open", 100])
    owner.execute("ANALYZE pulls_followed")
    due = pull_watch._due()[: pull_watch.AT_ONCE]
    plan = due.explain()
    assert "Index Scan using followed_to_look_at" in plan, plan
    assert "Sort" not in plan, plan
    assert [one.number for one in due] == list(range(100, 80, -1))
