"""A part counts only when everything about it is proven."""

import pytest

from ethops.demo.parts import Look, Proof


@pytest.mark.parametrize(
    ("holds", "happened"),
    [([True, True], True), ([True, False], False), ([False], False)],
)
def test_one_missing_proof_is_enough(holds, happened):
    look = Look(None, [Proof(f"p{n}", value) for n, value in enumerate(holds)], "fact")
    assert look.happened is happened


def test_what_is_missing_is_named():
    proofs = [Proof("seen", holds=True), Proof("the process is gone", holds=False)]
    look = Look(None, proofs, "fact")
    assert look.missing == ["the process is gone"]
