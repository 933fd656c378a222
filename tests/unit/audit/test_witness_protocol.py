"""The rules of a witness: the answers of C2SP tlog-witness, and never two histories."""

from dataclasses import replace
from http import HTTPStatus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.ledger import merkle, notes
from audit.ledger.notes import Signer, TreeHead
from audit.witness import protocol
from audit.witness.protocol import Known, MalformedError, Refusal, Request
from tests.doubles.tree import Log

# The request that C2SP tlog-witness shows.
EXAMPLE = """\
old 20852014
PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=
jrJZDmY8Y7SyJE0MWLpLozkIVMSMZcD5kvuKxPC3swk=
5+pKlUdi2LeF/BcMHBn+Ku6yhPGNCswZZD1X/6QgPd8=
/6WVhPs2CwSsb5rYBH5cjHV/wSmA79abXAwhXw3Kj/0=

example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— example.com/behind-the-sofa opLqBQsREYCgu6xQkYQwJr9fo45a62DN9EdmHXnZdXNqlcVGlCum2Wks+49/V6267UEjw6QUXTS5Rovnzv++qbSzm9Q=
"""  # noqa: E501 - as it stands there


def known(log: Log, size: int) -> Known:
    return Known(size, log.head(size).root, "")


def answer(request: Request, log: Log, known: Known | None) -> TreeHead | Refusal:
    head = protocol.opened(request, {log.signer.name: [log.signer.key]})
    if isinstance(head, Refusal):
        return head
    return protocol.follows(request, head, known) or head


def status(request: Request, log: Log, known: Known | None = None) -> int:
    said = answer(request, log, known)
    return said.status if isinstance(said, Refusal) else HTTPStatus.OK


@pytest.fixture
def log() -> Log:
    return Log().grow(20)


def test_the_example_of_the_specification_is_read() -> None:
    request = Request.read(EXAMPLE.encode())
    head = TreeHead.parse(notes.split(request.note)[0])
    assert (request.old, len(request.proof)) == (20852014, 4)
    assert (head.origin, head.size) == ("example.com/behind-the-sofa", 20852163)


def test_the_example_of_the_specification_is_written_as_it_stands() -> None:
    assert Request.read(EXAMPLE.encode()).written() == EXAMPLE.encode()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"old 1",
        b"old 1\n",
        b"old 01\n\nx",
        b"old -1\n\nx",
        b"old +1\n\nx",
        b"old  1\n\nx",
        b"old 1 \n\nx",
        b"old\n\nx",
        b"new 1\n\nx",
        b"old \xd9\xa1\n\nx",
        b"old 99999999999999999999\n\nx",
        b"old 1\n!!!!\n\nx",
        b"old 1\nAAAA\n\nx",
        b"old 1\r\n\r\nx",
        b"\xff\xfe",
        b"old 1\n" + b"PlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n" * 64 + b"\nx",
    ],
    ids=lambda body: repr(body[:16]),
)
def test_what_is_no_request_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        Request.read(body)


@given(st.binary(max_size=300))
def test_no_bytes_do_worse_than_being_malformed(body: bytes) -> None:
    try:
        request = Request.read(body)
    except MalformedError:
        return
    assert isinstance(protocol.opened(request, {}), Refusal)


def test_the_first_tree_head_is_signed(log: Log) -> None:
    assert status(log.request(0), log) == HTTPStatus.OK


def test_an_unknown_log_is_not_found(log: Log) -> None:
    stranger = Log(Signer.new("example.com/other")).grow(3)
    assert status(stranger.request(0), log) == HTTPStatus.NOT_FOUND


def test_another_key_of_the_same_name_is_forbidden(log: Log) -> None:
    other = Log(Signer.new(log.signer.name)).grow(3)
    assert status(other.request(0), log) == HTTPStatus.FORBIDDEN


def test_a_bad_signature_of_the_log_s_key_is_forbidden(log: Log) -> None:
    text, lines = notes.split(log.request(0).note)
    bad = replace(lines[0], data=bytes(64))
    request = Request(0, (), f"{text}\n{bad}\n")
    assert status(request, log) == HTTPStatus.FORBIDDEN


def test_a_good_signature_beside_one_of_a_stranger_is_enough(log: Log) -> None:
    note = log.request(0).note
    stranger = notes.signature_of(log.head().text, Signer.new("example.com/stranger"))
    assert status(Request(0, (), notes.add_lines(note, [stranger])), log) == HTTPStatus.OK


def test_a_note_that_is_no_tree_head_is_malformed(log: Log) -> None:
    request = Request(0, (), notes.sign("hello\n", log.signer))
    assert status(request, log) == HTTPStatus.BAD_REQUEST


def test_an_old_size_above_the_new_one_is_malformed(log: Log) -> None:
    assert status(log.request(9, 5), log, known(log, 9)) == HTTPStatus.BAD_REQUEST


@pytest.mark.parametrize("old", [0, 4, 6])
def test_another_old_size_than_the_known_one_is_a_conflict(log: Log, old: int) -> None:
    said = answer(log.request(old, 9), log, known(log, 5))
    assert isinstance(said, Refusal)
    assert (said.status, said.body, said.content_type) == (409, "5\n", "text/x.tlog.size")


def test_a_conflict_of_a_log_that_was_never_signed_says_zero(log: Log) -> None:
    said = answer(log.request(4, 9), log, None)
    assert isinstance(said, Refusal)
    assert protocol.size_said(said.body.encode()) == 0


@pytest.mark.parametrize(("old", "new"), [(1, 2), (5, 9), (8, 16), (7, 20), (20, 20), (0, 7)])
def test_a_longer_tree_with_its_proof_is_signed(log: Log, old: int, new: int) -> None:
    assert status(log.request(old, new), log, known(log, old)) == HTTPStatus.OK


def test_a_proof_that_is_wrong_is_unprocessable(log: Log) -> None:
    request = log.request(5, 9)
    bad = replace(request, proof=(*request.proof[:-1], bytes(32)))
    assert status(bad, log, known(log, 5)) == HTTPStatus.UNPROCESSABLE_ENTITY


def test_a_proof_where_none_is_needed_is_unprocessable(log: Log) -> None:
    request = replace(log.request(0, 9), proof=(bytes(32),))
    assert status(request, log) == HTTPStatus.UNPROCESSABLE_ENTITY


def test_another_root_for_the_known_size_is_unprocessable(log: Log) -> None:
    other = log.fork(4).grow(5, "other")
    assert status(other.request(9, 9), log, known(log, 9)) == HTTPStatus.UNPROCESSABLE_ENTITY


def test_another_history_is_unprocessable(log: Log) -> None:
    other = log.fork(4).grow(10, "other")
    assert status(other.request(9, 14), log, known(log, 9)) == HTTPStatus.UNPROCESSABLE_ENTITY


def test_an_empty_tree_with_another_root_is_unprocessable(log: Log) -> None:
    text = TreeHead(log.signer.name, 0, bytes(32)).text
    request = Request(0, (), notes.sign(text, log.signer))
    assert status(request, log) == HTTPStatus.UNPROCESSABLE_ENTITY


def test_an_empty_tree_is_signed(log: Log) -> None:
    assert status(log.request(0, 0), log) == HTTPStatus.OK


@pytest.mark.parametrize("body", [b"", b"5", b"05\n", b"x\n", b"-1\n", b"5\n\n", b"9" * 40 + b"\n"])
def test_a_conflict_without_a_size_is_malformed(body: bytes) -> None:
    with pytest.raises(MalformedError):
        protocol.size_said(body)


@given(
    shared=st.integers(0, 12),
    asks=st.lists(
        st.tuples(st.booleans(), st.integers(0, 16), st.integers(0, 16)), min_size=1, max_size=40
    ),
)
def test_whatever_is_asked_two_histories_are_never_signed(
    shared: int, asks: list[tuple[bool, int, int]]
) -> None:
    one = Log().grow(16)
    two = one.fork(shared).grow(16 - shared, "other")
    now: Known | None = None
    signed: list[TreeHead] = []
    for first, old, size in asks:
        said = answer((one if first else two).request(old, size), one, now)
        if isinstance(said, TreeHead):
            signed.append(said)
            now = Known(said.size, said.root, "")
    sizes = [head.size for head in signed]
    assert sizes == sorted(sizes)
    assert any(
        all(head.root == merkle.root(history.leaves[: head.size]) for head in signed)
        for history in (one, two)
    )
