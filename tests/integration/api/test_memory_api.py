"""Memory over the API and on its page: what is known, on which entries, and whether it helped."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.integration.api.conftest import api_of


@pytest.fixture
def item(scene):
    """An item that two runs have shown, once right; of each there is an episode."""
    seq = scene.one("app", "SELECT max(seq) AS seq FROM audit_entry")["seq"]
    found = scene.one(
        "owner",
        "INSERT INTO memory_item (kind, ci_class, alert, subject)"
        " VALUES ('procedural', 'service', 'WebHangs', 'restart') RETURNING id",
    )["id"]
    for run, held in ((scene.run, True), (None, False)):
        of = scene.one("app", "SELECT coalesce(%s, gen_random_uuid()) AS id", run)["id"]
        episode = scene.one(
            "owner",
            "INSERT INTO memory_item (kind, ci_class, alert, subject)"
            " VALUES ('episodic', 'service', 'WebHangs', %s) RETURNING id",
            str(of),
        )["id"]
        for one in (found, episode):
            scene.one(
                "owner",
                "INSERT INTO memory_evidence (item_id, run, ticket_ref, source_seq, source_hash,"
                " held, at) VALUES (%s, %s, %s, %s, 'h', %s, now())",
                one, of, scene.ticket, seq, held,
            )  # fmt: skip
    return found


def test_an_item_tells_how_often_it_held(api, item):
    said = api.get("/api/v1/memory", {"kind": "procedural"}).json()["results"][0]
    assert (said["held"], said["seen"], said["trust"]) == (1, 2, 0.5)


def test_an_item_comes_with_its_evidence(api, scene, item):
    said = api.get(f"/api/v1/memory/{item}").json()
    assert {one["ticket"] for one in said["evidence"]} == {scene.ticket}
    assert all(one["entry_seq"] for one in said["evidence"])


def test_without_a_run_that_was_given_it_nobody_knows_whether_it_helps(api, item):
    helped = api.get(f"/api/v1/memory/{item}").json()["helped"]
    assert helped == {
        "given": 0, "given_well": 0, "without": 2, "without_well": 1, "gain": None,
    }  # fmt: skip


def test_the_gain_is_the_difference_of_the_shares(api, scene, item):
    scene.one(
        "owner",
        "UPDATE personas_step SET question = jsonb_build_object('facts',"
        " jsonb_build_object('memory.given', jsonb_build_array(%s::text))) WHERE run_id = %s",
        str(item), scene.run,
    )  # fmt: skip
    helped = api.get(f"/api/v1/memory/{item}").json()["helped"]
    assert (helped["given_well"], helped["without_well"], helped["gain"]) == (1, 0, 1.0)


def test_memory_is_read_and_never_written(api, item):
    for method in (api.post, api.put, api.patch, api.delete):
        assert method(f"/api/v1/memory/{item}", {}, format="json").status_code == 405


def test_strangers_read_no_memory(cy, item):
    assert api_of(cy).get("/api/v1/memory").status_code == 403


def test_a_list_takes_a_fixed_number_of_queries(api, scene, item):
    def queries():
        with CaptureQueriesContext(connection) as caught:
            api.get("/api/v1/memory")
        return len(caught)

    few = queries()
    for number in range(5):
        scene.one(
            "owner",
            "INSERT INTO memory_item (kind, subject) VALUES ('procedural', %s)", f"x{number}",
        )  # fmt: skip
    assert queries() == few


def test_the_page_tells_what_is_known_and_what_happened(desk, item):
    text = desk.get("/memory/").content.decode()
    assert "WebHangs on service" in text
    assert "1 of 2" in text
    assert "not to be said yet: 0 runs with it, 2 without" in text


def test_the_page_is_calm_where_nothing_is_known(desk):
    assert "Nothing is known yet." in desk.get("/memory/").content.decode()
