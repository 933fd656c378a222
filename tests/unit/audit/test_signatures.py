"""Signatures of incarnations: what holds here holds for every verifier, and somebody made it."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from audit.signatures import holds
from audit.verify import signed

P = 2**255 - 19
EIGHTH = 0x7A03AC9277FDC74EC6CC392CFA53202A0F67100D760B3CBA4FD84D3D706A17C7
WEAK = [
    (y | sign << 255).to_bytes(32, "little")
    for y in (0, 1, P - 1, EIGHTH, P - EIGHTH, P, P + 1)
    for sign in (0, 1)
]


@pytest.mark.parametrize("key", WEAK, ids=[key.hex()[:8] + key.hex()[-2:] for key in WEAK])
def test_nothing_holds_under_a_key_that_everybody_can_sign_with(key):
    # Nothing times the base point, and a point of small order: that is a signature of nobody.
    said = [
        holds(key=key.hex(), statement=str(n), signature=(first + bytes(32)).hex())
        for n in range(16)
        for first in WEAK
    ]
    assert not any(said)


def test_somebody_could_sign_with_them_otherwise():
    identity = (1).to_bytes(32, "little")
    assert signed(identity, b"anything", identity + bytes(32))


def test_what_its_owner_signed_holds():
    private = Ed25519PrivateKey.from_private_bytes(bytes([7] * 32))
    key = private.public_key().public_bytes_raw().hex()
    assert holds(key=key, statement="x", signature=private.sign(b"x").hex())


@pytest.mark.parametrize("key", ["", "00", "zz" * 32, "ff" * 33])
def test_what_is_no_key_signs_nothing(key):
    assert not holds(key=key, statement="x", signature="00" * 64)
