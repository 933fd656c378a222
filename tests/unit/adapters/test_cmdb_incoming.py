"""Files that CIs are imported from: what is read, and what is refused at which line."""

from pathlib import Path

import pytest

from adapters.cmdb import incoming
from ethops.imports import ansible, cis
from ethops.imports.errors import InventoryRefusedError


def csv(tmp_path: Path, text: str):
    file = tmp_path / "cis.csv"
    file.write_text(text, encoding="utf-8")
    return incoming.read_csv(file)


def faults(found) -> list[tuple[int, str]]:
    return [(fault.line, fault.what) for fault in found.faults]


@pytest.mark.parametrize("sign", [",", ";", "\t"], ids=["comma", "semicolon", "tab"])
def test_a_table_gives_cis(tmp_path: Path, sign: str) -> None:
    text = (
        "ref,name,class,impact,lifeline,attributes.unit,attributes.depends_on\n\n"
        'shop,"The shop",web,1,yes,shop.service,"[""db""]"\n'
    )
    found = csv(tmp_path, text.replace(",", sign))
    (ci,) = found.value.cis
    assert (ci.ref, ci.name, ci.ci_class, ci.impact, ci.urgency, ci.lifeline) == (
        *("shop", "The shop", "web", 1, 2, True),
    )
    assert ci.attributes == {"unit": "shop.service", "depends_on": ["db"]}
    assert found.line("cis", 0) == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", [(1, "The file is empty.")], id="empty"),
        pytest.param(
            "ref,name,class,colour,ref\n",
            [(1, "The column 'ref' stands there twice."), (1, "There is no column 'colour'.")],
            id="header",
        ),
        pytest.param(
            "ref,name\na,b\n", [(1, "There is no column `class`.")], id="column-that-is-needed"
        ),
        pytest.param(
            "ref,name,class,impact,lifeline\na,A,x,high,maybe\nB,B,x,9,no\nc,C\n\nd,D,x\n",
            [
                (2, "`impact` is 'high'."),
                (2, "`lifeline` is 'maybe'."),
                (3, "`cis[1].ref`: String should match pattern"),
                (3, "`cis[1].impact`: Input should be less than or equal to 3."),
                (4, "2 cells stand under 5 columns."),
                (4, "`class` is missing."),
                (6, "3 cells stand under 5 columns."),
            ],
            id="all-rows-at-once",
        ),
        pytest.param(
            "ref,name,class\na,A,x\nb,B,x\na,Again,x\n",
            [(4, "There is a second CI a.")],
            id="twice",
        ),
        pytest.param(
            'ref,name,class,attributes.x\na,A,x,"[1,"\n',
            [(2, "`attributes.x` begins like JSON and is none.")],
            id="half-a-json",
        ),
        pytest.param('ref,name,class\na,"A,x\n', [(1, "Not a table")], id="open-quote"),
    ],
)
def test_what_is_wrong_with_a_table_is_named_by_line(tmp_path: Path, text, expected) -> None:
    found = csv(tmp_path, text)
    assert found.value is None
    said = faults(found)
    assert [line for line, _ in said] == [line for line, _ in expected], said
    for (_, what), (_, begins) in zip(said, expected, strict=True):
        assert begins.strip("`") in what
    assert all(fault.mend for fault in found.faults)


def inventory(tmp_path: Path, text: str, name: str = "hosts"):
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    return incoming.of(str(file), *ansible.load(file))


INI = """\
[web]
web[01:02] ansible_host=10.0.0.1 ethops_impact=1

[db]
db1 ansible_port=2222 ansible_password=secret ansible_ssh_common_args="-o ProxyCommand=touch"

[all:vars]
ansible_user=deploy
"""
YAML = """\
all:
  vars: {ansible_user: deploy}
  children:
    db:
      hosts:
        db1: {ansible_port: 2222, ethops_attributes: {unit: pg}}
"""


def test_an_ini_inventory_gives_hosts_and_cis(tmp_path: Path) -> None:
    found = inventory(tmp_path, INI)
    hosts = {host.name: host for host in found.value.hosts}
    assert {name: (one.address, one.user, one.port) for name, one in hosts.items()} == {
        "web01": ("10.0.0.1", "deploy", 22),
        "web02": ("10.0.0.1", "deploy", 22),
        "db1": ("db1", "deploy", 2222),
    }
    said = {ci.ref: (ci.host, ci.impact, ci.attributes) for ci in found.value.cis}
    assert said["web01"] == ("web01", 1, {"groups": ["web"]})
    assert (found.line("cis", 0), found.line("cis", 1)) == (5, 2)
    assert "secret" not in repr(found.value)
    assert "ProxyCommand" not in repr(found.value)


def test_a_yaml_inventory_gives_the_same(tmp_path: Path) -> None:
    found = inventory(tmp_path, YAML, "hosts.yml")
    (ci,) = found.value.cis
    assert (ci.ref, ci.attributes) == ("db1", {"groups": ["db"], "unit": "pg"})
    assert (found.value.hosts[0].port, found.line("cis", 0)) == (2222, 6)


def test_variables_beside_an_inventory_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.yml").write_text("ansible_port: 99\n", encoding="utf-8")
    assert inventory(tmp_path, "web1\n").value.hosts[0].port == 22


def test_no_template_is_rendered_nor_taken(tmp_path: Path) -> None:
    mark = tmp_path / "done"
    text = f"web1 ansible_host=\"{{{{ lookup('pipe', 'touch {mark}') }}}}\"\nweb2\n"
    found = inventory(tmp_path, text)
    assert (1, "What is said of web1 holds a template, and none is rendered here.") in faults(found)
    assert not mark.exists()


@pytest.mark.parametrize(
    ("text", "name"),
    [
        pytest.param("#!/bin/sh\ntouch {mark}\n", "hosts", id="script"),
        pytest.param("plugin: ansible.builtin.generator\nhosts: {{}}\n", "x.yml", id="plugin"),
        pytest.param("plugin: constructed\n", "hosts", id="plugin-without-ending"),
        pytest.param("[web]\nweb[1:50000000]\n", "hosts", id="too-many"),
        pytest.param("all:\n  hosts:\n    w[1:500][1:500]:\n", "x.yml", id="too-many-twice"),
        pytest.param("[web\nweb1\n", "hosts", id="broken"),
        pytest.param("all: [1\n", "x.yml", id="broken-yaml"),
    ],
)
def test_what_would_run_or_cannot_be_read_is_refused(tmp_path: Path, text: str, name: str) -> None:
    mark = tmp_path / "done"
    with pytest.raises(InventoryRefusedError) as refused:
        inventory(tmp_path, text.format(mark=mark), name)
    assert name in str(refused.value)
    assert refused.value.hint
    assert not mark.exists()


def test_a_file_that_may_be_executed_is_never_given_to_ansible(tmp_path: Path) -> None:
    file, mark = tmp_path / "hosts", tmp_path / "done"
    file.write_text(f"touch {mark}\n", encoding="utf-8")
    file.chmod(0o755)
    with pytest.raises(InventoryRefusedError, match="executed"):
        ansible.load(file)
    assert not mark.exists()


def test_a_name_that_is_no_ref_of_ours_is_named_with_its_line(tmp_path: Path) -> None:
    found = inventory(tmp_path, "web1\nWeb_Two ethops_colour=red\n")
    assert {line for line, _ in faults(found)} == {2}
    assert any("ethops_colour" in what for _, what in faults(found))


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.csv", "", "csv"),
        ("a.yaml", "cis: []\n", "yaml"),
        ("a.yaml", "", "yaml"),
        ("a.yml", YAML, "ansible"),
        ("hosts", INI, "ansible"),
        ("a.ini", INI, "ansible"),
    ],
)
def test_how_a_file_is_read_is_guessed(tmp_path: Path, name: str, text: str, form: str) -> None:
    (tmp_path / name).write_text(text, encoding="utf-8")
    assert cis.guessed(tmp_path / name) == form
