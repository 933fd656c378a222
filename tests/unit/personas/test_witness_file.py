"""`ledger.yaml`: what it may say, and what it is told about."""

from pathlib import Path

import pytest

from audit.ledger.notes import Kind, Signer
from personas import witnesses

ONE = Signer.new("host/w1", Kind.COSIGNATURE)
TWO = Signer.new("host/w2", Kind.COSIGNATURE)


def written(tmp_path: Path, *said: tuple[Signer, str], more: str = "") -> Path:
    lines = [
        f"  - {{vkey: '{signer.key.vkey}', url: 'http://w:8200', administrator: {administrator}}}"
        for signer, administrator in said
    ]
    path = tmp_path / "ledger.yaml"
    path.write_text("\n".join(["administrator: Us", more, "witnesses:", *lines, ""]))
    return path


def value(path: Path) -> witnesses.LedgerDocument:
    found = witnesses.read(path)
    assert found.value is not None, found.faults
    return found.value


def fault(path: Path) -> str:
    found = witnesses.read(path)
    assert found.value is None
    return str(found.faults[0])


def test_a_witness_is_named_by_its_key(tmp_path: Path) -> None:
    assert value(written(tmp_path, (ONE, "Ada"))).witnesses[0].name == "host/w1"


@pytest.mark.parametrize(
    ("who", "quorum"), [(("Ada",), 1), (("Ada", "Grace"), 1), (("us",), 0), ((" US ", "Ada"), 1)]
)
def test_one_independent_administrator_is_asked_for_where_there_is_one(
    tmp_path: Path, who: tuple[str, ...], quorum: int
) -> None:
    said = [(signer, repr(name)) for signer, name in zip((ONE, TWO), who, strict=False)]
    assert value(written(tmp_path, *said)).asked_for == quorum


def test_a_quorum_that_is_never_reached_is_a_fault(tmp_path: Path) -> None:
    path = written(tmp_path, (ONE, "Ada"), (TWO, "ada"), more="quorum: 2")
    assert "never reached by 1" in fault(path)


def test_a_quorum_of_two_administrators_is_taken(tmp_path: Path) -> None:
    path = written(tmp_path, (ONE, "Ada"), (TWO, "Grace"), more="quorum: 2")
    assert value(path).asked_for == 2


def test_the_key_of_a_log_is_a_fault(tmp_path: Path) -> None:
    path = written(tmp_path, (Signer.new("host/log"), "Ada"))
    assert f"{path}:4: host/log is not the key of a witness." in fault(path)


def test_the_same_key_twice_is_a_fault(tmp_path: Path) -> None:
    renamed = Signer("host/other", ONE.private, Kind.COSIGNATURE)
    assert "twice" in fault(written(tmp_path, (ONE, "Ada"), (renamed, "Grace")))


def test_without_witnesses_nothing_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "ledger.yaml"
    path.write_text("administrator: Us\n")
    assert value(path).asked_for == 0


@pytest.mark.parametrize(
    "more", ["quorum: -1", "quorum: one", "unknown: 1", "anchors: {git: {}}", "quorum: 1.0"]
)
def test_what_is_not_known_here_is_a_fault(tmp_path: Path, more: str) -> None:
    assert fault(written(tmp_path, (ONE, "Ada"), more=more))


ANCHORS = """\
anchors:
  git: {repository: /srv/anchors.git, push: 'https://git.example/anchors.git'}
  rfc3161: {url: 'https://tsa.example', certificates: tsa.pem}
  opentimestamps: {calendars: ['https://calendar.example']}
"""


def test_the_certificates_of_an_authority_must_be_there(tmp_path: Path) -> None:
    assert "tsa.pem holds no certificates" in fault(written(tmp_path, (ONE, "Ada"), more=ANCHORS))


@pytest.mark.parametrize(
    "git",
    [
        "{repository: relative}",
        "{repository: /r, push: 'ssh://git@host/r'}",
        "{repository: /r, push: 'git@host:r'}",
        "{repository: /r, branch: '../x'}",
        "{repository: /r, branch: -x}",
        "{repository: /r, branch: a/../b}",
    ],
)
def test_what_would_need_a_program_or_leads_elsewhere_is_no_repository(
    tmp_path: Path, git: str
) -> None:
    assert "anchors.git" in fault(written(tmp_path, (ONE, "Ada"), more=f"anchors: {{git: {git}}}"))
