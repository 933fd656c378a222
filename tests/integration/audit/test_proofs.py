"""Proofs, bundles, exports and verification over a real ledger that a real signer signed."""

import json
from argparse import Namespace

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit import verify
from audit.checkpointer import rotate
from audit.errors import NoProofError
from audit.ledger import bundles, exports, heads, pending, proofs, tiles, verification
from audit.ledger.logkeys import KeyFile
from audit.ledger.merkle import leaf_hash, root, verify_consistency, verify_inclusion
from audit.ledger.notes import Kind, Signer, cosign
from audit.models import Check, Entry, TreeHead
from ethops.world import ledger_proofs
from tests.doubles.recording import sign_heads, write_down

NOTHING_PINNED = Namespace(key="", witness=[], quorum=0, head=[])


@pytest.fixture
def keys(tmp_path):
    return KeyFile(tmp_path / "ledger" / "log.key")


@pytest.fixture
def grow(role, keys):
    """`grow(3)` appends three entries and signs a head; with `sign=False` it only appends."""
    writer, signer = role("audit_writer"), role("audit_signer")

    def make(count, *, ticket="", sign=True):
        for number in range(count):
            pending.note(
                kind="ticket.noted", subject=f"{ticket} {number}", ticket_ref=ticket,
                body={"n": number},
            )  # fmt: skip
        write_down(writer)
        if sign:
            sign_heads(signer, keys)

    return make


def leaves():
    return [leaf_hash(bytes(one.body)) for one in Entry.objects.order_by("seq")]


# ---------------------------------------------------------------- proofs


def test_every_entry_is_proven(grow):
    grow(300)
    known = leaves()
    proven = [
        verify_inclusion(n, 300, leaf, proofs.inclusion(n + 1, 300), root(known[:300]))
        for n, leaf in enumerate(known[:300])
    ]
    assert all(proven)


def test_a_head_goes_on_from_an_earlier_one(grow):
    for count in (3, 260, 9):
        grow(count)
    found = [(one.size, bytes(one.root)) for one in TreeHead.objects.order_by("size")]
    (old, old_root), (new, new_root) = found[0], found[-1]
    assert verify_consistency(old, new, old_root, new_root, proofs.consistency(old, new))


def test_an_entry_that_no_head_covers_is_not_proven_yet(grow):
    grow(3)
    grow(2, sign=False)
    with pytest.raises(NoProofError, match="no tree head covers"):
        proofs.tlog_proof(5)


def test_an_entry_that_does_not_exist_is_said(grow):
    with pytest.raises(NoProofError, match="there is no entry #7"):
        bundles.of_entry(7)


def test_consistency_beyond_the_newest_head_is_refused(grow):
    grow(3)
    with pytest.raises(NoProofError, match="no tree head of 9"):
        proofs.consistency(1, 9)


def test_a_tlog_proof_checks(grow, keys, tmp_path):
    grow(10)
    file = tmp_path / "a.tlog-proof"
    file.write_text(proofs.tlog_proof(4))
    assert verify.main([str(file), "--key", keys.read().key.vkey]) == 0


# ---------------------------------------------------------------- bundles


def checked(bundle, **pins):
    said = Namespace(**{**vars(NOTHING_PINNED), **pins})
    return verify.File(json.loads(json.dumps(bundle)), said).bundle()


def test_a_bundle_of_an_entry_checks(grow, keys):
    grow(10)
    report = checked(bundles.of_entry(4), key=keys.read().key.vkey)
    assert (report.whole, report.entries, report.last) == (True, 1, 4)


def test_a_bundle_of_a_ticket_has_its_entries_and_no_others(grow):
    grow(3, ticket="INC-1")
    grow(3, ticket="INC-2")
    found = bundles.of_ticket("INC-2")
    assert [each["seq"] for each in found["entries"]] == list(
        Entry.objects.filter(ticket_ref="INC-2").order_by("seq").values_list("seq", flat=True)
    )


def test_what_runs_and_actions_of_a_ticket_did_belongs_to_it(grow, role):
    owner = role("owner")
    for kind, subject, ticket, body in [
        ("run.born", "run-1", "INC-1", {}),
        ("action.authorised", "act-1", "INC-1", {}),
        ("action.late", "act-1", "", {}),
        ("action.denied", "run-1:1", "", {"run": "run-1"}),
        ("action.denied", "run-2:1", "", {"run": "run-2"}),
    ]:
        owner.execute(
            "SELECT audit.put_pending(%s, %s, %s, %s)", [kind, subject, ticket, json.dumps(body)]
        )
    grow(0)
    found = [one.subject for one in bundles.caused_by("INC-1")]
    assert found == ["run-1", "act-1", "act-1", "run-1:1"]


def test_entries_newer_than_the_head_are_said_to_be_left_out(grow):
    grow(3, ticket="INC-1")
    grow(2, ticket="INC-1", sign=False)
    assert bundles.of_ticket("INC-1")["about"] == {"ticket": "INC-1", "not_covered_yet": 2}


def test_a_ticket_of_which_nothing_is_known_is_said(grow):
    with pytest.raises(NoProofError, match="no entry is about"):
        bundles.of_ticket("INC-9")


@pytest.fixture
def pruned(grow, role):
    """Ten entries and more, of which the first five were given to an archive."""
    grow(10)
    role("app").execute(
        "SELECT audit.declare_pruning(1, 5, 'a year', 0, %s, 'ada', 'space')", ["ab" * 32]
    )
    grow(1)
    role("owner").execute("SELECT audit.prune(100)")
    return TreeHead.objects.order_by("-size").first().size


@pytest.mark.parametrize("prove", [bundles.of_entry, proofs.tlog_proof])
def test_a_pruned_entry_is_not_proven_by_what_looks_like_a_forgery(pruned, prove):
    with pytest.raises(NoProofError, match="retention"):
        prove(3)


def test_an_entry_beside_pruned_ones_is_proven(pruned):
    assert checked(bundles.of_entry(8)).whole


def test_a_bundle_of_tiles_that_was_pruned_is_not_there(pruned, tmp_path):
    exports.write_tiles(tmp_path)
    assert not (tmp_path / tiles.path("entries", 0, pruned)).exists()
    assert ledger_proofs.entry_bundle(0, pruned) is None


def test_a_bundle_goes_on_from_the_head_that_an_auditor_kept(grow):
    grow(3)
    grow(5)
    assert checked(bundles.of_entry(2, since=3)).whole


def test_a_bundle_goes_on_from_no_head_that_was_not_signed(grow):
    grow(3)
    with pytest.raises(NoProofError, match="no tree head of 2"):
        bundles.of_entry(2, since=2)


def test_a_bundle_lists_each_key_with_the_size_it_is_valid_from(grow, keys):
    grow(3)
    first = keys.read().key.vkey
    rotate(keys)
    grow(3)
    grow(3)
    made = bundles.of_entry(9)
    assert [key["from_size"] for key in made["keys"]] == [1, 4]
    assert checked(made, key=first).whole


@pytest.fixture
def witnessed(role):
    """`witnessed("Ann")` lets a witness of Ann sign the newest head."""
    owner = role("owner")
    owner.execute("UPDATE audit_witnessing SET administrator = 'We'")

    def sign(administrator, name="witness.example/1"):
        witness, head = Signer.new(name, Kind.COSIGNATURE), heads.newest()
        text = head.note.rpartition("\n\n")[0] + "\n"
        owner.execute(
            "INSERT INTO audit_witness (name, vkey, url, administrator) VALUES (%s, %s, '', %s)",
            [name, witness.key.vkey, administrator],
        )
        owner.execute(
            "SELECT audit.cosigned(%s, %s, %s, now())",
            [name, head.size, str(cosign(text, witness, 1_700_000_000))],
        )

    return sign


def test_a_bundle_carries_the_lines_of_witnesses(grow, witnessed):
    grow(3)
    witnessed("Ann")
    witnessed("we", "witness.example/2")
    assert checked(bundles.of_entry(2), quorum=1).administrators == ["Ann"]


def test_a_bundle_is_made_under_the_newest_head_that_others_signed(grow, witnessed):
    grow(3)
    witnessed("Ann")
    grow(3)
    assert (heads.covering(2).size, heads.covering(5).size) == (3, heads.newest().size)


# ---------------------------------------------------------------- exports


def test_an_export_checks_without_us(grow, keys, tmp_path):
    grow(5)
    grow(5)
    file = tmp_path / "export"
    file.write_text("\n".join(exports.lines()))
    assert verify.main([str(file), "--key", keys.read().key.vkey]) == 0


def test_exported_tiles_give_the_signed_root(grow, tmp_path):
    grow(600)
    head = exports.write_tiles(tmp_path / "tiles")

    def fetch(level, index):
        width = tiles.width_at(head.size, level, index)
        return (tmp_path / "tiles" / tiles.path(level, index, width)).read_bytes()

    growth = tiles.Growth(head.size, fetch)
    assert growth.root() == bytes(head.root)
    assert (tmp_path / "tiles" / "checkpoint").read_text() == head.note


def test_exported_bundles_are_the_entries_of_the_tree(grow, tmp_path):
    grow(300)
    head = exports.write_tiles(tmp_path)
    found = []
    for index in range(2):
        width = tiles.width_at(head.size, 0, index)
        raw = (tmp_path / tiles.path("entries", index, width)).read_bytes()
        while raw:
            length = int.from_bytes(raw[:2])
            found.append(leaf_hash(raw[2 : 2 + length]))
            raw = raw[2 + length :]
    assert found == leaves()[: head.size]


def test_a_second_export_leaves_full_tiles_alone(grow, tmp_path):
    grow(300)
    exports.write_tiles(tmp_path)
    full = tmp_path / tiles.path(0, 0)
    full.write_bytes(b"untouched")
    grow(300)
    exports.write_tiles(tmp_path)
    assert full.read_bytes() == b"untouched"


# ---------------------------------------------------------------- verification


def test_what_was_signed_verifies(grow):
    for count in (3, 300, 9):
        grow(count)
    report = verification.check()
    assert (report.findings, report.size) == ([], TreeHead.objects.first().size)


def test_verification_goes_on_where_it_ended(grow, verify):
    grow(300)
    verify()
    grow(20)
    report = verify(verification.check_on)
    assert (report.findings, report.entries) == ([], Entry.objects.count() - 300)


def test_a_check_remembers_where_the_chain_ended(grow, verify):
    grow(3)
    verify()
    assert bytes(Check.objects.get().hash or b"") == bytes(Entry.objects.first().hash)


EVIL = {
    "an edited tile": ("audit_tile", ("UPDATE audit_tile SET hashes = sha256('') || hashes"
                       " WHERE level = 1"), "tile 1/0"),
    "an edited leaf": ("audit_tile", ("UPDATE audit_tile SET hashes = overlay(hashes placing"
                       " sha256('') from 33) WHERE level = 0 AND index = 0"), "tile 0/0"),
    "a tile that is gone": ("audit_tile", "DELETE FROM audit_tile WHERE level = 0 AND index = 0",
                            "tile 0/0"),
    "an edited root": ("audit_treehead", "UPDATE audit_treehead SET root = sha256('')",
                       "tree head of 300"),
    "an edited note": ("audit_treehead", ("UPDATE audit_treehead SET note = replace(note, '300', "
                       "'299')"), "tree head of 300"),
    "a head beyond the end": ("audit_treehead", ("INSERT INTO audit_treehead (size, root, note) "
                              "VALUES (9999, sha256(''), '')"), "a tree head of 9999 was signed"),
    "another key": ("audit_logkey", "UPDATE audit_logkey SET vkey = replace(vkey, '+A', '+B')",
                    "keys: "),
}  # fmt: skip


@pytest.mark.parametrize(("table", "statement", "finding"), EVIL.values(), ids=EVIL.keys())
def test_damage_of_the_tree_is_found(grow, tamper, table, statement, finding):
    grow(300)
    tamper(table, statement)
    assert any(each.startswith(finding) for each in found_by_a_check())


def found_by_a_check():
    try:
        return verification.check().findings
    except Exception as fault:  # noqa: BLE001 - a check never raises for what it checks
        return [f"raised {fault!r}"]


def test_a_ledger_cut_below_what_was_found_whole_is_found(grow, tamper, verify):
    grow(300)
    verify()
    tamper("audit_entry", "DELETE FROM audit_entry WHERE seq > 290")
    tamper("audit_head", "UPDATE audit_head SET (seq, hash) = (SELECT seq, hash FROM audit_entry"
           " ORDER BY seq DESC LIMIT 1)")  # fmt: skip
    assert not verify(verification.check_on).whole


def test_another_end_than_what_was_found_whole_is_found(grow, tamper, verify):
    grow(300)
    verify()
    tamper("audit_entry", "UPDATE audit_entry SET hash = sha256('') WHERE seq = 300")
    tamper("audit_head", "UPDATE audit_head SET hash = sha256('')")
    assert not verify(verification.check_on).whole


def test_a_key_that_is_not_the_pinned_one_is_found(grow):
    grow(3)
    vkey = Signer.new("ethops/another").key.vkey
    assert verification.check(key=vkey).findings == [
        "the pinned key is not among the keys of the log"
    ]


def test_a_line_of_a_witness_that_does_not_fit_is_found(grow, witnessed, tamper):
    grow(3)
    witnessed("Ann")
    tamper("audit_cosignature", "UPDATE audit_cosignature SET line = replace(line, ' ', ' A')")
    assert not verification.check().whole


# ---------------------------------------------------------------- commands


@pytest.fixture
def typed(servers, database_name, monkeypatch):
    """Commands find the database of this test."""
    monkeypatch.setenv("DATABASE_URL", servers.dsn("ethops_app", database_name))


def command(*words):
    """Exit status of `manage.py ledger ...`."""
    try:
        call_command("ledger", *words)
    except SystemExit as ended:
        return ended.code or 0
    except CommandError as refused:
        return refused.returncode
    return 0


@pytest.mark.parametrize(
    "words",
    [(), ("--incremental",), ("--since", "3"), ("--json",)],
    ids=["all", "on", "since", "json"],
)
def test_verify_says_that_all_is_whole(grow, typed, capsys, words):
    grow(5)
    assert command("verify", *words) == 0
    assert "whole" in capsys.readouterr().out


def test_verify_since_an_entry_that_is_not_there_is_refused(grow, typed):
    assert command("verify", "--since", "99") == 2


def test_verify_of_a_broken_ledger_ends_with_1(grow, typed, tamper):
    grow(5)
    tamper("audit_entry", "UPDATE audit_entry SET subject = 'forged' WHERE seq = 3")
    assert command("verify") == 1


def test_prove_writes_a_bundle_and_says_who_stands_behind_it(grow, typed, tmp_path, capsys):
    grow(3, ticket="INC-1")
    file = tmp_path / "bundle.json"
    assert command("prove", "--ticket", "INC-1", str(file)) == 0
    said = capsys.readouterr().out
    assert "3 entries" in said and "0 independent administrators stand behind it" in said
    assert verify.main([str(file)]) == 0


def test_prove_writes_a_tlog_proof(grow, typed, keys, tmp_path):
    grow(3)
    file = tmp_path / "entry.tlog-proof"
    assert command("prove", "2", str(file)) == 0
    assert verify.main([str(file), "--key", keys.read().key.vkey]) == 0


@pytest.mark.parametrize(
    "words",
    [("99", "out.json"), ("x", "out.json"), ("--ticket", "INC-9", "out.json"), ("out.json",),
     ("1", "out.json", "--ticket", "INC-1"), ("1", "missing/out.json")],
)  # fmt: skip
def test_prove_refuses_with_2_what_cannot_be_proven(grow, typed, tmp_path, monkeypatch, words):
    grow(3)
    monkeypatch.chdir(tmp_path)
    assert command("prove", *words) == 2


def test_a_file_that_is_there_is_not_written_over(grow, typed, tmp_path):
    grow(3)
    file = tmp_path / "bundle.json"
    file.write_text("mine")
    assert (command("prove", "1", str(file)), file.read_text()) == (2, "mine")


def test_export_as_lines_and_as_tiles(grow, typed, tmp_path):
    grow(3)
    assert command("export", str(tmp_path / "lines")) == 0
    assert command("export", "--tiles", str(tmp_path / "tiles")) == 0
    assert verify.main([str(tmp_path / "lines")]) == 0


def test_tiles_of_a_ledger_that_was_never_signed_are_refused(grow, typed, tmp_path):
    grow(3, sign=False)
    assert command("export", "--tiles", str(tmp_path / "tiles")) == 2


def test_an_export_has_each_head_and_each_value_in_a_line_of_its_own(grow, typed, role, tmp_path):
    for _ in range(3):
        grow(2)
    role("owner").execute("SELECT audit.keep_value('secret', 'x')")
    first, *lines = map(json.loads, exports.lines())
    size = Entry.objects.count()
    assert (first["heads"], first["values"], first["seq"]) == (3, 1, size)
    assert [next(iter(one)) for one in lines] == ["head"] * 3 + ["value"] + ["seq"] * size


@pytest.fixture
def redacting(grow, role):
    """A value was taken away, and its tombstone waits to be written."""
    grow(2)
    digest = role("owner").execute("SELECT audit.keep_value('secret', 'x')").fetchone()[0]
    role("owner").execute("SELECT audit.redact(%s, 'ada', 'a name')", [digest])


def test_an_export_waits_for_a_tombstone(redacting, grow, tmp_path, keys, monkeypatch):
    # Written only once the export has looked in vain.
    monkeypatch.setattr("audit.ledger.exports.time.sleep", lambda _: grow(0))
    (tmp_path / "lines").write_text("\n".join(exports.lines()))
    assert verify.main([str(tmp_path / "lines"), "--key", keys.read().key.vkey]) == 0


def test_an_export_is_refused_where_nobody_writes_the_tombstone(redacting, typed, tmp_path,
                                                                monkeypatch):  # fmt: skip
    monkeypatch.setattr(exports, "PAUSE_SECONDS", 0)
    assert command("export", str(tmp_path / "lines")) == 2
    assert not (tmp_path / "lines").exists()
