"""The copy of an iTop's CMDB: read by pages, kept by its history, never emptied by an answer."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.db.utils import DatabaseError
from django.test.utils import CaptureQueriesContext

from adapters import registry
from adapters.cmdb.embedded import Writer
from adapters.cmdb.errors import CINotFoundError
from adapters.cmdb.itop import mirror
from adapters.cmdb.itop.kinds import KINDS, LINKS
from adapters.cmdb.models import HistoryMark, Known, Relation, Synced
from adapters.cmdb.port import CI
from adapters.cmdb.port import Inventory as Declared
from adapters.rows import now, select
from adapters.tickets.itop.names import lived_twice
from adapters.tickets.itop.session import session
from adapters.tickets.models import Ticket
from ethops.desk import mirroring
from tests.doubles.itop.house import ADAPTER
from tests.doubles.itop.inventory import Inventory
from tests.doubles.itop.server import TOKEN, served

db = pytest.mark.django_db
SHOP = CI(
    ref="shop",
    name="web1",
    ci_class="server",
    attributes={},
    impact=2,
    urgency=2,
    user_facing=False,
    lifeline=True,
    host="",
    source="site",
    managed_by="declaration",
)
FORGED = {"ref": "shop", "their_id": 1, "name": "x", "ci_class": "y", "layer": "", "said": {}}


@pytest.fixture
def there(settings: Any) -> Iterator[Inventory]:
    """An iTop that the settings name, with a host, a hypervisor on it, and a machine on that."""
    one = Inventory()
    with served(one):
        told = {"adapter": ADAPTER, "url": one.address, "token": TOKEN}
        settings.ADAPTERS = {**settings.ADAPTERS, "tickets": told}
        server = one.add("Server", name="pve-01", managementip="10.0.0.11", cpu="64")
        host = one.add("Hypervisor", name="hv-01", server_id=server, farm_id=0)
        one.add("VirtualMachine", name="web1", virtualhost_id=host)
        yield one


def sync(**named: bool) -> dict[str, mirror.Read]:
    here = session()
    twice = partial(lived_twice, zone=here.names.zone())
    return {one.itop_class: one for one in mirror.sync(here.client, twice, **named)}


def live(itop_class: str) -> list[str]:
    found = Known.objects.filter(their_class=itop_class, gone=False)
    return sorted(found.values_list("name", flat=True))


def many(there: Inventory, number: int, **values: Any) -> list[int]:
    return [there.add("Server", name=f"s{n:05}", **values) for n in range(number)]


@db
def test_things_and_what_they_stand_on_are_taken_over(there: Inventory) -> None:
    sync()
    row = Known.objects.get(name="pve-01")
    assert (row.ci_class, row.layer, row.said) == (
        "server", "physical", {"managementip": "10.0.0.11"},
    )  # fmt: skip
    said = Relation.objects.filter(source="itop", gone=False).values_list("dependent", "support")
    ref = {one.name: one.ref for one in Known.objects.all()}
    assert set(said) == {(ref["hv-01"], ref["pve-01"]), (ref["web1"], ref["hv-01"])}


@db
def test_the_graph_knows_what_stands_on_a_thing_of_itop(there: Inventory) -> None:
    sync()
    found = registry.reader("graph").blast_radius(Known.objects.get(name="pve-01").ref)
    assert [(place.ref, place.layer) for place in found.places] == [
        (Known.objects.get(name="hv-01").ref, "virtualization"),
        (Known.objects.get(name="web1").ref, "virtualization"),
    ]
    assert found.trust.stale is False


@db
def test_a_thing_of_itop_is_nothing_that_is_acted_on(there: Inventory) -> None:
    sync()
    ref = Known.objects.get(name="pve-01").ref
    with pytest.raises(CINotFoundError):
        registry.reader("cmdb").get(ref)
    assert registry.reader("cmdb").by_refs([ref]) == ()
    assert select("SELECT ref FROM cmdb_ci") == []


def test_no_word_of_itop_changes_a_ci_of_ours(
    there: Inventory, become: Callable[[str], None]
) -> None:
    become("owner")
    Writer().apply(Declared(cis=(SHOP,)), source="site")
    become("app")
    number = next(n for n, one in there.objects.items() if one.get("name") == "web1")
    there.objects[number] |= {"lifeline": "no", "host": "here", "status": "obsolete"}
    sync()
    assert Known.objects.get(name="web1").ci_ref == "shop"
    assert registry.reader("cmdb").get("shop") == SHOP
    there.take_away(number)
    sync(whole=True)
    assert registry.reader("cmdb").get("shop") == SHOP


def test_what_itop_says_of_a_ci_of_ours_stands_at_our_ci(
    there: Inventory, become: Callable[[str], None]
) -> None:
    sync()
    become("owner")
    Writer().apply(Declared(cis=(SHOP,)), source="site")
    host = Known.objects.get(name="hv-01").ref
    said = Relation.objects.filter(source="itop", gone=False, support=host)
    assert [one.dependent for one in said] == ["shop"]
    Writer().apply(Declared(), source="site")
    assert [one.dependent for one in said.all()] == [Known.objects.get(name="web1").ref]


NAMESAKE_GOES = {
    "taken away": lambda there, number: there.take_away(number),
    "renamed": lambda there, number: there.change(number, name="web9"),
}


@pytest.mark.parametrize("whole", [False, True], ids=["by history", "whole"])
@pytest.mark.parametrize("goes", NAMESAKE_GOES)
def test_what_a_name_means_is_computed_anew_for_all_of_that_name(
    there: Inventory, become: Callable[[str], None], goes: str, whole: Any
) -> None:
    become("owner")
    Writer().apply(Declared(cis=(SHOP,)), source="site")
    become("app")
    many(there, 40)
    sync()
    thing, host = Known.objects.get(name="web1"), Known.objects.get(name="hv-01").ref
    stands = Relation.objects.filter(source="itop", gone=False, support=host)
    assert (thing.ci_ref, [one.dependent for one in stands.all()]) == ("shop", ["shop"])
    number = there.put("Server", name="WEB1")
    sync(whole=whole)
    # Neither of two is known to be the one that we mean.
    assert set(Known.objects.filter(name__iexact="web1").values_list("ci_ref", flat=True)) == {""}
    assert [one.dependent for one in stands.all()] == [thing.ref]
    NAMESAKE_GOES[goes](there, number)
    sync(whole=whole)
    thing.refresh_from_db()
    assert (thing.ci_ref, [one.dependent for one in stands.all()]) == ("shop", ["shop"])


MANY = """
    INSERT INTO cmdb_ci (ref, name, ci_class, impact, urgency, source, attributes)
    SELECT 'ci-' || n, 'n' || n, 'server', 2, 2, 'site',
           CASE WHEN n % 2 = 0 THEN jsonb_build_object('itop', (100000 + n)::text) ELSE '{}' END
      FROM generate_series(1, 4000) n
"""
READ = """
    SELECT pg_stat_get_xact_tuples_returned('cmdb_ci'::regclass)
           + pg_stat_get_xact_tuples_fetched('cmdb_ci'::regclass) AS rows
"""


@pytest.fixture
def crowded(become: Callable[[str], None]) -> None:
    """Four thousand CIs of ours, half of which say which thing of iTop's they are."""
    become("owner")
    with connection.cursor() as cursor:
        cursor.execute(MANY)
        cursor.execute("ANALYZE cmdb_ci")
    become("app")


def test_who_is_meant_by_a_name_is_looked_up_and_not_searched_for(
    crowded: None, there: Inventory
) -> None:
    number = there.put("Server", name="N7")
    with transaction.atomic():
        sync()
        (read,) = select(READ)
        assert read["rows"] < 20
    assert Known.objects.get(their_id=number).ci_ref == "ci-7"
    there.change(number, name="n9")
    with transaction.atomic():
        sync()
        (read,) = select(READ)
        assert read["rows"] < 20
    assert Known.objects.get(their_id=number).ci_ref == "ci-9"


def test_after_the_owner_has_declared_each_ci_is_read_a_few_times_and_not_for_each_name(
    crowded: None, there: Inventory, become: Callable[[str], None]
) -> None:
    many(there, 300)
    sync()
    become("owner")
    with transaction.atomic():
        select("SELECT cmdb.match_again()")
        (read,) = select(READ)
    assert read["rows"] < 4 * 4000


@db
def test_every_call_names_its_fields_and_a_thousand_things_cost_one(there: Inventory) -> None:
    many(there, 2_499)
    assert sync()["Server"].read == 2_500
    assert [of for of, _ in there.asked].count("Server") == 3
    assert all("*" not in fields for _, fields in there.asked)


@db
def test_without_a_change_one_call_is_made_and_nothing_is_written(there: Inventory) -> None:
    sync()
    there.asked.clear()
    before = list(Known.objects.values_list("ref", "changed_at", "seen_at"))
    assert sum(one.changed for one in sync().values()) == 0
    assert [of for of, _ in there.asked] == ["CMDBChangeOp"]
    assert list(Known.objects.values_list("ref", "changed_at", "seen_at")) == before


@db
def test_what_a_look_without_a_change_costs_does_not_grow_with_what_there_is(
    there: Inventory,
) -> None:
    sync()
    with CaptureQueriesContext(connection) as few:
        sync()
    many(there, 2_000)
    sync(whole=True)
    with CaptureQueriesContext(connection) as more:
        sync()
    assert len(few) == len(more) <= 4


TOUCHED = """
    SELECT sum(pg_stat_get_xact_tuples_returned(one) + pg_stat_get_xact_tuples_fetched(one)) AS rows
      FROM unnest(ARRAY['cmdb_known', 'cmdb_knownlink', 'cmdb_relation']::regclass[]) AS one
"""


def test_what_a_change_reads_does_not_grow_with_what_there_is(
    there: Inventory, become: Callable[[str], None]
) -> None:
    become("app")
    hosts = [there.add("Hypervisor", name=f"h{n}") for n in range(300)]
    for n in range(3_000):
        there.add("VirtualMachine", name=f"v{n}", virtualhost_id=hosts[n % 300])
    sync()
    become("owner")
    with connection.cursor() as cursor:
        # Of tables that were last looked at when they were empty all would be read.
        cursor.execute("ANALYZE cmdb_known, cmdb_knownlink, cmdb_relation")
    become("app")
    there.change(next(n for n, one in there.objects.items() if one.get("name") == "v7"), name="v8")
    with transaction.atomic():
        (before,) = select(TOUCHED)
        assert sync()["VirtualMachine"].changed == 1
        (after,) = select(TOUCHED)
    assert after["rows"] - before["rows"] < 100


@db
def test_each_page_is_a_few_statements(there: Inventory) -> None:
    sync()
    with CaptureQueriesContext(connection) as before:
        sync(whole=True)
    many(there, 2_999)
    with CaptureQueriesContext(connection) as after:
        sync(whole=True)
    # Two pages more, each taken over in one.
    assert len(after) - len(before) == 2


@db
def test_only_what_the_history_names_is_read(there: Inventory) -> None:
    ids = many(there, 50)
    sync()
    there.asked.clear()
    there.change(ids[7], name="renamed")
    there.put("Server", name="new")
    there.take_away(ids[3])
    done = sync()
    assert [of for of, _ in there.asked] == ["CMDBChangeOp", "Server"]
    assert (done["Server"].read, done["Server"].changed) == (2, 2)
    assert {"renamed", "new"} <= set(live("Server"))
    assert "s00003" not in live("Server")


@db
@pytest.mark.parametrize("zone", ["America/New_York", "Asia/Tokyo"])
def test_the_history_is_asked_for_by_the_clock_that_writes_it(
    there: Inventory, settings: Any, zone: str
) -> None:
    there.zone = zone
    settings.ADAPTERS["tickets"]["zone"] = zone
    many(there, 3)
    sync()
    there.put("Server", name="new")
    assert sync()["Server"].read == 1


def later(**much: int) -> None:
    """Let time pass: what was seen, and when was looked, is so much longer ago."""
    Synced.objects.update(
        whole_at=F("whole_at") - timedelta(**much), checked_at=F("checked_at") - timedelta(**much)
    )
    HistoryMark.objects.update(
        new_at=F("new_at") - timedelta(**much), looked_at=F("looked_at") - timedelta(**much)
    )


@db
def test_how_far_the_history_was_read_is_no_class(there: Inventory) -> None:
    ids = many(there, 3)
    sync()
    assert not HistoryMark.objects.exists(), "nothing was said in it"
    there.change(ids[0], name="renamed")
    sync()
    mark = HistoryMark.objects.get()
    assert (mark.source, mark.new_at) == ("itop", mark.looked_at)
    sync()
    again = HistoryMark.objects.get()
    assert (again.date, again.number, again.new_at) == (mark.date, mark.number, mark.new_at)
    assert again.looked_at > mark.looked_at
    assert not Synced.objects.filter(their_class="CMDBChangeOp").exists()


CLOCKS = {
    "lags": ("UTC", {"minutes": 3}),
    "lags much": ("UTC", {"minutes": 50}),
    "west of the zone set": ("America/New_York", {}),
    "east of the zone set": ("Asia/Tokyo", {}),
}


@pytest.mark.parametrize("clock", CLOCKS)
def test_no_clock_and_no_wrong_zone_hides_a_change(
    there: Inventory, become: Callable[[str], None], clock: str
) -> None:
    become("owner")
    there.zone, lags = CLOCKS[clock]
    there.lags = timedelta(**lags)
    ids = many(there, 3)
    sync()
    for number in range(3):
        there.change(ids[number], name=f"renamed {number}")
        assert sync()["Server"].changed == 1
        later(minutes=10)
        there.asked.clear()
        assert sync()["Server"].read == 0
        assert [of for of, _ in there.asked] == ["CMDBChangeOp"]


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_history_of_many_pages_is_read_whole_once(
    there: Inventory, become: Callable[[str], None], newest_first: Any
) -> None:
    become("owner")
    sync()
    there.lags = timedelta(minutes=1)
    server = many(there, 1)[0]
    for _ in range(1_200):
        there.change(server, name="again")
    there.lags = timedelta()
    there.put("Server", name="last")
    there.history.sort(key=lambda one: one[2], reverse=newest_first)
    # All was read whole just now: that is not done again each minute, and nothing is forgotten.
    assert (sync(), live("Server")) == ({}, ["pve-01"])
    later(minutes=20)
    assert sync()["Server"].changed == 2
    later(minutes=10)
    there.asked.clear()
    assert sync()["Server"].read == 0
    assert [of for of, _ in there.asked] == ["CMDBChangeOp"]


@db
@pytest.mark.parametrize("date", ["2999-01-01 00:00:00", "soon", None])
def test_a_date_that_is_none_moves_no_mark(there: Inventory, date: Any) -> None:
    ids = many(there, 2)
    there.change(ids[0], name="known")
    sync()
    there.history.append(("Server", ids[0], date or ""))
    sync()
    there.change(ids[1], name="seen")
    assert sync()["Server"].changed == 1


@db
def test_without_a_right_to_the_history_classes_are_read_whole_by_the_clock(
    there: Inventory,
) -> None:
    there.tells_history = False
    sync()
    there.add("Server", name="later")
    assert sync() == {}
    long_ago = now() - mirror.WITHOUT_HISTORY
    select("SELECT cmdb.synced(%s, %s, %s, true, %s, %s)", ["itop", "Server", "well", long_ago, ""])
    assert sync()["Server"].changed == 1


@db
def test_a_few_that_are_gone_are_taken_away(there: Inventory) -> None:
    ids = many(there, 99)
    sync()
    for number in ids[:5]:
        del there.objects[number]
    sync(whole=True)
    assert len(live("Server")) == 95


ANSWERS = {
    "empty": lambda there: there.empty.add("Server"),
    "short": lambda there: there.short.add("Server"),
    "html": lambda there: there.faults.extend(["html"] * 2),
    "half a JSON": lambda there: there.faults.extend(["half"] * 2),
}


@db
@pytest.mark.parametrize("answer", ANSWERS)
def test_no_such_answer_takes_anything_away(there: Inventory, answer: str) -> None:
    many(there, 30)
    sync()
    before = Known.objects.filter(gone=False).count()
    ANSWERS[answer](there)
    sync(whole=True)
    assert Known.objects.filter(gone=False).count() == before


@db
def test_more_than_one_in_twenty_gone_stops_the_class_and_asks_a_person(there: Inventory) -> None:
    ids = many(there, 99)
    mirroring.bring()
    for number in ids[:6]:
        del there.objects[number]
    done = {one.itop_class: one for one in mirroring.bring(whole=True)}
    assert (done["Server"].asks, len(live("Server"))) == (True, 100)
    there.put("Server", name="later")
    mirroring.bring()
    assert "later" not in live("Server")
    (ticket,) = Ticket.objects.filter(title="Much of Server is gone from iTop")
    assert "manage.py cmdb confirm Server" in ticket.description


@db
def test_a_person_confirms_and_reading_goes_on(there: Inventory) -> None:
    ids = many(there, 20)
    sync()
    for number in ids[:10]:
        del there.objects[number]
    sync(whole=True)
    assert mirroring.confirm(itop_class="Server", person="ada", why="moved out") == 10
    assert len(live("Server")) == 11
    there.put("Server", name="later")
    sync()
    assert "later" in live("Server")
    (body,) = select("SELECT body ->> 'person' AS who FROM audit_pending"
                     " WHERE kind = 'person.confirmed_gone'")  # fmt: skip
    assert body["who"] == "ada"


@db
def test_nobody_confirms_what_is_not_asked(there: Inventory) -> None:
    sync()
    with pytest.raises(DatabaseError, match="nobody is asked"):
        mirroring.confirm(itop_class="Server", person="ada", why="so")


@db
def test_a_class_that_a_site_has_not_fails_no_other(there: Inventory) -> None:
    done = sync()
    assert "tickets.itop_query" in done["TapeLibrary"].fault
    assert done["Server"].fault == ""
    assert Synced.objects.get(their_class="TapeLibrary").state == "absent"


@db
def test_a_key_that_is_emptied_ends_its_relation(there: Inventory) -> None:
    sync()
    number = next(n for n, one in there.objects.items() if one.get("name") == "hv-01")
    there.change(number, server_id=0)
    sync()
    ref = Known.objects.get(name="hv-01").ref
    assert Relation.objects.get(source="itop", dependent=ref).gone is True


@db
@pytest.mark.parametrize("name", ["agent", "executor"])
def test_only_the_desk_takes_over(name: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT bool_or(has_function_privilege(%s, p.oid, 'EXECUTE')) FROM pg_proc p"
            " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = 'cmdb'",
            [f"ethops_{name}"],
        )
        assert cursor.fetchone() == (False,)


@db
def test_a_thing_cannot_take_the_name_of_a_ci_of_ours() -> None:
    with pytest.raises(DatabaseError, match="not its own"):
        select("SELECT cmdb.take('itop', 'Server', %s::jsonb, '[]')", [json.dumps([FORGED])])


def test_each_class_is_read_once_in_the_tables() -> None:
    classes = [of.itop_class for of in (*KINDS, *LINKS)]
    assert len(classes) == len(set(classes))
