"""The kit of the tickets contract, over every adapter: what `adapters check` asks of a live one."""

from types import ModuleType

import pytest

from adapters.conformance import Case, try_one
from adapters.tickets.conformance.bench import Bench
from adapters.tickets.conformance.kit import KIT
from adapters.tickets.itop import desk
from adapters.tickets.models import Ticket
from tests.doubles.itop.house import House

MARKER = "ethops check 00000000"


def named(case: Case[Bench]) -> str:
    return case.title.lower().replace(" ", "-")


def asked(tickets: ModuleType, case: Case[Bench]) -> Bench:
    bench = Bench(tickets, MARKER)
    result = try_one(1, case, bench)
    wanted = "cannot" if case.needs in bench.cannot else "held"
    assert (result.verdict, result.seen) == (wanted, result.seen)
    return bench


@pytest.mark.django_db
@pytest.mark.parametrize("case", [one for one in KIT.cases if not one.stays], ids=named)
def test_what_leaves_nothing_behind(tickets: ModuleType, case: Case[Bench]) -> None:
    bench = asked(tickets, case)
    assert (bench.close(), Ticket.objects.count()) == ((), 0)


@pytest.mark.parametrize("case", [one for one in KIT.cases if one.stays], ids=named)
def test_what_several_processes_see(clean_db: None, tickets: ModuleType, case: Case[Bench]) -> None:
    left = asked(tickets, case).close()
    assert [ticket.state for ticket in Ticket.objects.all()] == ["closed"]
    assert len(left) == 1


@pytest.mark.django_db
def test_nothing_of_ours_is_left_in_itop(house: House) -> None:
    from_before = house.itop.add("Incident", title="Of somebody else")
    bench = Bench(desk, MARKER)
    with bench.undone():
        bench.open("to be removed")
    assert bench.close() == ()
    assert [one["id"] for one in house.objects("Incident")] == [from_before]
