"""Guards taken away for a while: a row of the table, or a condition of a function."""

from collections.abc import Iterator
from contextlib import contextmanager

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
    whole = _definition(house, function)
    assert guard in whole, f"gate.{function} no longer says {guard!r}: this mutant is of yesterday"
    with _replaced(house, whole, whole.replace(guard, instead)):
        yield


@contextmanager
def always(house: House, function: str, body: str) -> Iterator[None]:
    """Let a function say the same to everybody."""
    whole = _definition(house, function)
    head = whole[: whole.index("AS $function$")].replace("LANGUAGE plpgsql", "LANGUAGE sql")
    with _replaced(house, whole, f"{head}AS $function$ {body} $function$"):
        yield


def _definition(house: House, function: str) -> str:
    return str(
        house.value(
            "owner",
            "SELECT pg_get_functiondef(p.oid) FROM pg_proc p WHERE p.proname = %s"
            " AND p.pronamespace = 'gate'::regnamespace",
            function,
        )
    )


@contextmanager
def _replaced(house: House, whole: str, mutant: str) -> Iterator[None]:
    house.do("owner", mutant)
    try:
        yield
    finally:
        house.do("owner", whole)
