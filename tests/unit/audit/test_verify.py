"""The verifier that an auditor runs: chain, tree, keys, witnesses, values, and ways to cheat."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from audit import verify as verifier
from audit.ledger import merkle
from audit.verify import Walk, signed
from tests.doubles.ledger import ORIGIN, Signed, rows, signer, text, witness

THREE = (witness(1), witness(2), witness(3))


@pytest.fixture
def check(tmp_path, capsys):
    """`check(content, "--key", ...)` runs the program and gives exit status and JSON report."""

    def run(content, *arguments):
        file = tmp_path / "file"
        file.write_text(content if isinstance(content, str) else json.dumps(content))
        code = verifier.main([str(file), "--json", *arguments])
        said = capsys.readouterr().out
        return code, json.loads(said) if said else {}

    return run


def walk(found, *, end=None):
    one = Walk(ORIGIN)
    one.take(found, {})
    last = end or found[-1]
    return one.end(last.seq, last.hash, {})


# ---------------------------------------------------------------- chain


def test_an_untouched_chain_is_whole():
    assert walk(rows(20)).whole


def changed(found, position, **values):
    found[position] = found[position]._replace(**values)
    return found


TAMPERED = {
    "bytes": lambda found: changed(found, 5, body=found[5].body.replace(b"INC-6", b"INC-7")),
    "hash": lambda found: changed(found, 5, hash=bytes(32)),
    "link": lambda found: changed(found, 5, prev=bytes(32)),
    "shown kind": lambda found: changed(found, 5, kind="event.folded"),
    "shown subject": lambda found: changed(found, 5, subject="INC-99"),
    "shown ticket": lambda found: changed(found, 5, ticket="INC-99"),
    "shown time": lambda found: changed(found, 5, at="2026-11-22T00:00:00.000000Z"),
    "not JSON": lambda found: changed(found, 5, body=b"{" + found[5].body),
    "no entry": lambda found: changed(found, 5, body=b"[]"),
    "bytes gone": lambda found: changed(found, 5, body=None, leaf=merkle.leaf_hash(found[5].body)),
    "deleted": lambda found: found[:5] + found[6:],
    "truncated": lambda found: found[:-1],
    "swapped": lambda found: [*found[:5], found[6], found[5], *found[7:]],
    "doubled": lambda found: [*found[:5], found[5], *found[5:]],
    "emptied": lambda _: [],
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_tampering_is_found(tamper):
    whole = rows(20)
    assert not walk(tamper(list(whole)), end=whole[-1]).whole


def test_what_is_shown_wrongly_is_said_in_words():
    found = changed(rows(3), 2, subject="forged")
    assert walk(found).findings == ["#3: shows subject 'forged', but its bytes say 'INC-3'"]


def test_an_entry_of_another_deployment_is_found():
    one = Walk("another")
    found = rows(3)
    one.take(found, {})
    assert not one.end(3, found[-1].hash, {}).whole


def test_fields_that_are_not_known_do_no_harm():
    assert walk(
        rows(3, {2: ("step.taken", {"signed": {"key": "00", "deep": [1, {"a": None}]}})})
    ).whole


def test_fields_in_another_order_are_read_all_the_same():
    found = rows(2)
    said = dict(reversed(json.loads(found[1].body).items()))
    body = json.dumps(said).encode()
    found[1] = found[1]._replace(body=body, hash=hash_of(found[1].prev, body))
    assert walk(found).whole


def hash_of(prev, body):
    leaf = hashlib.sha256(b"\0" + body).digest()
    return hashlib.sha256(b"\1" + prev + leaf).digest()


def test_a_walk_may_begin_at_a_verified_entry():
    found = rows(20)
    peaks = merkle.Frontier.read(10, merkle.reader_of(Signed(found).leaves)).peaks
    one = Walk(ORIGIN, 10, found[9].hash, peaks)
    one.take(found[10:], {20: merkle.root(Signed(found).leaves)})
    report = one.end(20, found[-1].hash, {})
    assert (report.whole, report.entries) == (True, 10)


def test_a_walk_may_stop_and_go_on():
    found = rows(20)
    one = Walk(ORIGIN)
    one.take(found[:7], {})
    one.take(found[7:], {20: merkle.root(Signed(found).leaves)})
    assert one.end(20, found[-1].hash, {}).whole


@given(st.integers(1, 200))
def test_the_root_on_the_way_is_that_of_the_tree(size):
    found = rows(size)
    one = Walk(ORIGIN)
    one.take(found, {size: merkle.root(Signed(found).leaves)})
    assert one.report.whole


# ---------------------------------------------------------------- values and retention

SALT = bytes(16)
VALUE = hashlib.sha256(b"\2" + SALT + b"secret").hexdigest()
COMMITS = {2: ("action.authorised", {"values": {"args": VALUE}})}
REDACTS = {**COMMITS, 4: ("ledger.redacted", {"digest": VALUE})}


@pytest.mark.parametrize(
    ("bodies", "kept", "whole"),
    [
        (COMMITS, {VALUE: (SALT, "secret")}, True),
        (COMMITS, {VALUE: (SALT, "other")}, False),
        (COMMITS, {}, False),
        (COMMITS, {VALUE: None}, False),
        (REDACTS, {VALUE: None}, True),
        (REDACTS, {}, True),
    ],
    ids=["kept", "edited", "deleted", "emptied", "redacted", "redacted and deleted"],
)
def test_values_are_held_against_what_entries_commit_to(bodies, kept, whole):
    found = rows(5, bodies)
    one = Walk(ORIGIN)
    one.take(found, {})
    assert one.end(5, found[-1].hash, kept).whole is whole


def pruned(found, *seqs):
    return [
        row._replace(body=None, leaf=merkle.leaf_hash(row.body)) if row.seq in seqs else row
        for row in found
    ]


@pytest.mark.parametrize(
    ("said", "whole"),
    [
        ({"from": 1, "to": 3}, True),
        ({"from": 2, "to": 3}, False),
        # An entry cannot allow its own or a later one's bytes to go.
        ({"from": 1, "to": 2}, False),
    ],
)
def test_pruned_entries_need_an_entry_that_covers_them(said, whole):
    found = pruned(rows(9, {7: ("ledger.pruned", said)}), 1, 2, 3)
    assert walk(found).whole is whole


def test_an_entry_does_not_cover_its_own_loss():
    found = pruned(rows(9, {7: ("ledger.pruned", {"from": 1, "to": 9})}), 8)
    assert not walk(found).whole


# ---------------------------------------------------------------- epochs


def test_after_an_epoch_entries_carry_the_new_name():
    found = rows(6, {3: ("ledger.epoch", {"origin": "new", "origin_before": ORIGIN})}, later="new")
    assert walk(found).whole


@pytest.mark.parametrize("bodies", [{}, {3: ("ticket.opened", {"origin": "new"})}])
def test_no_other_entry_gives_the_log_a_new_name(bodies):
    assert not walk(rows(6, bodies, later="new")).whole


# ---------------------------------------------------------------- exports with heads


def test_a_signed_export_is_whole(check):
    made = Signed(rows(20), (3, 8, 20))
    code, said = check(made.export(), "--key", made.log.key.vkey)
    assert (code, said["whole"], said["entries"], said["size"]) == (0, True, 20, 20)


def test_entries_after_the_newest_head_are_no_fault(check):
    made = Signed(rows(20), (3, 8))
    assert check(made.export(), "--key", made.log.key.vkey)[0] == 0


def test_a_tail_that_was_signed_and_is_gone_is_found(check):
    made = Signed(rows(20), (3, 20))
    cut = Signed(rows(15))
    assert check(cut.export(heads=[made.note(20)]), "--key", made.log.key.vkey)[0] == 1


def test_another_history_under_the_same_heads_is_found(check):
    made = Signed(rows(20), (10, 20))
    forged = Signed(rows(20, {4: ("ticket.opened", {"forged": True})}))
    heads = [made.note(10), made.note(20)]
    code, said = check(forged.export(heads=heads), "--key", made.log.key.vkey)
    assert (code, said["findings"][0]) == (
        1, "tree head of 10: its root is not that of the entries")  # fmt: skip


def test_a_log_signed_by_another_key_is_found(check):
    made = Signed(rows(5), (5,), log=signer(9))
    assert check(made.export(), "--key", signer(1).key.vkey)[0] == 1


def test_an_export_without_heads_is_not_enough_for_a_pinned_key(check):
    made = Signed(rows(5))
    assert check(made.export(), "--key", made.log.key.vkey)[0] == 1


def test_that_no_key_was_pinned_is_said(check):
    made = Signed(rows(5), (5,))
    assert "no key was pinned" in check(made.export())[1]["says"][0]


def test_a_key_hands_over_to_the_next(check):
    made = Signed(rows(20), (8, 20), next_log=signer(2), from_size=9)
    assert check(made.export(), "--key", made.log.key.vkey)[0] == 0


def test_the_newest_key_alone_may_be_pinned(check):
    made = Signed(rows(20), (8, 20), next_log=signer(2), from_size=9)
    assert check(made.export(), "--key", signer(2).key.vkey)[0] == 0


def test_a_key_that_nobody_handed_over_to_is_refused(check):
    made = Signed(rows(20), (20,), next_log=signer(2), from_size=9)
    keys = made.said["keys"]
    keys[1]["statement"] = made.note(20)
    assert check(made.export(keys=keys), "--key", made.log.key.vkey)[0] == 1


def test_a_key_does_not_sign_before_its_time(check):
    made = Signed(rows(20), (8,), log=signer(1), next_log=signer(2), from_size=9)
    early = Signed(rows(20), (8,), log=signer(2))
    assert check(made.export(heads=[early.note(8)]), "--key", made.log.key.vkey)[0] == 1


def test_values_of_an_export_are_compared(check):
    made = Signed(rows(5, COMMITS), (5,), values={VALUE: [text(SALT), "other"]})
    assert check(made.export(), "--key", made.log.key.vkey)[0] == 1


def test_heads_from_before_the_pinned_key_are_not_enough(check):
    # The file says when the pinned key begins: nothing signed by it is nothing shown.
    forged = Signed(rows(20), (20,), log=signer(9))
    keys = [{"vkey": signer(1).key.vkey, "from_size": 10**9, "statement": ""}]
    assert check(forged.export(keys=keys), "--key", signer(1).key.vkey)[0] == 1


def test_two_heads_of_one_size_contradict_each_other(check):
    made = Signed(rows(20), (20,))
    other = Signed(rows(20, {4: ("ticket.opened", {"forged": True})}))
    heads = [other.note(20), made.note(20)]
    assert check(made.export(heads=heads), "--key", made.log.key.vkey)[0] == 1


def test_a_head_that_is_not_there_cannot_be_read(check):
    assert check(Signed(rows(5), (5,)).export(), "--head", "/nowhere/head")[0] == 2


@pytest.mark.parametrize(("bodies", "code"), [({}, 0), ({4: ("ticket.opened", {"other": 1})}, 1)])
def test_an_export_is_held_against_a_head_from_elsewhere(check, tmp_path, bodies, code):
    made = Signed(rows(20), (20,))
    (tmp_path / "head").write_text(Signed(rows(20, bodies)).note(20))
    said = check(made.export(), "--key", made.log.key.vkey, "--head", str(tmp_path / "head"))
    assert said[0] == code


DEEP = b'{"body":{"values":' + b"[" * 30_000 + b"]" * 30_000 + b"}}"
ODD = {
    "deep": b"[" * 30_000,
    "deep values": DEEP,
    "deeper than can be shown": b'{"kind":' + b"[" * 400 + b"]" * 400 + b"}",
    "infinite": b'{"body":{"from":Infinity,"to":Infinity}}',
    "huge": b'{"v":' + b"9" * 6_000 + b"}",
}


@pytest.mark.parametrize("body", ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("kind", ["ticket.opened", "ledger.pruned"])
def test_bytes_that_are_no_entry_are_found_whatever_they_are(body, kind):
    assert not walk(changed(rows(5), 4, body=body, kind=kind)).whole


def test_past_a_hundred_findings_are_counted():
    one = Walk(ORIGIN)
    one.take([row._replace(subject="forged") for row in rows(150)], {})
    assert (len(one.report.findings), one.report.faults) == (100, 150)


@pytest.mark.parametrize("first", ["[" * 100_000, '{"keys": [{"vkey": "", "from_size": 1e999}]}'])
def test_what_cannot_be_read_is_said_so(check, first):
    assert check(first)[0] == 2


def test_a_value_may_read_like_a_bundle(check):
    digest = hashlib.sha256(b"\2" + SALT + b"ethops-bundle/1").hexdigest()
    bodies = {2: ("action.outcome", {"values": {"said": digest}})}
    made = Signed(rows(5, bodies), (5,), values={digest: [text(SALT), "ethops-bundle/1"]})
    assert check(made.export(), "--key", made.log.key.vkey)[0] == 0


# ---------------------------------------------------------------- bundles and proofs


def test_a_bundle_is_whole(check):
    made = Signed(rows(20), (20,))
    code, said = check(made.bundle(3, 7, 20), "--key", made.log.key.vkey)
    assert (code, said["entries"], said["size"]) == (0, 3, 20)


def test_a_bundle_without_entries_proves_nothing(check):
    made = Signed(rows(20), (20,))
    assert check(made.bundle(), "--key", made.log.key.vkey)[0] == 2


def test_what_an_entry_says_stays_in_its_line(tmp_path, capsys):
    found = rows(5)
    body = found[4].body.replace(b'"INC-5"', b'"x\\nwhole: all\\u001b[2J"')
    found[4] = found[4]._replace(body=body, hash=hash_of(found[4].prev, body))
    file = tmp_path / "file"
    file.write_text(json.dumps(Signed(found, (5,)).bundle(5)))
    verifier.main([str(file)])
    assert not any("\x1b" in line or line == "whole: all" for line in lines_of(capsys))


def lines_of(capsys):
    return capsys.readouterr().out.splitlines()


def edited(bundle):
    body = text(rows(20, {3: ("ticket.opened", {"forged": 1})})[2].body)
    return {**bundle, "entries": [{**bundle["entries"][0], "body": body}]}


def moved(bundle):
    return {**bundle, "entries": [{**bundle["entries"][0], "seq": 4}]}


def beyond(bundle):
    return {**bundle, "entries": [{**bundle["entries"][0], "seq": 21}]}


def shortened(bundle):
    one = bundle["entries"][0]
    return {**bundle, "entries": [{**one, "proof": one["proof"][:-1]}]}


def resized(bundle):
    return {**bundle, "head": bundle["head"].replace("\n20\n", "\n21\n")}


def resigned(bundle):
    return {**bundle, "head": Signed(rows(20), (20,), log=signer(9)).note(20)}


def unsigned(bundle):
    return {**bundle, "head": bundle["head"].split("\n\n")[0] + "\n\n"}


@pytest.mark.parametrize("forge", [edited, moved, beyond, shortened, resized, resigned, unsigned])
def test_a_forged_bundle_is_broken(check, forge):
    made = Signed(rows(20), (20,))
    assert check(forge(made.bundle(3)), "--key", made.log.key.vkey)[0] == 1


def test_a_bundle_goes_on_from_an_earlier_head(check):
    made = Signed(rows(20), (20,))
    assert check(made.bundle(3, since=7), "--key", made.log.key.vkey)[0] == 0


@pytest.mark.parametrize(("size", "code"), [(7, 0), (20, 0), (13, 1)])
def test_a_bundle_is_held_against_a_head_from_elsewhere(check, tmp_path, size, code):
    made = Signed(rows(20), (20,))
    (tmp_path / "head").write_text(made.note(size))
    pins = "--key", made.log.key.vkey, "--head", str(tmp_path / "head")
    assert check(made.bundle(3, since=7), *pins)[0] == code


def test_a_bundle_of_another_history_does_not_go_on(check):
    made = Signed(rows(20), (20,))
    other = Signed(rows(7, {1: ("ticket.opened", {"other": 1})}))
    bundle = made.bundle(3, since=7)
    bundle["consistency"]["head"] = other.note(7)
    assert check(bundle, "--key", made.log.key.vkey)[0] == 1


def test_a_tlog_proof_is_whole(check):
    made = Signed(rows(20), (20,))
    code, said = check(made.proof(7), "--key", made.log.key.vkey)
    assert (code, said["last"]) == (0, 7)


def test_a_tlog_proof_of_another_place_is_broken(check):
    made = Signed(rows(20), (20,))
    forged = made.proof(7).replace("index 6", "index 5")
    assert check(forged, "--key", made.log.key.vkey)[0] == 1


def test_a_tlog_proof_without_a_pinned_key_is_not_read(check):
    assert check(Signed(rows(20), (20,)).proof(7))[0] == 2


# ---------------------------------------------------------------- witnesses


def behind(check, administrators, *arguments, own="We"):
    made = Signed(rows(5), (5,), witnesses=dict(zip(THREE, administrators, strict=False)),
                  administrator=own)  # fmt: skip
    return check(made.bundle(2), "--key", made.log.key.vkey, *arguments)


def test_independent_administrators_are_counted_and_named(check):
    _, said = behind(check, ["Ann", "Bob", "Ann"])
    assert said["administrators"] == ["Ann", "Bob"]
    assert said["says"][-1] == "independent administrators behind the tree head of 5: Ann, Bob"


def test_a_witness_of_the_same_administrator_counts_as_none(check):
    assert behind(check, ["we", "WE"])[1]["administrators"] == []


def test_an_administrator_counts_once_however_he_is_spelled(check):
    assert behind(check, ["Ann", "ANN", "ann"], "--quorum", "2")[0] == 1


def test_that_no_witness_was_pinned_is_said(check):
    assert "no witness was pinned" in behind(check, ["Ann"])[1]["says"]


@pytest.mark.parametrize(("quorum", "code"), [("2", 0), ("3", 1)])
def test_a_quorum_is_asked_of_administrators(check, quorum, code):
    assert behind(check, ["Ann", "Bob", "Ann"], "--quorum", quorum)[0] == code


def test_only_pinned_witnesses_count(check):
    _, said = behind(check, ["Ann", "Bob"], "--witness", THREE[1].key.vkey)
    assert said["administrators"] == [THREE[1].key.name]


def test_who_pins_says_whose_a_witness_is(check):
    pins = [word for one, who in zip(THREE, ("Ann", "Ann", "Bob"), strict=True)
            for word in ("--witness", f"{one.key.vkey}={who}")]  # fmt: skip
    # The file calls them three.
    assert behind(check, ["x", "y", "z"], *pins)[1]["administrators"] == ["Ann", "Bob"]


def test_a_pinned_witness_is_his_own_where_nobody_says_whose(check):
    pins = [word for one in THREE for word in ("--witness", one.key.vkey)]
    _, said = behind(check, ["Ann", "Ann", "Ann"], *pins, "--quorum", "3")
    assert said["administrators"] == sorted(one.key.name for one in THREE)


def test_a_witness_that_is_pinned_as_ours_counts_as_none(check):
    pins = "--witness", f"{THREE[0].key.vkey}=we"
    assert behind(check, ["Ann"], *pins, "--quorum", "1")[0] == 1


def test_the_key_of_the_log_is_no_witness(check):
    made = Signed(rows(5), (5,))
    own = made.log.key.vkey
    assert check(made.bundle(2), "--key", own, "--witness", own, "--quorum", "1")[0] == 1


def test_a_pinned_witness_that_did_not_sign_is_missed(check):
    vkey = THREE[2].key.vkey
    assert behind(check, ["Ann", "Bob"], "--witness", vkey, "--quorum", "1")[0] == 1


def test_a_bad_line_of_a_witness_is_broken(check):
    made = Signed(rows(5), (5,), witnesses={THREE[0]: "Ann"})
    other = Signed(rows(6), (6,), witnesses={THREE[0]: "Ann"})
    line = other.note(6).splitlines()[-1]
    head = "\n".join([*made.note(5).splitlines()[:-1], line, ""])
    assert check(made.bundle(2, head=head), "--key", made.log.key.vkey)[0] == 1


# ---------------------------------------------------------------- Ed25519

# RFC 8032, section 7.1: secret key, public key, message, signature of tests 1 to 3.
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701c"
            "f9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0"
            "f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984"
            "dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
]


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_published_signatures_are_good(public, message, signature):
    assert signed(*map(bytes.fromhex, (public, message, signature)))


@pytest.mark.parametrize(("public", "message", "signature"), VECTORS)
def test_the_published_signatures_of_another_message_are_bad(public, message, signature):
    assert not signed(bytes.fromhex(public), b"other", bytes.fromhex(signature))


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=100), st.integers(0, 511))
def test_signatures_are_judged_as_the_library_judges_them(seed, message, bit):
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public, good = key.public_key().public_bytes_raw(), bytearray(key.sign(message))
    assert signed(public, message, bytes(good))
    good[bit // 8] ^= 1 << bit % 8
    assert not signed(public, message, bytes(good))


ORDER = 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize(
    ("public", "signature"),
    [
        (b"", bytes(64)),
        (bytes(32), bytes(63)),
        # Not on the curve; y beyond the prime; negative zero.
        (bytes([2, *[0] * 31]), bytes(64)),
        (bytes([255] * 31 + [127]), bytes(64)),
        (bytes([1, *[0] * 30, 128]), bytes(64)),
        # s beyond the order: a second signature of the same.
        (
            bytes.fromhex(VECTORS[0][0]),
            bytes.fromhex(VECTORS[0][2])[:32]
            + (int.from_bytes(bytes.fromhex(VECTORS[0][2])[32:], "little") + ORDER).to_bytes(
                32, "little"
            ),
        ),
    ],
)
def test_what_is_no_key_or_no_signature_is_refused(public, signature):
    assert not signed(public, b"", signature)


# ---------------------------------------------------------------- the file alone


def test_the_file_alone_checks_an_export(tmp_path):
    made = Signed(rows(4), (4,), witnesses={THREE[0]: "Ann"})
    export = tmp_path / "export.jsonl"
    export.write_text(made.export())
    alone = tmp_path / "verify.py"
    alone.write_text(Path(verifier.__file__).read_text())
    done = subprocess.run(
        [sys.executable, "-I", str(alone), str(export), "--key", made.log.key.vkey],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout.splitlines()[-2:]) == (
        0,
        ["independent administrators behind the tree head of 4: Ann", "whole: 4 entries to #4"],
    )


def test_the_file_is_short_enough_to_be_read():
    assert len(Path(verifier.__file__).read_text().splitlines()) <= 350


def test_the_file_knows_nothing_of_ours():
    imported = [
        line for line in Path(verifier.__file__).read_text().splitlines() if "import " in line
    ]
    assert not [line for line in imported if "audit" in line or "ethops" in line]


@pytest.mark.parametrize(
    "content", ["", "[]", "null", "{}", "{", "\x00", '{"format": "ethops-bundle/1"}', "1\n2"]
)
def test_what_is_no_file_of_ours_is_unreadable(check, content):
    assert check(content)[0] == 2


@pytest.mark.parametrize("content", ["{}", '{"format": "ethops-bundle/1"}'])
def test_a_pinned_key_makes_no_file_of_ours_of_another(check, content):
    assert check(content, "--key", Signed(rows(1), (1,)).log.key.vkey)[0] == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--witness", ""),
        ("--witness", "north"),
        ("--witness", "=ada"),
        ("--witness", "north+00000000+AAAA"),
        ("--witness", "north+xyz+" + "A" * 44),
        ("--key", ""),
        ("--quorum", "-1"),
        ("--quorum", "x"),
    ],
)
def test_what_is_no_key_and_no_number_is_said_before_anything_is_read(tmp_path, capsys, arguments):
    with pytest.raises(SystemExit) as ended:
        verifier.main([str(tmp_path / "none"), *arguments])
    assert ended.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert "--key and --witness take a vkey" in said or "argument --quorum" in said


TWICE = {
    "the origin": ('"origin": ', '"origin": "x", "origin": '),
    "keys": ('"keys": ', '"keys": [], "keys": '),
    "a head": ('{"head": ', '{"head": "", "head": '),
    "an entry's bytes": ('"body": ', '"body": "AAAA", "body": '),
}


@pytest.mark.parametrize(("name", "names"), TWICE.values(), ids=TWICE.keys())
def test_a_name_that_is_there_twice_is_unreadable(check, name, names):
    made = Signed(rows(5), (5,))
    assert check(made.export().replace(name, names, 1), "--key", made.log.key.vkey)[0] == 2


def test_a_name_that_is_there_twice_in_a_bundle_is_unreadable(check):
    made = Signed(rows(5), (5,))
    twice = json.dumps(made.bundle(2)).replace('"head": ', '"head": "", "head": ', 1)
    assert check(twice, "--key", made.log.key.vkey)[0] == 2


def test_values_that_an_entry_names_twice_are_found():
    found = rows(2, COMMITS)
    body = found[1].body.replace(b'"values":{', b'"values":{},"values":{')
    found[1] = found[1]._replace(body=body, hash=hash_of(found[1].prev, body))
    assert walk(found).findings == ["#2: what it says cannot be read"]


@pytest.mark.parametrize("missing", [1, 2, 3])
def test_an_export_that_is_cut_is_not_whole(check, missing):
    made = Signed(rows(5), (3, 5))
    cut = "\n".join(made.export().splitlines()[:-missing])
    assert check(cut, "--key", made.log.key.vkey)[0] == 1


def test_a_head_that_is_left_out_of_its_lines_is_not_whole(check):
    made = Signed(rows(5), (3, 5))
    lines = made.export().splitlines()
    del lines[1]
    assert check("\n".join(lines), "--key", made.log.key.vkey)[0] == 2


def test_a_missing_file_is_unreadable(tmp_path):
    assert verifier.main([str(tmp_path / "none")]) == 2
