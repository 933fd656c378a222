"""Commitments and signed statements: what they promise, for whatever is put in."""

import hashlib
from typing import cast

import pytest
import rfc8785
from hypothesis import assume, given
from hypothesis import strategies as st

from audit.canonical import JSON, LARGEST_INTEGER, canonical
from audit.commitments import SALT_BYTES, commitment, new_salt
from audit.errors import NotCanonicalError
from audit.signatures import holds
from personas.incarnation import Incarnation

salts = st.binary(min_size=SALT_BYTES, max_size=SALT_BYTES)
values = st.text(st.characters(exclude_categories=["Cs"]))
keys = st.text(st.characters(max_codepoint=127), max_size=10)
whole = st.integers(-LARGEST_INTEGER, LARGEST_INTEGER)
statements = st.dictionaries(keys, st.none() | st.booleans() | whole | values, max_size=8)


@given(salts, values)
def test_a_commitment_is_the_hash_that_the_page_says(salt, value):
    assert commitment(salt, value) == hashlib.sha256(b"\x02" + salt + value.encode()).hexdigest()


@given(salts, values, salts, values)
def test_nothing_else_has_the_same_commitment(salt, value, other_salt, other):
    assume((salt, value) != (other_salt, other))
    assert commitment(salt, value) != commitment(other_salt, other)


@given(st.binary(max_size=40).filter(lambda salt: len(salt) != SALT_BYTES), values)
def test_a_salt_of_another_length_is_refused(salt, value):
    # Else a byte could wander from the salt into the value.
    with pytest.raises(ValueError, match="16 bytes"):
        commitment(salt, value)


@given(salts, values)
def test_a_commitment_is_never_a_leaf_or_a_link(salt, value):
    data = salt + value.encode()
    others = {hashlib.sha256(mark + data).hexdigest() for mark in (b"\x00", b"\x01")}
    assert commitment(salt, value) not in others


def test_no_two_salts_are_the_same():
    assert len({new_salt() for _ in range(1000)}) == 1000


@given(statements)
def test_a_statement_is_in_the_form_of_rfc_8785(said):
    signer = Incarnation.mint()
    signed = signer.sign(said)
    whole = {**said, "v": 1, "instance": str(signer.id), "instance_seq": 1,
             "instance_prev": "00" * 32}  # fmt: skip
    assert signed.statement.encode() == rfc8785.dumps(whole)


@given(statements, statements)
def test_a_signature_holds_for_its_statement_alone(said, other):
    assume(said != other)
    signer = Incarnation.mint()
    one, two = signer.sign(said), signer.sign(other)
    assume(one.statement != two.statement)
    key = signer.public_key.hex()
    assert [
        holds(key=key, statement=each.statement, signature=one.signature) for each in (one, two)
    ] == [True, False]


@pytest.mark.parametrize(
    ("key", "signature"),
    [("", ""), ("zz", "00" * 64), ("00" * 31, "00" * 64), ("ff" * 32, "00" * 64), ("00" * 32, "0")],
)
def test_nonsense_is_no_signature(key, signature):
    assert holds(key=key, statement="{}", signature=signature) is False


def test_the_next_statement_names_the_one_before():
    signer = Incarnation.mint()
    first = signer.sign({})
    signer.counted(first)
    digest = hashlib.sha256(first.statement.encode()).hexdigest()
    assert f'"instance_prev":"{digest}","instance_seq":2' in signer.sign({}).statement


def test_the_private_half_is_not_shown():
    signer = Incarnation.mint()
    assert signer.key.private_bytes_raw().hex() not in repr(signer)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [1, {"b": 0.5}]}, "$.a[1].b"),
        ({"a": {"c": 2**53}}, "$.a.c"),
        ({"a": [{"é": 1}]}, "$.a[0]"),
        ({"a": ["\ud800"]}, "$.a[0]"),
        ({"a": -(2**53)}, "$.a"),
        ({"a": float("nan")}, "$.a"),
    ],
    ids=["float", "huge", "key", "half a character", "hugely negative", "nan"],
)
def test_what_does_not_fit_is_refused_with_its_path(value, where):
    with pytest.raises(NotCanonicalError) as refusal:
        canonical(value)
    assert str(refusal.value).startswith(f"{where}: ")


def test_what_is_nested_too_deeply_is_refused():
    value: list[object] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(NotCanonicalError, match="deeply"):
        canonical(cast("JSON", value))
