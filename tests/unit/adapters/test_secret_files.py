"""A secret that a header carries is one line of visible ASCII; what is none is told to nobody."""

from pathlib import Path
from typing import Any

import pytest

from adapters import checks, secret_files
from adapters.forge import conf
from adapters.forge.errors import NoTokenError

NONE = (
    b"",
    b"\n",
    b"hush\nword",
    b"hush\r\nword",
    b"hush word",
    b"h\xc3\xbcsh",
    b"hush\xff",
    b"h\0",
)


def made(folder: Path, holds: bytes) -> Path:
    file = folder / "secret"
    file.write_bytes(holds)
    file.chmod(0o600)
    return file


def test_one_line_is_read_without_what_stands_around_it(tmp_path: Path) -> None:
    assert secret_files.read(made(tmp_path, b"  sk-a/b+c=~!\r\n")) == "sk-a/b+c=~!"
    assert list(secret_files.token_faults(tmp_path / "secret")) == []


@pytest.mark.parametrize("holds", NONE)
def test_what_a_header_cannot_carry_is_none(tmp_path: Path, holds: bytes) -> None:
    file = made(tmp_path, holds)
    with pytest.raises(secret_files.UnfitSecretError) as refused:
        secret_files.read(file)
    (fault,) = secret_files.token_faults(file)
    for said in (str(refused.value), fault):
        assert not any(word in said for word in ("hush", "word", "xff", "sh\\"))


def test_the_forges_token_is_refused_and_not_told(settings: Any, tmp_path: Path) -> None:
    file = made(tmp_path, b"hush\nword\n")
    settings.ADAPTERS = {"forge": {"adapter": "adapters.forge.gitea", "token_file": str(file)}}
    with pytest.raises(NoTokenError, match="not one line") as refused:
        conf.place()
    assert (refused.value.code, "hush" in str(refused.value)) == ("forge.no_token", False)
    (found,) = checks.check_secrets()
    assert (found.id, "hush" in found.msg) == ("adapters.E002", False)


def test_a_password_of_the_graph_may_hold_a_space(settings: Any, tmp_path: Path) -> None:
    file = made(tmp_path, "hüsh word".encode())
    settings.ADAPTERS = {"graph": {"adapter": "adapters.graph.neo4j", "password_file": str(file)}}
    assert checks.check_secrets() == []
