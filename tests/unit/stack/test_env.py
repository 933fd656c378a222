"""The environment: typed, with defaults, and every bad value refused with its mend."""

import json
import os
from pathlib import Path

import pytest

from ethops import env
from ethops.secretfile import make_secrets


def said(tmp_path: Path, **variables: str) -> env.Env:
    return env.load({"ETHOPS_STATE": str(tmp_path), **variables})


def test_nothing_said_means_the_local_stack(tmp_path: Path) -> None:
    found = said(tmp_path)
    assert found.process == "person"
    assert found.database_url == "postgresql://ethops_app@127.0.0.1:5433/ethops"
    assert found.redis_url == "redis://127.0.0.1:6380/0"
    assert found.site == tmp_path / "site.yaml"
    assert not found.external_database


def test_a_person_gets_the_logins_of_the_local_stack(tmp_path: Path) -> None:
    kept = make_secrets(tmp_path)
    found = said(tmp_path, ETHOPS_PG_PORT="5999")
    password = kept.role_passwords["ethops_app"]
    assert found.database_url == f"postgresql://ethops_app:{password}@127.0.0.1:5999/ethops"
    assert kept.redis_password in found.redis_url


def test_the_owner_connects_as_owner(tmp_path: Path) -> None:
    kept = make_secrets(tmp_path)
    found = said(tmp_path, ETHOPS_PROCESS="owner")
    assert f"ethops_owner:{kept.role_passwords['ethops_owner']}@" in found.database_url


def test_a_person_verifies_as_who_may_say_it(tmp_path: Path) -> None:
    kept = make_secrets(tmp_path)
    found = said(tmp_path, ETHOPS_PROCESS="verifying")
    assert f"ethops_verifier:{kept.role_passwords['ethops_verifier']}@" in found.database_url


def test_a_login_that_is_younger_than_the_folder_is_asked_for_by_name(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    path = tmp_path / "secrets.json"
    kept = json.loads(path.read_text())
    del kept["role_passwords"]["ethops_verifier"]
    path.write_text(json.dumps(kept))
    with pytest.raises(env.EnvError, match="ethops_verifier"):
        said(tmp_path, ETHOPS_PROCESS="verifying")


@pytest.mark.parametrize(
    ("words", "process"),
    [
        ("migrate", "owner"),
        # As `split write` tells people to: the supervisor names the process itself.
        ("db prepare", "owner"),
        ("db bootstrap --apply", None),
        ("ledger prune", "owner"),
        ("ledger verify", "verifying"),
        ("ledger export", None),
    ],
)
def test_a_command_gets_the_role_that_it_needs(
    monkeypatch: pytest.MonkeyPatch, words: str, process: str | None
) -> None:
    monkeypatch.setattr("os.environ", {})
    env.enter(words.split())
    assert os.environ.get("ETHOPS_PROCESS") == process


def test_a_child_reads_no_secret_that_it_was_not_given(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    found = said(tmp_path, ETHOPS_PROCESS="agent")
    assert found.database_url == "postgresql://ethops_agent@127.0.0.1:5433/ethops"
    assert found.redis_url == "redis://127.0.0.1:6380/0"


def test_an_outside_server_without_password_gets_ours(tmp_path: Path) -> None:
    kept = make_secrets(tmp_path)
    found = said(tmp_path, DATABASE_URL="postgresql://db.example:5432/ops?sslmode=require")
    password = kept.role_passwords["ethops_app"]
    expected = f"postgresql://ethops_app:{password}@db.example:5432/ops?sslmode=require"
    assert found.database_url == expected
    assert found.external_database


def test_a_whole_database_url_is_used_as_it_stands(tmp_path: Path) -> None:
    url = "postgresql://somebody:secret@db.example/ops"
    assert said(tmp_path, DATABASE_URL=url).database_url == url


@pytest.mark.parametrize(
    ("variable", "value", "mend"),
    [
        ("ETHOPS_PROCESS", "chef", "choose one of"),
        ("ETHOPS_WEB_PORT", "80a", "whole number"),
        ("ETHOPS_WEB_PORT", "70000", "from 1 to 65535"),
        ("ETHOPS_WEB_PORT", "²", "whole number"),
        ("ETHOPS_LEASE_SECONDS", "0", "from 2 to 3600"),
        ("ETHOPS_LEASE_SECONDS", "-5", "whole number"),
        ("ETHOPS_DEBUG", "perhaps", "say 1 or 0"),
        ("DATABASE_URL", "mysql://host/db", "postgresql:"),
        ("DATABASE_URL", "postgresql://host:port/db", "not a URL"),
        ("REDIS_URL", "http://host", "redis:"),
        ("ETHOPS_NOTIFY", "ftp://host", "https:"),
        ("ETHOPS_SMTP_URL", "mail.example", "smtp:"),
    ],
)
def test_a_bad_value_is_refused_with_its_mend(
    tmp_path: Path, variable: str, value: str, mend: str
) -> None:
    with pytest.raises(env.EnvError) as refused:
        said(tmp_path, **{variable: value})
    assert str(refused.value).startswith(f"{variable}={value!r}")
    assert mend in refused.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "mysql://ethops:s3cret@db.example.org/ethops",
        "postgresql://ethops:s3cret/9@db.example.org/ethops",
        "postgresql://ethops:8@s3cret@db.example.org:port/ethops",
        "ethops:s3cret@db.example.org",
    ],
    ids=["another scheme", "a slash in it", "an @ in it", "no scheme"],
)
def test_a_refused_address_does_not_say_its_password(tmp_path: Path, url: str) -> None:
    with pytest.raises(env.EnvError, match=r"DATABASE_URL='.*db\.example\.org") as refused:
        said(tmp_path, DATABASE_URL=url)
    assert "s3cret" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_damaged_secrets_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "secrets.json").write_text("{}")
    with pytest.raises(env.EnvError, match=r"secrets\.json is damaged"):
        said(tmp_path)


def test_the_role_of_a_url_can_be_changed() -> None:
    changed = env.with_role("postgresql://a:b@h:1/d?x=y", "ethops_gpu", "p@ss/word")
    assert changed == "postgresql://ethops_gpu:p%40ss%2Fword@h:1/d?x=y"
