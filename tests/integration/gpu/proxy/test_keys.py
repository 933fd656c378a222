"""Keys are made once, kept as hashes, noted in the record, and refused when switched off."""

import pytest

from audit.models import Pending
from gpu import clients
from gpu.clients import UnfitKeyError
from gpu.errors import UnknownSlotError
from gpu.models import Client


def notes():
    return [row.body for row in Pending.objects.filter(kind="person.gpu_key").order_by("pk")]


def test_a_key_is_shown_once_and_kept_as_its_hash():
    key = clients.make_key("lab", tier="research", slots=["ops"], max_waiting=3, by="ada")
    [client] = clients.listed()
    assert key.startswith("ethops-")
    assert key not in str(vars(client))
    assert len(client.key_hash) == 64
    assert (client.tier, client.slots, client.max_waiting) == ("research", ["ops"], 3)


def test_every_key_is_another():
    made = {clients.make_key(f"c{number}", tier="ops", by="ada") for number in range(5)}
    assert len(made) == 5


def test_keys_are_noted_without_themselves():
    key = clients.make_key("lab", tier="ops", by="person:ada")
    clients.disable("lab", by="person:bo")
    made, off = notes()
    assert (made["what"], made["by"], made["tier"]) == ("made", "person:ada", "ops")
    assert (off["what"], off["by"]) == ("off", "person:bo")
    assert key not in str(notes())


def test_a_key_is_switched_off_once():
    clients.make_key("lab", tier="ops", by="ada")
    assert clients.disable("lab", by="ada")
    assert not clients.disable("lab", by="ada")
    assert not clients.disable("nobody", by="ada")
    assert not Client.objects.get().enabled


@pytest.mark.parametrize(
    "unfit",
    [
        {"name": ""},
        {"name": "a b"},
        {"name": "a\n"},
        {"name": "x" * 61},
        {"tier": "boss"},
        {"max_waiting": 0},
        {"max_waiting": 513},
    ],
)
def test_keys_that_cannot_be_made(unfit):
    with pytest.raises(UnfitKeyError):
        clients.make_key(**{"name": "lab", "tier": "ops", "by": "ada", **unfit})
    assert notes() == []


def test_a_name_is_taken_once():
    clients.make_key("lab", tier="ops", by="ada")
    with pytest.raises(UnfitKeyError, match="another name"):
        clients.make_key("lab", tier="ops", by="ada")
    assert len(notes()) == 1


@pytest.mark.parametrize("slot", ["gone", "embed"])
def test_slots_must_be_there_for_the_tier(slot):
    with pytest.raises(UnknownSlotError, match="ops"):
        clients.make_key("lab", tier="ops", slots=[slot], by="ada")
