"""The signer of tree heads: real entries, kills, and databases that contradict themselves."""

import signal
import stat
import time

import psycopg
import pytest

from audit.checkpointer import Checkpointer, Tree, main, rotate
from audit.errors import SigningRefusedError
from audit.ledger import pending
from audit.ledger.logkeys import KeyFile, hands_over
from audit.ledger.merkle import leaf_hash, root
from audit.ledger.notes import Key, Signer, TreeHead, open_note, sign
from tests.doubles.recording import sign_heads, write_down

REFUSED = psycopg.errors.InsufficientPrivilege


@pytest.fixture
def keys(tmp_path):
    return KeyFile(tmp_path / "ledger" / "log.key")


@pytest.fixture
def entries(role):
    """`entries(3)` appends three."""
    link = role("audit_writer")

    def append(count):
        for number in range(count):
            pending.note(kind="person.noted", subject=str(number), body={"n": number})
        write_down(link)

    return append


@pytest.fixture
def signer(role):
    return role("audit_signer")


def signed(link):
    return link.execute("SELECT size, root, note FROM audit_treehead ORDER BY size").fetchall()


def leaves(link):
    return [
        leaf_hash(bytes(body))
        for (body,) in link.execute("SELECT body FROM audit_entry ORDER BY seq").fetchall()
    ]


def refused(link, keys):
    with pytest.raises(SigningRefusedError) as why:
        sign_heads(link, keys)
    return why.value.state


# ---------------------------------------------------------------- signing


def test_a_head_is_signed_over_the_entries(entries, signer, keys):
    entries(300)
    sign_heads(signer, keys)
    size, top, note = signed(signer)[-1]
    text, _ = open_note(note, [keys.read().key])
    head = TreeHead.parse(text)
    # The birth of the key is written down as well, some time later.
    assert (size, head.size, head.root) == (300, 300, bytes(top))
    assert bytes(top) == root(leaves(signer)[:300])


def test_nothing_new_is_nothing_to_sign(entries, signer, keys):
    entries(3)
    tree = sign_heads(signer, keys)
    assert (tree.sign_next(signer), len(signed(signer))) == (0, 1)


def test_an_empty_ledger_has_no_head(signer, keys):
    sign_heads(signer, keys)
    assert signed(signer) == []


def test_it_goes_on_where_it_ended(entries, signer, keys):
    for count in (3, 300, 1):
        entries(count)
        sign_heads(signer, keys)
    found = [(size, bytes(top)) for size, top, _ in signed(signer)]
    known = leaves(signer)
    assert found == [(size, root(known[:size])) for size, _ in found]


def test_the_key_is_readable_by_its_owner_alone(signer, keys):
    sign_heads(signer, keys)
    assert stat.S_IMODE(keys.path.stat().st_mode) == 0o600


def test_the_first_key_is_written_down(entries, signer, keys):
    sign_heads(signer, keys)
    entries(0)
    said = signer.execute("SELECT subject FROM audit_entry WHERE kind = 'ledger.key'").fetchall()
    assert said == [(keys.read().key.vkey,)]


def test_two_signers_sign_one_root_for_a_size(entries, signer, role, keys):
    entries(3)
    first, other = Tree.resume(signer, keys), role("audit_signer")
    second = Tree.resume(other, keys)
    assert (first.sign_next(signer), second.sign_next(other)) == (3, None)


def test_a_signer_whose_key_was_followed_signs_no_more(entries, signer, role, keys):
    entries(3)
    slow = sign_heads(signer, keys)
    rotate(keys)
    sign_heads(signer, keys)
    entries(3)
    assert slow.sign_next(signer) is None


def test_a_head_that_was_not_remembered_is_the_one_that_is_published(entries, signer, keys):
    entries(3)
    sign_heads(signer, keys)
    entries(3)
    tree = Tree.resume(signer, keys)
    in_the_way = keys.signed.with_name(keys.signed.name + ".new")
    in_the_way.mkdir()
    with pytest.raises(SigningRefusedError, match="cannot be written"):
        tree.sign_next(signer)
    in_the_way.rmdir()
    Tree.resume(signer, keys)
    assert keys.signed.read_text() == signed(signer)[-1][2]


# ---------------------------------------------------------------- keys


def test_a_key_hands_over_to_the_next(entries, signer, keys):
    entries(3)
    sign_heads(signer, keys)
    old = keys.read().key
    rotate(keys)
    entries(2)
    sign_heads(signer, keys)
    rows = signer.execute("SELECT vkey, from_size, statement FROM audit_logkey ORDER BY n")
    (_, (vkey, from_size, note)) = rows.fetchall()
    assert (vkey, from_size) == (keys.read().key.vkey, 4)
    assert hands_over(note, old, Key.parse(vkey), from_size)


def test_heads_after_the_handing_over_are_signed_by_the_new_key(entries, signer, keys):
    entries(3)
    sign_heads(signer, keys)
    rotate(keys)
    entries(2)
    sign_heads(signer, keys)
    text, _ = open_note(signed(signer)[-1][2], [keys.read().key])
    assert TreeHead.parse(text).size > 3


def test_the_old_key_is_gone_after_it_has_handed_over(entries, signer, keys):
    entries(3)
    sign_heads(signer, keys)
    old = keys.path.read_text()
    rotate(keys)
    sign_heads(signer, keys)
    assert old not in [each.read_text() for each in keys.path.parent.iterdir()]


def test_a_kill_between_registering_and_moving_a_key_is_made_good(entries, signer, keys):
    entries(3)
    sign_heads(signer, keys)
    rotate(keys)
    waiting = keys.next.read_text()
    sign_heads(signer, keys)
    # As if the file had not been moved yet; the old key is whatever it was.
    keys.path.rename(keys.next)
    keys.make("ethops/whoever")
    sign_heads(signer, keys)
    assert (keys.path.read_text(), keys.next.exists()) == (waiting, False)


def test_a_second_waiting_key_is_refused(signer, keys):
    sign_heads(signer, keys)
    assert (rotate(keys), rotate(keys)) == (0, 1)


# ---------------------------------------------------------------- refusals


def test_a_key_that_others_can_read_is_refused(signer, keys):
    sign_heads(signer, keys)
    keys.path.chmod(0o640)
    assert refused(signer, keys) == "key_exposed"


def test_a_lost_key_is_not_made_anew(signer, keys):
    sign_heads(signer, keys)
    keys.path.unlink()
    assert (refused(signer, keys), keys.path.exists()) == ("key_lost", False)


def test_a_key_of_somebody_else_is_refused(signer, keys):
    sign_heads(signer, keys)
    name = keys.read().name
    keys.path.unlink()
    keys.make(name)
    assert refused(signer, keys) == "key_unknown"


def test_a_damaged_key_is_refused(signer, keys):
    sign_heads(signer, keys)
    keys.path.write_text("rubbish")
    assert refused(signer, keys) == "key_unreadable"


def test_the_key_of_another_ledger_is_refused(entries, signer, keys):
    keys.make("ethops/another")
    assert refused(signer, keys) == "key_of_another"


CONTRADICTIONS = {
    "an edited tile": ("audit_tile",
                       "UPDATE audit_tile SET hashes = decode(repeat('00',96), 'hex')",
                       "tree_disagrees"),
    "a tile that is gone": ("audit_tile", "DELETE FROM audit_tile", "tree_incomplete"),
    "an edited root": ("audit_treehead", "UPDATE audit_treehead SET root = sha256('')",
                       "tree_disagrees"),
    "an edited note": ("audit_treehead", "UPDATE audit_treehead SET note = replace(note, '3', '4')",
                       "head_unsigned"),
    "heads that are gone": ("audit_treehead", "DELETE FROM audit_treehead", "rolled_back"),
    "an edited entry": ("audit_entry", "UPDATE audit_entry SET body = '{}' WHERE seq = 3",
                        "chain_disagrees"),
    "an entry that is gone": ("audit_entry", "DELETE FROM audit_entry WHERE seq = 3",
                              "chain_short"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("table", "statement", "state"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys()
)
def test_contradictions_are_refused(entries, signer, keys, tamper, table, statement, state):
    entries(3)
    sign_heads(signer, keys)
    tamper(table, statement)
    assert refused(signer, keys) == state


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_entry SET body = '{}' WHERE seq = 5",
        "UPDATE audit_entry SET prev = hash WHERE seq = 5",
        "DELETE FROM audit_entry WHERE seq = 5",
    ],
)
def test_a_broken_chain_is_not_signed(entries, signer, keys, tamper, statement):
    entries(3)
    sign_heads(signer, keys)
    entries(5)
    tamper("audit_entry", statement)
    assert (refused(signer, keys), len(signed(signer))) == ("chain_broken", 1)


def test_another_history_of_the_same_length_is_refused(entries, signer, keys, tamper):
    entries(3)
    sign_heads(signer, keys)
    tamper("audit_treehead", "UPDATE audit_treehead SET size = 2")
    keys.remember(keys.signed.read_text())
    assert refused(signer, keys) in {"rolled_back", "tree_disagrees"}


# ---------------------------------------------------------------- rows


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_tile SET hashes = sha256('')",
        "UPDATE audit_tile SET hashes = substr(hashes, 1, 32)",
        "UPDATE audit_tile SET hashes = hashes || '\\x00'",
        "UPDATE audit_tile SET index = 7",
        "DELETE FROM audit_tile",
        "TRUNCATE audit_tile",
        "UPDATE audit_treehead SET note = ''",
        "DELETE FROM audit_treehead",
        "TRUNCATE audit_treehead",
        "UPDATE audit_logkey SET vkey = ''",
        "DELETE FROM audit_logkey",
        "TRUNCATE audit_logkey",
    ],
)
def test_the_tree_is_append_only_even_to_the_owner(role, entries, signer, keys, statement):
    entries(3)
    sign_heads(signer, keys)
    with pytest.raises((REFUSED, psycopg.errors.CheckViolation)):
        role("owner").execute(statement)


@pytest.mark.parametrize("name", ["app", "agent", "executor", "gpu", "audit_writer", "witness"])
def test_nobody_else_grows_the_tree(role, name):
    with pytest.raises(REFUSED):
        role(name).execute(
            "SELECT audit.grow_tree('', 0, 1, sha256(''), '', '{}'::int[], '{}'::bigint[],"
            " '{}'::bytea[])"
        )


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT audit.append('{}', '{}')",
        "SELECT * FROM audit_pending",
        "SELECT * FROM audit_value",
        "INSERT INTO audit_treehead (size, root, note) VALUES (1, '', '')",
    ],
)
def test_the_signer_only_signs(signer, statement):
    with pytest.raises((REFUSED, psycopg.errors.UndefinedTable)):
        signer.execute(statement)


def test_no_head_reaches_beyond_the_entries(signer, keys):
    sign_heads(signer, keys)
    with pytest.raises(psycopg.errors.CheckViolation):
        signer.execute(
            "SELECT audit.grow_tree(%s, 0, 7, sha256(''), '', '{}'::int[], '{}'::bigint[],"
            " '{}'::bytea[])",
            [keys.read().key.vkey],
        )


# ---------------------------------------------------------------- the process


def until(happened, what, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not (found := happened()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.02)
    return found


def covered(link):
    top = link.execute("SELECT max(size) FROM audit_treehead").fetchone()[0] or 0
    return top == link.execute("SELECT max(seq) FROM audit_entry").fetchone()[0]


@pytest.mark.processes
def test_it_survives_kills_at_any_moment(entries, signer, start_process, tmp_path):
    for _ in range(5):
        before = len(signed(signer))
        process = start_process("checkpointer")
        entries(40)
        until(lambda before=before: len(signed(signer)) > before, "a head")
        process.send_signal(signal.SIGKILL)
        process.wait()
    start_process("recorder")
    start_process("checkpointer")
    until(lambda: covered(signer), "all entries signed")
    known = leaves(signer)
    heads = signed(signer)
    assert [bytes(top) for _, top, _ in heads] == [root(known[:size]) for size, _, _ in heads]


@pytest.mark.processes
def test_it_says_how_it_stands_and_that_it_lives(role, start_process, tmp_path):
    start_process("checkpointer")
    app = role("app")
    until(
        lambda: app.execute("SELECT 1 FROM audit_heartbeat WHERE name = 'checkpointer'").fetchone(),
        "a heartbeat",
    )
    assert app.execute("SELECT state, code FROM audit_signing").fetchone() == ("following", "")


@pytest.mark.processes
def test_it_says_why_it_does_not_sign_and_goes_on_when_that_is_mended(
    role, entries, start_process, tmp_path
):
    key = KeyFile(tmp_path / "ledger" / "log.key")
    key.make("ethops/another")
    start_process("checkpointer")
    app = role("app")

    def stands():
        return app.execute("SELECT state, code FROM audit_signing").fetchone()

    until(lambda: stands() == ("refused", "key_of_another"), "a refusal")
    key.path.unlink()
    until(lambda: stands() == ("following", ""), "signing")


@pytest.mark.processes
def test_an_effect_does_not_wait_for_its_head(role, entries, start_process, tmp_path):
    start_process("recorder")
    start_process("checkpointer")
    owner, link = role("owner"), role("audit_signer")
    until(lambda: signed(link) and covered(link), "the first head")
    link.execute("LISTEN ethops_head_wanted")
    owner.execute(
        "INSERT INTO audit_work (kind, queue, state) VALUES ('effect', 'executor.light', 'waiting')"
    )
    owner.execute(
        "SELECT audit.put_pending('action.authorised', 'x', '', '{}', (SELECT id FROM audit_work))"
    )
    assert [note.channel for note in link.notifies(timeout=10, stop_after=1)] == [
        "ethops_head_wanted"
    ]


def test_it_waits_for_the_database(keys):
    """A stop is heard while there is no database to talk to."""
    one = Checkpointer("postgresql://127.0.0.1:1/nothing?connect_timeout=1", keys)
    one.stop()
    one.run()
    assert not keys.path.exists()


# ---------------------------------------------------------------- its memory beside the key


def test_a_memory_that_is_gone_is_not_taken_for_a_new_one(entries, signer, keys):
    for _ in range(2):
        entries(3)
        sign_heads(signer, keys)
    keys.signed.unlink()
    entries(1)
    assert refused(signer, keys) == "signed_missing"
    assert len(signed(signer)) == 2


def test_one_head_is_enough_to_miss_a_memory(entries, signer, keys):
    entries(3)
    sign_heads(signer, keys)
    keys.signed.unlink()
    assert refused(signer, keys) == "signed_missing"


def test_a_key_is_born_with_an_empty_memory(keys):
    keys.make("ethops/x")
    assert (keys.signed.read_text(), keys.last_signed()) == ("", None)
    assert stat.S_IMODE(keys.signed.stat().st_mode) == 0o600


def test_a_crash_before_the_first_head_was_remembered_is_no_loss(entries, signer, keys):
    entries(3)
    sign_heads(signer, keys)
    keys.signed.write_text("")
    sign_heads(signer, keys)
    assert keys.last_signed().size == signed(signer)[-1][0]


def test_an_emptied_memory_beside_several_heads_is_refused(entries, signer, keys):
    for _ in range(2):
        entries(3)
        sign_heads(signer, keys)
    keys.signed.write_text("")
    assert refused(signer, keys) == "signed_missing"


def remembered(keys, head):
    return main(["--remember", str(head), "--key", str(keys.path)])


def test_what_a_witness_keeps_brings_the_memory_back(entries, signer, keys, tmp_path):
    entries(3)
    sign_heads(signer, keys)
    (tmp_path / "head").write_text(signed(signer)[-1][2])
    keys.signed.unlink()
    assert remembered(keys, tmp_path / "head") == 0
    entries(1)
    sign_heads(signer, keys)
    assert len(signed(signer)) == 2


def test_a_head_of_another_key_is_not_remembered(entries, signer, keys, tmp_path):
    entries(3)
    sign_heads(signer, keys)
    head = TreeHead.parse(open_note(signed(signer)[-1][2], [keys.read().key])[0])
    (tmp_path / "head").write_text(sign(head.text, Signer.new(keys.read().name)))
    keys.signed.unlink()
    assert remembered(keys, tmp_path / "head") == 1
    assert not keys.signed.exists()


def test_an_older_head_than_the_last_signed_is_not_remembered(entries, signer, keys, tmp_path):
    for _ in range(2):
        entries(3)
        sign_heads(signer, keys)
    (tmp_path / "head").write_text(signed(signer)[0][2])
    assert remembered(keys, tmp_path / "head") == 1
    assert keys.last_signed().size == signed(signer)[-1][0]
