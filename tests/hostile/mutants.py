"""Guards taken away for a while: a row of the table, or a condition of a function."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import sql

from tests.hostile.house import House


@contextmanager
def without_guard(house: House, name: str) -> Iterator[None]:
    """Let a row of the table be gone meanwhile."""
    row = house.one("owner", "DELETE FROM gate.guard WHERE name = %s RETURNING *", name)
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    try:
        yield
    finally:
        house.do("owner", f"INSERT INTO gate.guard ({names}) VALUES ({marks})", *row.values())


@contextmanager
def without(house: House, function: str, guard: str, instead: str) -> Iterator[None]:
    """Let a function of schema `gate` stand without one of its conditions meanwhile."""
    whole = str(
        house.value(
            "owner",
            "SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.proname = %s"
            " AND p.pronamespace = 'gate'::regnamespace",
            function,
        )
    )
    assert guard in whole, f"gate.{function} no longer says {guard!r}: this mutant is of yesterday"
    house.link("owner").execute(sql.SQL(whole.replace(guard, instead)))  # type: ignore[arg-type]
    try:
        yield
    finally:
        house.link("owner").execute(sql.SQL(whole))  # type: ignore[arg-type]


@contextmanager
def always(house: House, function: str, body: str) -> Iterator[None]:
    """Let a function say the same to everybody."""
    whole = str(
        house.value(
            "owner",
            "SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.proname = %s"
            " AND p.pronamespace = 'gate'::regnamespace",
            function,
        )
    )
    head = whole[: whole.index("AS $function$")]
    quoted = f"{head.replace('LANGUAGE plpgsql', 'LANGUAGE sql')}AS $function$ {body} $function$"
    house.link("owner").execute(sql.SQL(quoted))  # type: ignore[arg-type]
    try:
        yield
    finally:
        house.link("owner").execute(sql.SQL(whole))  # type: ignore[arg-type]
