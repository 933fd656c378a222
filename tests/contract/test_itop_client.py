"""Our iTop client against a fake that leaks as iTop does, over a real socket."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Literal

import pytest

from adapters.tickets.itop import errors
from adapters.tickets.itop.client import Client
from tests.doubles.itop.server import TOKEN, USER, Fault, Itop, served
from tests.waiting import PATIENCE_SECONDS

NAMED = ("id", "ref", "status")
DRAFT = {"org_id": 1, "title": "Shop is down", "description": "<p>Nothing.</p>"}


@pytest.fixture
def itop() -> Iterator[Itop]:
    with served(Itop()) as one:
        yield one


@pytest.fixture
def client(itop: Itop) -> Iterator[Client]:
    one = Client(itop.address, TOKEN, deadline_s=30)
    yield one
    one.close()


def test_what_was_created_is_found(client: Client) -> None:
    made = client.create("Incident", DRAFT, "run 1", NAMED)
    found = client.get("Incident", {"ref": made.fields["ref"]}, NAMED)
    assert (found.objects, found.total) == ((made,), 1)


def test_nothing_found_is_no_error(client: Client) -> None:
    assert client.get("Incident", 999, NAMED).objects == ()


def test_a_page_counts_all(client: Client, itop: Itop) -> None:
    for _ in range(3):
        itop.add("Incident")
    found = client.get("Incident", "SELECT Incident", NAMED, limit=2)
    assert (len(found.objects), found.total) == (2, 3)


def test_each_write_says_why(client: Client, itop: Itop) -> None:
    key = client.create("Incident", DRAFT, "run 1", NAMED).id
    client.stimulate("Incident", key, "ev_assign", {"agent_id": 3}, "run 2", NAMED)
    client.update("Incident", key, {"title": "t"}, "run 3", NAMED)
    assert itop.comments == ["run 1", "run 2", "run 3"]


def test_a_wrong_token(itop: Itop) -> None:
    with pytest.raises(errors.ItopLoginError):
        Client(itop.address, "another").get("Incident", 1, NAMED)


def test_an_itop_without_tokens_says_what_to_set(itop: Itop) -> None:
    itop.without_tokens = True
    with pytest.raises(errors.ItopLoginError) as caught:
        Client(itop.address, TOKEN).get("Incident", 1, NAMED)
    assert "ETHOPS_ITOP_USER" in caught.value.hint


def test_a_user_and_a_password_open_it_where_there_are_no_tokens(itop: Itop) -> None:
    itop.without_tokens = True
    user, password = USER
    assert Client(itop.address, password, user=user).get("Incident", 1, NAMED).objects == ()
    with pytest.raises(errors.ItopLoginError):
        Client(itop.address, "another", user=user).get("Incident", 1, NAMED)


def test_an_illegal_stimulus(client: Client, itop: Itop) -> None:
    with pytest.raises(errors.ItopStimulusError):
        client.stimulate("Incident", itop.add("Incident"), "ev_close", {}, "run", NAMED)


def test_missing_values_are_named(client: Client) -> None:
    with pytest.raises(errors.ItopValueError) as caught:
        client.create("Incident", {"title": "t"}, "run", NAMED)
    assert caught.value.fields == ("org_id", "description")


@pytest.mark.parametrize("language", ["EN", "DE"])
def test_an_unfit_value_is_named_in_every_language(
    client: Client, itop: Itop, language: Literal["EN", "DE"]
) -> None:
    itop.language = language
    with pytest.raises(errors.ItopValueError) as caught:
        client.update("Incident", itop.add("Incident"), {"title": "t" * 256}, "run", NAMED)
    assert caught.value.fields == ("title",)


def test_what_a_stimulus_lacks_is_named(client: Client, itop: Itop) -> None:
    key = itop.add("Incident", status="assigned")
    with pytest.raises(errors.ItopValueError) as caught:
        client.stimulate("Incident", key, "ev_resolve", {}, "run", NAMED)
    assert caught.value.fields == ("solution",)


def test_what_is_gone(client: Client) -> None:
    with pytest.raises(errors.ItopGoneError):
        client.update("Incident", 999, {"title": "t"}, "run", NAMED)


def test_all_fields_are_never_asked_for(client: Client) -> None:
    with pytest.raises(errors.ItopQueryError):
        client.get("Incident", 1, ("*",))


@pytest.mark.parametrize(
    "fault", ["html", "half", "empty_500", "done_then_cut", "no_object", "hung_up"]
)
def test_an_unclear_answer_to_a_write_may_have_been_done(
    client: Client, itop: Itop, fault: Fault
) -> None:
    itop.faults.append(fault)
    with pytest.raises(errors.ItopUnclearError) as caught:
        client.create("Incident", DRAFT, "run", NAMED)
    assert caught.value.sent


@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_the_deadline_holds_between_bytes(itop: Itop, fault: Fault) -> None:
    itop.faults.append(fault)
    # What the fake drips ends after half a minute; a second is enough to be connected.
    began = time.monotonic()
    with pytest.raises(errors.ItopUnclearError):
        Client(itop.address, TOKEN, deadline_s=1.0).get("Incident", 1, NAMED)
    assert time.monotonic() - began < PATIENCE_SECONDS


def test_where_nobody_listens_nothing_was_sent() -> None:
    with pytest.raises(errors.ItopUnreachableError) as caught:
        Client("http://127.0.0.1:9", TOKEN, deadline_s=2).get("Incident", 1, NAMED)
    assert not caught.value.sent


def test_the_fake_loses_concurrent_lines(client: Client, itop: Itop) -> None:
    itop.all_read = Barrier(4)
    key = itop.add("Incident")

    def append(n: int) -> None:
        line = {"public_log": {"add_item": {"message": f"line {n}", "format": "text"}}}
        client.update("Incident", key, line, "run", NAMED)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(append, range(8)))
    assert len(itop.objects[key]["public_log"]["entries"]) < 8


def test_the_fake_lets_two_claim_one_ticket(client: Client, itop: Itop) -> None:
    itop.all_read = Barrier(4)
    key = itop.add("Incident")

    def claim(agent: int) -> bool:
        try:
            client.stimulate("Incident", key, "ev_assign", {"agent_id": agent}, "run", NAMED)
        except errors.ItopStimulusError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(claim, range(4))) > 1


def test_the_fake_takes_a_state_that_is_written(client: Client, itop: Itop) -> None:
    key = itop.add("NormalChange")
    assert client.update("NormalChange", key, {"status": "approved"}, "run", NAMED).fields[
        "status"
    ] == ("approved")


def test_the_fake_replaces_a_link_set(client: Client, itop: Itop) -> None:
    key = itop.add("Incident", functionalcis_list=[{"functionalci_id": "1"}])
    client.update("Incident", key, {"functionalcis_list": [{"functionalci_id": "2"}]}, "run", NAMED)
    assert itop.objects[key]["functionalcis_list"] == [{"functionalci_id": "2"}]


def test_the_fake_assigns_to_nobody(client: Client, itop: Itop) -> None:
    key = itop.add("Incident")
    moved = client.stimulate("Incident", key, "ev_assign", {}, "run", ("status", "agent_id"))
    assert moved.fields == {"status": "assigned", "agent_id": "0"}


def test_what_php_shows_before_the_answer_hides_none(client: Client, itop: Itop) -> None:
    itop.faults.append("noisy")
    assert client.create("Incident", DRAFT, "run", NAMED).fields["status"] == "new"


@pytest.mark.parametrize("login", ["token", "password"])
def test_a_request_that_php_drops_is_no_fault_of_the_login(itop: Itop, login: str) -> None:
    itop.largest = 600_000
    user, password = USER
    one = Client(itop.address, TOKEN) if login == "token" else None
    one = one or Client(itop.address, password, user=user)
    with pytest.raises(errors.ItopTooLargeError):
        one.create("Attachment", {"contents": {"data": "A" * 700_000}}, "run", ("id",))


def test_a_large_request_of_a_wrong_login_is_a_fault_of_the_login(itop: Itop) -> None:
    itop.largest = 600_000
    with pytest.raises(errors.ItopLoginError):
        Client(itop.address, "x").create("Attachment", {"data": "A" * 700_000}, "run", ("id",))


def test_a_web_server_that_takes_no_more_says_so(client: Client, itop: Itop) -> None:
    itop.faults.append("full")
    with pytest.raises(errors.ItopTooLargeError):
        client.create("Incident", DRAFT, "run", NAMED)


@pytest.mark.parametrize("fault", ["empty_500", "hung_up"])
def test_what_php_or_the_database_dies_of_is_too_large(
    client: Client, itop: Itop, fault: Fault
) -> None:
    large = {"contents": {"data": "A" * 700_000}}
    itop.faults.append(fault)
    with pytest.raises(errors.ItopTooLargeError):
        client.create("Attachment", large, "run", ("id",))
    itop.faults[:] = [fault, fault]
    # Nor does it take what is small: then it is not the size.
    with pytest.raises(errors.ItopUnclearError):
        client.create("Attachment", large, "run", ("id",))


@pytest.mark.parametrize(
    ("code", "said", "meant"),
    [
        (1406, "Error: Failed to issue SQL query: query = x, mysql_errno = 1406", "value"),
        (100, "Error: Failed to issue SQL query: query = x, mysql_errno = 3988, mysql_error = y",
         "value"),
        (1213, "Error: Failed to issue SQL query: mysql_errno = 1406, mysql_error = y", "unclear"),
        (2013, "Error: Lost connection to MySQL server during query: query = x", "unclear"),
        (1153, "Error: Got a packet bigger than 'max_allowed_packet' bytes", "too_large"),
    ],
)  # fmt: skip
def test_a_number_of_the_database_says_whether_it_is_of_the_value(
    code: int, said: str, meant: str
) -> None:
    assert errors.meaning(code, said).code == f"tickets.itop_{meant}"
