import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import pytest

from audit import verify as verifier
from audit.verify import GENESIS, Row, link, verify

ORIGIN = "0b0e8f0e-0000-4000-8000-000000000000"
AT = "2026-11-21T00:00:00.000000Z"


def chain(length):
    rows, prev = [], GENESIS
    for seq in range(1, length + 1):
        said = {"v": 1, "origin": ORIGIN, "kind": "ticket.opened", "subject": f"INC-{seq}"}
        body = json.dumps({**said, "ticket": "", "at": AT, "body": {}}).encode()
        rows.append(Row(seq, prev, link(prev, body), body, "ticket.opened", f"INC-{seq}", "", AT))
        prev = rows[-1].hash
    return rows


def check(rows, *, whole=None):
    end = (whole or rows)[-1]
    return verify(rows, origin=ORIGIN, head_seq=end.seq, head_hash=end.hash)


def test_an_untouched_chain_is_whole():
    assert check(chain(20)).whole


def changed(rows, position, **values):
    rows[position] = dataclasses.replace(rows[position], **values)
    return rows


TAMPERED = {
    "bytes": lambda rows: changed(rows, 5, body=rows[5].body.replace(b"INC-6", b"INC-7")),
    "hash": lambda rows: changed(rows, 5, hash=bytes(32)),
    "link": lambda rows: changed(rows, 5, prev=bytes(32)),
    "shown kind": lambda rows: changed(rows, 5, kind="event.folded"),
    "shown subject": lambda rows: changed(rows, 5, subject="INC-99"),
    "shown ticket": lambda rows: changed(rows, 5, ticket="INC-99"),
    "shown time": lambda rows: changed(rows, 5, at="2026-11-22T00:00:00.000000Z"),
    "deleted": lambda rows: rows[:5] + rows[6:],
    "truncated": lambda rows: rows[:-1],
    "swapped": lambda rows: [*rows[:5], rows[6], rows[5], *rows[7:]],
    "doubled": lambda rows: [*rows[:5], rows[5], *rows[5:]],
    "emptied": lambda _: [],
}


@pytest.mark.parametrize("tamper", TAMPERED.values(), ids=TAMPERED.keys())
def test_tampering_is_found(tamper):
    whole = chain(20)
    assert not check(tamper(list(whole)), whole=whole).whole


def test_an_entry_of_another_deployment_is_found():
    rows = chain(3)
    report = verify(rows, origin="another", head_seq=3, head_hash=rows[-1].hash)
    assert not report.whole


def test_verification_may_begin_at_a_verified_entry():
    rows = chain(20)
    report = verify(
        rows[10:],
        origin=ORIGIN,
        head_seq=20,
        head_hash=rows[-1].hash,
        start=10,
        start_hash=rows[9].hash,
    )
    assert (report.whole, report.entries) == (True, 10)


def test_the_file_alone_checks_an_export(tmp_path):
    rows = chain(4)
    head = {"origin": ORIGIN, "seq": 4, "hash": rows[-1].hash.hex()}
    lines = [json.dumps(head), *map(exported, rows)]
    export = tmp_path / "export.jsonl"
    export.write_text("\n".join(lines))
    alone = tmp_path / "verify.py"
    alone.write_text(Path(verifier.__file__).read_text())
    done = subprocess.run(
        [sys.executable, "-I", str(alone), str(export)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "whole: 4 entries to #4")


def test_a_file_that_is_no_export_is_unreadable(tmp_path):
    file = tmp_path / "x"
    file.write_text("[]\n")
    assert verifier.main([str(file)]) == 2


def exported(row):
    import base64

    return json.dumps(
        {
            "seq": row.seq,
            "prev": row.prev.hex(),
            "hash": row.hash.hex(),
            "body": base64.b64encode(row.body).decode(),
            "kind": row.kind,
            "subject": row.subject,
            "ticket": row.ticket,
            "at": row.at,
        }
    )
