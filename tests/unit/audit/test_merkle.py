"""The tree against published vectors, properties, and an independent implementation."""

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import NoProofError
from audit.ledger.merkle import (
    EMPTY,
    Frontier,
    consistency,
    inclusion,
    leaf_hash,
    reader_of,
    root,
    root_at,
    verify_consistency,
    verify_inclusion,
)

# The vectors of the reference implementation of RFC 6962 (certificate-transparency,
# merkle_tree_test): eight leaves, the root after each, proofs with 1-based leaves.
LEAVES = [
    bytes.fromhex(each)
    for each in (
        "", "00", "10", "2021", "3031", "40414243", "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]  # fmt: skip
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
N1 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
N2 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
N3 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
N4 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
N5 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
N6 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
INCLUSIONS = [
    (1, 1, []),
    (1, 8, [N1, N2, N3]),
    (6, 8, [N4, N5, ROOTS[3]]),
    (3, 3, [ROOTS[1]]),
    (2, 5, [ROOTS[0], N2, N4]),
]
CONSISTENCIES = [
    (1, 1, []),
    (1, 8, [N1, N2, N3]),
    (6, 8, [N6, N5, ROOTS[3]]),
    (2, 5, [N2, N4]),
]
HASHES = [leaf_hash(leaf) for leaf in LEAVES]
READER = reader_of(HASHES)

entries = st.lists(st.binary(max_size=8), min_size=1, max_size=70, unique=True)


def tree_of(data):
    theirs = pymerkle.InmemoryTree(algorithm="sha256")
    for each in data:
        theirs.append_entry(each)
    return theirs


def hexes(proof):
    return [node.hex() for node in proof]


def test_the_empty_tree_has_the_hash_of_nothing():
    assert root([]) == EMPTY


@pytest.mark.parametrize("size", range(1, 9))
def test_roots_are_the_published_ones(size):
    assert root(HASHES[:size]).hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("leaf", "size", "proof"), INCLUSIONS)
def test_inclusion_proofs_are_the_published_ones(leaf, size, proof):
    assert hexes(inclusion(leaf - 1, size, READER)) == proof


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCIES)
def test_consistency_proofs_are_the_published_ones(old, new, proof):
    assert hexes(consistency(old, new, READER)) == proof


@given(entries, st.data())
def test_every_leaf_is_proven_and_in_no_other_place(data, draw):
    hashes = [leaf_hash(each) for each in data]
    index = draw.draw(st.integers(0, len(hashes) - 1))
    proof = inclusion(index, len(hashes), reader_of(hashes))
    proven = [
        verify_inclusion(at, len(hashes), hashes[index], proof, root(hashes))
        for at in range(len(hashes))
    ]
    assert [at for at, found in enumerate(proven) if found] == [index]


@given(entries, st.data())
def test_every_beginning_is_proven(data, draw):
    hashes = [leaf_hash(each) for each in data]
    old = draw.draw(st.integers(0, len(hashes)))
    proof = consistency(old, len(hashes), reader_of(hashes))
    assert verify_consistency(old, len(hashes), root(hashes[:old]), root(hashes), proof)


@given(entries, st.data())
def test_another_history_is_not_consistent(data, draw):
    hashes = [leaf_hash(each) for each in data]
    old = draw.draw(st.integers(1, len(hashes)))
    other = [leaf_hash(b"other"), *hashes[1:old]]
    if other == hashes[:old]:
        return
    proof = consistency(old, len(hashes), reader_of(hashes))
    assert not verify_consistency(old, len(hashes), root(other), root(hashes), proof)


@given(entries, st.data())
def test_a_changed_inclusion_proof_is_refused(data, draw):
    hashes = [leaf_hash(each) for each in data]
    index = draw.draw(st.integers(0, len(hashes) - 1))
    proof = inclusion(index, len(hashes), reader_of(hashes))
    changed = draw.draw(st.sampled_from([[*proof, bytes(32)], proof[:-1], [bytes(32), *proof[1:]]]))
    found = verify_inclusion(index, len(hashes), hashes[index], changed, root(hashes))
    assert found is (changed == proof)


@given(entries, st.data())
def test_a_changed_consistency_proof_is_refused(data, draw):
    hashes = [leaf_hash(each) for each in data]
    old = draw.draw(st.integers(1, len(hashes)))
    proof = consistency(old, len(hashes), reader_of(hashes))
    changed = draw.draw(st.sampled_from([[*proof, bytes(32)], proof[:-1], [bytes(32), *proof[1:]]]))
    found = verify_consistency(old, len(hashes), root(hashes[:old]), root(hashes), changed)
    assert found is (changed == proof)


@given(entries, st.data())
def test_a_frontier_goes_on_from_any_size(data, draw):
    hashes = [leaf_hash(each) for each in data]
    middle = draw.draw(st.integers(0, len(hashes)))
    frontier = Frontier.read(middle, reader_of(hashes))
    for each in hashes[middle:]:
        frontier.append(each)
    assert (frontier.size, frontier.root()) == (len(hashes), root(hashes))


@given(entries)
def test_the_tree_is_that_of_an_independent_implementation(data):
    theirs = tree_of(data)
    sizes = range(1, len(data) + 1)
    ours = [root_at(n, reader_of([leaf_hash(each) for each in data])) for n in sizes]
    assert ours == [theirs.get_root(n) for n in sizes]


@given(entries, st.data())
def test_inclusion_proofs_hold_against_an_independent_implementation(data, draw):
    theirs = tree_of(data)
    hashes = [leaf_hash(each) for each in data]
    index = draw.draw(st.integers(0, len(data) - 1))
    said = theirs.prove_inclusion(index + 1).serialize()["path"]
    ours = inclusion(index, len(data), reader_of(hashes))
    assert said == [hashes[index].hex(), *hexes(ours)]


@given(entries, st.data())
def test_our_consistency_proofs_hold_between_roots_of_an_independent_implementation(data, draw):
    theirs = tree_of(data)
    old = draw.draw(st.integers(1, len(data)))
    proof = consistency(old, len(data), reader_of([leaf_hash(each) for each in data]))
    assert verify_consistency(
        old, len(data), theirs.get_root(old), theirs.get_root(len(data)), proof
    )


@given(entries, st.data())
def test_consistency_proofs_of_an_independent_implementation_hold_between_our_roots(data, draw):
    hashes = [leaf_hash(each) for each in data]
    old = draw.draw(st.integers(1, len(data)))
    proof = tree_of(data).prove_consistency(old, len(data))
    # Raises where they do not hold.
    assert pymerkle.verify_consistency(root(hashes[:old]), root(hashes), proof) is None


@pytest.mark.parametrize(("index", "size"), [(0, 0), (3, 3), (-1, 3)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(index, size):
    with pytest.raises(NoProofError):
        inclusion(index, size, READER)


def test_there_is_no_proof_backwards():
    with pytest.raises(NoProofError):
        consistency(5, 3, READER)
