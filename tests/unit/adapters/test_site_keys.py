"""Own keys and observers in the site file."""

from pathlib import Path

import pytest

from adapters import checks, site

GOOD = f"""
hosts:
  - {{name: web, connection: ssh, address: 10.9.0.1, user: ethops}}
  - {{name: db}}
keys:
  - name: executor
    fingerprint: SHA256:{"A" * 43}
    accounts: [ethops]
    from: [10.9.0.5, "fd00::/64"]
observers:
  - host: web
    source: file
    path: /var/log/auth.log
query_logs:
  - name: fleet
    path: /var/log/osqueryd.results.log
    hosts: {{web.example: web}}
"""


@pytest.fixture
def written(tmp_path: Path, settings):
    def write(text: str) -> Path:
        file = tmp_path / "site.yaml"
        file.write_text(text, encoding="utf-8")
        settings.ETHOPS_SITE = file
        return file

    return write


def test_addresses_become_networks(written) -> None:
    found = site.read(written(GOOD))
    assert found.value is not None, found.faults
    assert found.value.keys[0].addresses == ("10.9.0.5/32", "fd00::/64")


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("user: ethops", "user: root", 3, "Host web is reached as root; no key has that."),
        (", user: ethops", "", 3, "Host web is reached as nobody named; no key has that."),
        ("host: web\n", "host: cache\n", 11, "Host cache has an observer and is not declared."),
        ("accounts: [ethops]", "accounts: []", 8, "`keys[0].accounts`: "),
        ("accounts: [ethops]", 'accounts: ["a b"]', 8, "`keys[0].accounts[0]`: String should"),
        ("SHA256:AAA", "MD5:AAA", 7, "`keys[0].fingerprint`: String should match"),
        ("10.9.0.5", "office", 9, "`keys[0].from[0]`: 'office' is no address."),
        ("    path: /var/log/auth.log\n", "", 11, "`observers[0]`: An observer by file"),
        ("source: file", "source: pushed", 11, "`observers[0]`: An observer by pushed has a path"),
        ("path: /var", "path: var", 13, "`observers[0].path`: String should match"),
        ("source: file", "source: file\n    time_zone: Mars/Here", 13, "`observers[0].time_zone`:"),
        ("source: file", "source: file\n    skew_s: 301", 13, "`observers[0].skew_s`: Input"),
        ("hosts: {web.example: web}", "hosts: {}", 17, "`query_logs[0].hosts`: "),
        ("path: /var/log/osq", "path: osq", 16, "`query_logs[0].path`: String should match"),
        ("query_logs:", "query_logs:\n  - {name: fleet, hosts: {a: b}, path: /var/log/two}", 16,
         "There is a second query log"),
        ("observers:", "  - {name: two, fingerprint: SHA256:" + "A" * 43 + ", accounts: [x]}\n"
         "observers:", 10, "There is a second fingerprint"),
    ],
)  # fmt: skip
def test_a_fault_has_its_line(written, old: str, new: str, line: int, what: str) -> None:
    assert old in GOOD
    (fault, *_) = site.read(written(GOOD.replace(old, new, 1))).faults
    assert fault.line == line
    assert fault.what.startswith(what)


def cautions(text: str, written) -> list[str | None]:
    written(text)
    return [caution.id for caution in checks.check_observers()]


def test_a_site_that_watches_itself_is_not_cautioned(written) -> None:
    assert cautions(GOOD, written) == []


def test_a_host_that_nobody_watches_is_a_caution(written) -> None:
    assert cautions(GOOD.partition("observers")[0], written) == ["site.W001"]


def test_hosts_by_ssh_without_declared_keys_are_a_caution(written) -> None:
    keys = GOOD[GOOD.index("keys:") : GOOD.index("observers:")]
    assert cautions(GOOD.replace(keys, ""), written) == ["site.W002"]


def test_a_site_of_local_hosts_needs_neither(written) -> None:
    assert cautions("hosts: [{name: here}]\n", written) == []
