"""Proofs over the API, checked by whoever reads them: heads, inclusion, consistency, tiles."""

from base64 import b64decode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.ledger import pending, tiles
from audit.ledger.merkle import leaf_hash, reader_of, root, verify_consistency, verify_inclusion
from audit.ledger.notes import Key, TreeHead, open_note
from audit.models import Entry
from ethops.world import ledger_proofs
from tests.integration.api.conftest import api_of


@pytest.fixture
def signed(scene, state):
    """A ledger with two heads, the newer one signed by two witnesses, and an entry beyond it."""
    scene.first = Entry.objects.count()
    scene.keys = scene.sign(state)
    for number in range(300):
        pending.note(kind="person.noted", subject=str(number), body={})
    scene.record()
    scene.sign(state)
    scene.witnesses = [scene.witness("north", "university"), scene.witness("ours", "us")]
    scene.size = Entry.objects.count()
    pending.note(kind="person.noted", subject="later", body={})
    scene.record()
    return scene


def get(api, path):
    answer = api.get(f"/api/v1/ledger/{path}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def hashes(said):
    return [bytes.fromhex(one) for one in said]


def test_an_entry_is_proven_to_whoever_follows_the_hashes(api, signed):
    for seq in (1, signed.first, signed.first + 1, signed.size):
        entry, proof = get(api, f"entries/{seq}"), get(api, f"entries/{seq}/proof")
        leaf = leaf_hash(b64decode(entry["body"]))
        assert proof["leaf"] == leaf.hex()
        top = bytes.fromhex(proof["head"]["root_hash"])
        way = hashes(proof["path"])
        assert verify_inclusion(seq - 1, proof["head"]["size"], leaf, way, top)
        assert proof["holds"] is True


def test_the_head_of_a_proof_is_signed_by_the_log_and_by_witnesses(api, signed):
    head = get(api, "entries/1/proof")["head"]
    keys = [signed.keys.read().key, *(one.key for one in signed.witnesses)]
    text, verified = open_note(head["note"], keys)
    assert len(verified) == 3
    assert TreeHead.parse(text).root.hex() == head["root_hash"]


def test_a_witness_of_our_own_administrator_counts_as_none(api, signed):
    head = get(api, "entries/1/proof")["head"]
    assert {one["witness"]: one["independent"] for one in head["cosigned"]} == {
        "north": True,
        "ours": False,
    }
    assert head["administrators"] == ["university"]


def test_an_entry_that_no_head_covers_yet_is_said_to_be_without_proof(api, signed):
    answer = api.get(f"/api/v1/ledger/entries/{signed.size + 1}/proof")
    assert (answer.status_code, answer.json()["code"]) == (409, "ledger.no_proof")
    assert answer.json()["hint"]


def test_a_proof_takes_a_fixed_number_of_queries(api, signed):
    def queries(seq):
        with CaptureQueriesContext(connection) as caught:
            get(api, f"entries/{seq}/proof")
        return len(caught)

    # Person, entry, size of the head with a witness, head, whose it is, lines, and tiles: at most
    # three of level 0 on the way to the right edge, and one above.
    assert max(queries(seq) for seq in (1, 150, signed.size)) <= 10


def test_heads_are_listed_newest_first_and_found_by_size(api, signed):
    sizes = [one["size"] for one in get(api, "heads")["results"]]
    assert sizes == sorted(sizes, reverse=True)
    assert get(api, "heads/latest")["size"] == sizes[0] == signed.size
    assert get(api, f"heads/{sizes[-1]}")["size"] == signed.first
    assert api.get("/api/v1/ledger/heads/2").status_code == 404


def test_the_older_tree_is_proven_to_be_the_beginning_of_the_newer(api, signed):
    said = get(api, f"consistency?old={signed.first}")
    assert said["new"] == signed.size
    assert verify_consistency(
        said["old"], said["new"], bytes.fromhex(said["old_root"]),
        bytes.fromhex(said["new_root"]), hashes(said["proof"]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("query", "name"),
    [("", "old"), ("old=0", "old"), ("old=x", "old"), ("old=5&new=4", "old"),
     ("old=1&new=999999", "new"), ("old=1&new=", "new")],
)  # fmt: skip
def test_sizes_that_cannot_be_compared_are_named(api, signed, query, name):
    answer = api.get(f"/api/v1/ledger/consistency?{query}")
    assert (answer.status_code, list(answer.json()["errors"])) == (400, [name])


def test_the_checkpoint_is_the_newest_head_as_a_note(api, signed):
    answer = api.get("/api/v1/ledger/checkpoint")
    assert answer["Content-Type"].startswith("text/plain")
    text, _ = open_note(answer.content.decode(), [signed.keys.read().key])
    assert TreeHead.parse(text).size == signed.size


def test_the_tiles_give_the_root_of_the_checkpoint(api, signed):
    def fetch(level, index):
        width = tiles.width_at(signed.size, level, index)
        answer = api.get(f"/api/v1/ledger/{tiles.path(level, index, width)}")
        assert answer.status_code == 200
        assert "immutable" in answer["Cache-Control"]
        return answer.content

    leaves = b"".join(fetch(0, index) for index in range(-(-signed.size // 256)))
    found = [leaves[i : i + 32] for i in range(0, len(leaves), 32)]
    assert root(found).hex() == get(api, "heads/latest")["root_hash"]
    assert fetch(1, 0) == reader_of(found[:256])(8, 0)


def test_bundles_of_entries_hold_the_bytes_of_their_tile(api, signed):
    content = api.get("/api/v1/ledger/tile/entries/000").content
    bodies = Entry.objects.filter(seq__lte=256).order_by("seq").values_list("body", flat=True)
    assert content == tiles.bundle(map(bytes, bodies))


@pytest.mark.parametrize(
    "path",
    ["tile/0/001", "tile/0/002", "tile/0/000.p/256", "tile/0/000.p/0", "tile/1/000.p/2",
     "tile/63/000", "tile/64/000", "tile/entries/001", "tile/0/1", "tile/0/x999/x999/x999/999"],
)  # fmt: skip
def test_a_tile_that_no_head_covers_is_not_there(api, signed, path):
    answer = api.get(f"/api/v1/ledger/{path}")
    assert (answer.status_code, answer.json()["code"]) == (404, "request.not_found")


def test_before_the_first_head_there_is_nothing_and_it_is_said(api, scene):
    for path in ("checkpoint", "heads/latest", "consistency?old=1"):
        answer = api.get(f"/api/v1/ledger/{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "request.not_found"), path
    assert get(api, "heads")["results"] == []


def test_a_tile_that_was_cut_is_said_to_be_no_proof(api, signed, servers, database_name, evil):
    evil("DELETE FROM audit_tile WHERE level = 0 AND index = 0", "audit_tile")
    answer = api.get("/api/v1/ledger/entries/1/proof")
    assert (answer.status_code, answer.json()["code"]) == (409, "ledger.no_proof")


def test_strangers_see_no_proof(cy, signed):
    stranger = api_of(cy)
    for path in ("checkpoint", "heads", "consistency?old=1", "tile/0/000", "entries/1/proof"):
        assert stranger.get(f"/api/v1/ledger/{path}").json()["code"] == "request.forbidden", path


def test_the_key_of_the_log_is_known_by_its_word(signed):
    assert [Key.parse(one.vkey) for one in ledger_proofs.log_keys()] == [signed.keys.read().key]
