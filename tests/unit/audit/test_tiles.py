"""Tiles as C2SP tlog-tiles cuts them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import NoProofError
from audit.ledger.merkle import inclusion, leaf_hash, reader_of, root, root_at, verify_inclusion
from audit.ledger.tiles import Growth, bundle, path, reader, tiles_of, width_at

HASHES = [leaf_hash(str(n).encode()) for n in range(70_000)]


def grown(size, *, steps=(), stored=None):
    """The tiles of a tree of this size, stored whenever a step ends."""
    stored = {} if stored is None else stored

    def fetch(level, index):
        return stored.get((level, index), b"")

    at = 0
    for end in [*steps, size]:
        growth = Growth(at, fetch)
        for leaf in HASHES[at:end]:
            growth.append(leaf)
        stored.update(growth.settle())
        at = end
    return growth, fetch, stored


@pytest.mark.parametrize(
    ("level", "index", "width", "said"),
    [
        (0, 0, 256, "tile/0/000"),
        (1, 5, 17, "tile/1/005.p/17"),
        # The example of the specification.
        (0, 1234067, 256, "tile/0/x001/x234/067"),
        ("entries", 1000, 3, "tile/entries/x001/000.p/3"),
    ],
)
def test_paths_are_those_of_the_specification(level, index, width, said):
    assert path(level, index, width) == said


def test_a_tree_of_70000_has_the_tiles_of_the_specification():
    tiles = list(tiles_of(70_000))
    widths = {at: [width for level, _, width in tiles if level == at] for at, _, _ in tiles}
    assert widths == {0: [256] * 273 + [112], 1: [256, 17], 2: [1]}


def test_a_tree_of_256_has_the_tiles_of_the_specification():
    assert list(tiles_of(256)) == [(0, 0, 256), (1, 0, 1)]


def test_the_empty_tree_has_no_tiles():
    assert list(tiles_of(0)) == []


@pytest.mark.parametrize("size", [1, 255, 256, 257, 65_535, 65_536, 65_537, 70_000])
def test_grown_tiles_are_just_those_of_the_size(size):
    _, _, stored = grown(size)
    assert {place: len(hashes) // 32 for place, hashes in stored.items()} == {
        (level, index): width for level, index, width in tiles_of(size)
    }


@given(st.lists(st.integers(0, 1500), max_size=6).map(sorted))
def test_however_it_is_cut_a_tree_is_the_same(steps):
    _, _, stored = grown(1500, steps=steps)
    assert stored == grown(1500)[2]


@given(st.integers(1, 1500))
def test_the_root_is_that_of_the_leaves(size):
    growth, fetch, _ = grown(size)
    assert growth.root() == root(HASHES[:size]) == root_at(size, reader(fetch))


@given(st.integers(1, 1500), st.data())
def test_proofs_come_out_of_tiles(size, draw):
    _, fetch, _ = grown(size)
    index = draw.draw(st.integers(0, size - 1))
    assert inclusion(index, size, reader(fetch)) == inclusion(index, size, reader_of(HASHES[:size]))


def test_tiles_of_a_later_size_prove_an_earlier_one():
    _, fetch, _ = grown(70_000)
    proof = inclusion(65_000, 66_001, reader(fetch))
    assert verify_inclusion(65_000, 66_001, HASHES[65_000], proof, root(HASHES[:66_001]))


@pytest.mark.parametrize("place", [(0, 1), (1, 0)])
def test_an_edge_that_is_gone_is_said(place):
    _, _, stored = grown(300)
    del stored[place]
    with pytest.raises(NoProofError, match=f"tile {place[0]}/{place[1]}"):
        Growth(300, lambda level, index: stored.get((level, index), b""))


def test_only_what_has_changed_is_stored_again():
    _, _, stored = grown(70_000)
    growth = Growth(70_000, lambda level, index: stored.get((level, index), b""))
    growth.append(leaf_hash(b"one more"))
    assert list(growth.settle()) == [(0, 273)]


@pytest.mark.parametrize(("size", "width"), [(0, 0), (10, 10), (256, 256), (300, 256)])
def test_the_width_of_a_tile_follows_from_the_size(size, width):
    assert width_at(size, 0, 0) == width


def test_a_bundle_gives_each_entry_its_length():
    assert bundle([b"", b"ab", b"x" * 300]) == b"\0\0" + b"\0\2ab" + b"\1\x2c" + b"x" * 300
