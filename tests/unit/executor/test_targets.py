"""To whom notices may go."""

import os

import pytest

from ethops.executor.targets import named, of_url


@pytest.mark.parametrize(
    ("url", "pair"),
    [
        ("mailto:ops@example.org", ("mail", "ops@example.org")),
        ("https://ntfy.example.org/ops", ("http", "https://ntfy.example.org/ops")),
    ],
)
def test_a_setting_names_a_kind_and_a_target(url, pair):
    assert of_url(url) == pair


@pytest.fixture
def declare(settings, tmp_path):
    """`declare(name)`: the site file names this receiver, and claims to be as old as ever."""
    settings.ETHOPS_NOTIFY = ""
    settings.ETHOPS_SITE = tmp_path / "site.yaml"

    def write(name):
        new = tmp_path / "new"
        new.write_text(f"notify: {{kind: http, url: 'http://127.0.0.1:9/{name}'}}")
        os.utime(new, (0, 0))
        new.rename(settings.ETHOPS_SITE)

    return write


def test_what_the_file_says_by_now_counts(declare):
    seen = []
    for name in ("one", "two", "one"):
        declare(name)
        seen.append(named())
    assert seen == [{("http", f"http://127.0.0.1:9/{name}")} for name in ("one", "two", "one")]


def test_a_file_that_is_gone_declares_nothing(declare, settings):
    declare("one")
    assert named()
    settings.ETHOPS_SITE.unlink()
    assert named() == frozenset()
