"""Notes, tree heads and cosignatures against the examples of the C2SP specifications."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit.errors import NoteError
from audit.ledger.notes import (
    Key,
    Kind,
    Signer,
    TreeHead,
    add_lines,
    cosign,
    open_note,
    parse_line,
    sign,
    signature_of,
    split,
    verify_lines,
)

# C2SP signed-note, "Example".
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n— example.com/foo "
    "Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM="
    "\n"
)
# C2SP tlog-cosignature, the example of a checkpoint with a cosignature of time 1679315147.
COSIGNED = (
    "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n"
    "— example.com/behind-the-sofa "
    "Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
    "— witness.example.com/w1 "
    "jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIU"
    "BkBIfZ+qnA==\n"
)
# The first example of the Go library golang.org/x/mod/sumdb/note, which signed-note came from.
GO_PRIVATE = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = (
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n"
)
GO_NOTE = (
    f"{GO_TEXT}\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
HEAD = TreeHead("ethops/somewhere", 3, bytes(range(32)))
LOG = Signer("ethops/somewhere", Ed25519PrivateKey.from_private_bytes(bytes([7] * 32)))
WITNESS = Signer(
    "witness.example/1", Ed25519PrivateKey.from_private_bytes(bytes([8] * 32)), Kind.COSIGNATURE
)
AT = 1679315147


def test_the_example_of_the_specification_opens():
    text, verified = open_note(NOTE, [Key.parse(VKEY)])
    assert (text, [each.key.vkey for each in verified]) == ("This is an example message.\n", [VKEY])


def test_a_note_of_the_go_library_opens():
    text, _ = open_note(GO_NOTE, [Key.parse(GO_PUBLIC)])
    assert text == GO_TEXT


def test_a_private_word_of_the_go_library_makes_its_note():
    assert sign(GO_TEXT, Signer.parse(GO_PRIVATE)) == GO_NOTE


def test_the_example_of_a_tree_head_parses():
    text, _ = split(COSIGNED)
    head = TreeHead.parse(text)
    assert (head.origin, head.size, head.text) == ("example.com/behind-the-sofa", 20852163, text)


def test_the_example_of_a_cosignature_has_its_time():
    _, lines = split(COSIGNED)
    assert int.from_bytes(lines[1].data[:8]) == AT


def test_a_note_is_its_lines_again():
    text, lines = split(COSIGNED)
    assert text + "\n" + "".join(f"{line}\n" for line in lines) == COSIGNED


def test_a_vkey_is_read_as_it_is_written():
    assert Key.parse(VKEY).vkey == VKEY


def test_a_private_word_is_read_as_it_is_written():
    assert Signer.parse(LOG.word).word == LOG.word


def test_a_cosignature_opens_with_its_time():
    note = add_lines(sign(HEAD.text, LOG), [cosign(HEAD.text, WITNESS, AT)])
    _, verified = open_note(note, [LOG.key, WITNESS.key])
    assert [(each.key.name, each.at) for each in verified] == [(LOG.name, None), (WITNESS.name, AT)]


def test_a_line_is_added_once():
    line = cosign(HEAD.text, WITNESS, AT)
    once = add_lines(sign(HEAD.text, LOG), [line, line])
    assert add_lines(once, [line]) == once


def test_lines_of_unknown_keys_are_passed_over():
    note = add_lines(sign(HEAD.text, LOG), [cosign(HEAD.text, WITNESS, AT)])
    assert [each.key for each in open_note(note, [LOG.key])[1]] == [LOG.key]


def test_a_note_of_nobody_known_is_refused():
    with pytest.raises(NoteError, match="none of the known keys"):
        open_note(sign(HEAD.text, LOG), [WITNESS.key])


def test_a_plain_signature_is_no_cosignature():
    line = signature_of(HEAD.text, WITNESS)
    with pytest.raises(NoteError, match="is bad"):
        verify_lines(HEAD.text, [line], [WITNESS.key])


def test_a_cosignature_of_another_time_is_refused():
    line = parse_line(str(cosign(HEAD.text, WITNESS, AT)))
    moved = type(line)(line.name, line.key_id, (AT + 1).to_bytes(8) + line.data[8:])
    with pytest.raises(NoteError, match="is bad"):
        verify_lines(HEAD.text, [moved], [WITNESS.key])


@given(st.data())
def test_a_note_with_one_changed_byte_is_refused(draw):
    raw = bytearray(sign(HEAD.text, LOG).encode())
    at = draw.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= draw.draw(st.integers(1, 255))
    with pytest.raises((NoteError, UnicodeDecodeError)):
        open_note(raw.decode(), [LOG.key])


@pytest.mark.parametrize(
    "note",
    [
        "",
        "text\n",
        "text\n\n",
        "text\n\n\n",
        NOTE.removesuffix("\n"),
        NOTE.replace("\n\n", "\n"),
        NOTE.replace("— ", "- "),
        NOTE.replace("— ", "—  "),
        NOTE.replace("This", "\x07his"),
        NOTE.replace("This", "\ud800his"),
        NOTE + "what else\n",
        NOTE.replace("aQM=", "aQN="),
        NOTE.replace("aQM=", "aQM"),
        "x" * 2_000_000,
        "text\n\n" + "— a AAAAAAA=\n" * 101,
    ],
    ids=range(15),
)
def test_what_is_no_note_is_refused(note):
    with pytest.raises(NoteError):
        open_note(note, [Key.parse(VKEY)])


@pytest.mark.parametrize(
    "vkey",
    [
        "",
        "example.com/foo",
        VKEY.replace("530d903a", "530d903b"),
        VKEY.replace("foo", "bar"),
        VKEY.replace("+AekyeRrm", "+AukyeRrm"),
        VKEY[:-4],
        "a b+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k",
    ],
)
def test_what_is_no_vkey_is_refused(vkey):
    with pytest.raises(NoteError):
        Key.parse(vkey)


@pytest.mark.parametrize(
    "word", ["", VKEY, LOG.word.replace("ethops", "ethopz"), LOG.word[:-4], "PRIVATE+KEY+a+b+c"]
)
def test_what_is_no_private_word_is_refused_without_repeating_it(word):
    with pytest.raises(NoteError) as refused:
        Signer.parse(word)
    assert "AQcHBw" not in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a\n1\n",
        HEAD.text.rstrip("\n"),
        HEAD.text + "\n",
        HEAD.text + "\next\n",
        HEAD.text.replace("\n3\n", "\n03\n"),
        HEAD.text.replace("\n3\n", "\n-3\n"),
        HEAD.text.replace("\n3\n", "\n³\n"),
        HEAD.text.replace("ethops/somewhere", ""),
        HEAD.text.replace("=", ""),
        HEAD.text.replace("AAECAw", "AAEC"),
    ],
)
def test_what_is_no_tree_head_is_refused(text):
    with pytest.raises(NoteError):
        TreeHead.parse(text)


def test_extension_lines_are_kept():
    head = TreeHead("a", 0, bytes(32), ("one", "two"))
    assert TreeHead.parse(head.text) == head
