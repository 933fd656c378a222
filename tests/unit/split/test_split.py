"""What the split profile lays down, read as text."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.cmdb.port import Inventory
from ethops import env
from ethops.executor.systemd import quoted
from ethops.secretfile import ROLES
from ethops.split import accounts, egress, plan, sudoers, units
from ethops.split.errors import NotSplittableError
from ethops.split.families import FAMILIES, Egress, family_of
from ethops.stack.layout import Layout
from ethops.stack.matrix import processes
from ethops.stack.ports import Ports
from tests.unit.split.house import HOST, RESTART, SHOP

STATE = Path("/var/lib/ethops")


@pytest.fixture
def layout(tmp_path):
    return Layout(
        tmp_path,
        database_url="postgresql://192.0.2.1:5432/ethops",
        redis_url="redis://:word@127.0.0.1:6379/0",
    )


@pytest.fixture
def files(layout):
    inventory = Inventory(hosts=(HOST,), cis=(SHOP,))
    return {one.path: one for one in plan.laid(layout, inventory, {"restart": RESTART})}


def test_each_process_of_the_house_belongs_to_one_family():
    kinds = [process.kind for process in processes(Ports(), ["first"], bus=True)]
    assert sorted(kinds) == sorted(kind for family in FAMILIES for kind in family.kinds)


def test_database_roles_are_not_shared_between_families():
    roles = [{env.ROLE_OF_PROCESS[kind] for kind in family.kinds} - {None} for family in FAMILIES]
    assert len(set().union(*roles)) == sum(map(len, roles))


@pytest.mark.parametrize("process", processes(Ports()), ids=lambda process: process.name)
def test_a_process_is_told_the_password_of_its_own_role_alone(files, layout, process):
    said = files[f"etc/ethops/{process.name}.env"].text
    told = {role for role in ROLES if layout.secrets.role_passwords[role] in said}
    assert told == {env.ROLE_OF_PROCESS[process.kind]} - {None}


def test_what_holds_a_password_is_for_root_alone(files, layout):
    secret = [*layout.secrets.role_passwords.values(), layout.secrets.django_secret_key]
    telling = {one.mode for one in files.values() if any(word in one.text for word in secret)}
    assert telling == {0o600}


def test_the_desk_alone_signs_sessions(files, layout):
    key = layout.secrets.django_secret_key
    assert [path for path, one in files.items() if key in one.text] == ["etc/ethops/web.env"]


def test_agents_reach_this_host_and_the_database_and_nothing_else(files):
    unit = files["etc/systemd/system/ethops-agent.service"].text
    assert "IPAddressDeny=any\nIPAddressAllow=localhost 192.0.2.1\n" in unit


def test_agents_reach_the_graph_that_a_site_names(layout, monkeypatch):
    monkeypatch.setenv("NEO4J_URI", "bolt://192.0.2.9:7687")
    inventory = Inventory(hosts=(HOST,), cis=(SHOP,))
    files = {one.path: one.text for one in plan.laid(layout, inventory, {"restart": RESTART})}
    assert 'NEO4J_URI="bolt://192.0.2.9:7687"' in files["etc/ethops/agent.env"]
    unit = files["etc/systemd/system/ethops-agent.service"]
    assert "IPAddressAllow=localhost 192.0.2.1 192.0.2.9\n" in unit


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.user)
def test_whoever_does_not_act_here_is_shut_off(files, family):
    for process in processes(Ports()):
        if process.kind in family.kinds:
            unit = files[f"etc/systemd/system/{units.name(process)}"].text
            assert ("ProtectSystem=strict" in unit) is not family.acts


@pytest.mark.parametrize(
    ("name", "stands_back"),
    [("web", False), ("recorder", False), ("executor", False), ("control", True), ("agent", True)],
)
def test_who_waits_for_an_answer_has_the_greater_weight(files, name, stands_back):
    lines = files[f"etc/systemd/system/ethops-{name}.service"].text.splitlines()
    assert ({"Nice=10", "CPUWeight=11"} <= set(lines)) is stands_back


def test_the_packet_filter_names_closed_families(files):
    rules = files["etc/nftables.d/ethops.nft"].text
    closed = [family.user for family in FAMILIES if family.egress is Egress.CLOSED]
    assert f"meta skuid {{ {', '.join(closed)} }} counter reject" in rules
    assert "ip daddr { 192.0.2.1 } accept" in rules


def test_addresses_of_both_kinds_are_let_through():
    rules = egress.ruleset(["192.0.2.1", "2001:db8::1"])
    assert re.findall(r"(ip6?) daddr", rules) == ["ip", "ip6"]


def test_the_executor_may_restart_the_unit_and_nothing_else(files):
    lines = files["hosts/web-1/etc/sudoers.d/ethops"].text.splitlines()[1:]
    assert lines == [
        "deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart -- shop@1.service",
    ]


def test_what_sudoers_would_read_as_more_is_escaped():
    odd = replace(SHOP, attributes={"unit": "a,b:c.service"})
    text = sudoers.fragment(HOST, [odd], {"restart": RESTART}, "deploy")
    assert text.endswith(r"restart -- a\,b\:c.service" + "\n")


@pytest.mark.parametrize("unit", ["*.service", "a b.service", "a.service\nx", 7, None])
def test_an_attribute_that_its_pattern_refuses_gives_no_right(unit):
    odd = replace(SHOP, attributes={"unit": unit})
    assert sudoers.fragment(HOST, [odd], {"restart": RESTART}, "deploy") == ""


@pytest.mark.parametrize("value", ["a b", 'a"b', "a\\b", "$HOME", "%h"])
def test_a_value_stands_in_quotes(value):
    said = units.environment_file({"A": value})
    assert said == 'A="' + value.replace("\\", "\\\\").replace('"', '\\"') + '"\n'


def test_a_value_with_a_line_end_is_refused():
    with pytest.raises(ValueError, match="control character"):
        units.environment_file({"A": "x\nB=y"})


def test_systemd_reads_no_specifier_in_a_command():
    assert quoted("agent@%h") == '"agent@%%h"'


def test_servers_of_our_own_are_not_split(tmp_path):
    with pytest.raises(NotSplittableError, match="children of one user"):
        plan.check(Layout(tmp_path), [])


def test_what_users_cannot_enter_is_named(tmp_path, layout):
    (tmp_path / "shut" / "clone").mkdir(parents=True)
    (tmp_path / "shut").chmod(0o700)
    with pytest.raises(NotSplittableError, match="lets no other user through"):
        plan.check(layout, [tmp_path / "shut" / "clone"])


def test_the_state_folder_is_listed_by_root_alone():
    assert f"d {STATE} 1731 root ethops-stop -" in accounts.folders(STATE)


def test_the_forge_is_the_executors_and_the_desk_may_read_it():
    assert f"d {STATE}/forge 2750 ethops-exec ethops-forge -" in accounts.folders(STATE)
    members = [line.split()[1:] for line in accounts.users().splitlines() if line[0] == "m"]
    assert members == [
        ["ethops-web", "ethops-stop"],
        ["ethops-web", "ethops-forge"],
        ["ethops-exec", "ethops-forge"],
    ]


def test_a_kind_without_a_family_is_an_error():
    with pytest.raises(KeyError):
        family_of("stranger")
