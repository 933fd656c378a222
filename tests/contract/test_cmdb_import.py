"""`manage.py cmdb import`: shown first, written whole or not at all, and never read as "delete"."""

import json
import os
import threading
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.utils import ProgrammingError

from adapters import registry
from adapters.cmdb.embedded import Writer
from adapters.cmdb.models import CI, Host
from adapters.cmdb.port import Host as DeclaredHost
from adapters.cmdb.port import Inventory

HEADER = "ref,name,class,impact,attributes.depends_on\n"


@pytest.fixture
def owner(become: Callable[[str], None], tmp_path: Path, settings) -> Callable[..., str]:
    """`owner("import", text)` imports a CSV as the owner, and returns what was said."""
    settings.ETHOPS_SITE = ""
    become("owner")

    def run(text: str, *options: str, name: str = "cis.csv") -> str:
        file = tmp_path / name
        file.write_text(text, encoding="utf-8")
        out = StringIO()
        call_command("cmdb", "import", str(file), *options, stdout=out)
        return out.getvalue()

    return run


YES = ("--yes", "--by", "ada", "--why", "they are there")


def table(number: int, **changed: str) -> str:
    rows = [f"s{n:03},S {n},server,2,{changed.get(f's{n:03}', '')}" for n in range(number)]
    return HEADER + "\n".join(rows) + "\n"


def refs() -> set[str]:
    return set(CI.objects.filter(retired=False).values_list("ref", flat=True))


def notes() -> list[dict]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT body::text FROM audit_pending WHERE kind = 'site.cis_imported' ORDER BY n"
        )
        return [json.loads(body) for (body,) in cursor.fetchall()]


def test_what_would_be_is_shown_and_nothing_is_written(owner) -> None:
    said = owner(table(2))
    assert "new      CI s000" in said
    assert "2 new, 0 changed, 0 gone." in said
    assert "--yes writes it" in said
    assert (refs(), notes()) == (set(), [])


def test_with_yes_it_is_written_on_record_and_a_repeat_changes_nothing(owner) -> None:
    assert "Written." in owner(table(2, s000="s001"), *YES)
    ci = registry.reader("cmdb").get("s000")
    assert (ci.source, ci.managed_by, ci.attributes) == (
        *("import:file", "import", {"depends_on": "s001"}),
    )
    (note,) = notes()
    assert (note["by"], note["why"], note["counts"]) == ("ada", "they are there", [2, 0, 0])
    assert "so already" in owner(table(2, s000="s001"), *YES)
    assert len(notes()) == 1


def test_a_change_is_shown_field_by_field(owner) -> None:
    owner(table(2), *YES)
    said = owner(table(2, s001="s000"))
    assert 'changed  CI s001: attributes.depends_on nothing -> "s000"' in said


def test_nothing_is_written_where_one_row_is_wrong(owner) -> None:
    with pytest.raises(CommandError) as refused:
        owner(table(3) + "Bad!,x,server,9,\n", *YES)
    assert "cis.csv:5: " in str(refused.value)
    assert "`cis[3].impact`" in str(refused.value)
    assert refs() == set()


def test_who_writes_says_why(owner) -> None:
    with pytest.raises(CommandError, match="without a reason"):
        owner(table(1), "--yes")


@pytest.mark.parametrize("text", [HEADER, table(1), table(18)], ids=["none", "one", "two-gone"])
def test_a_short_file_takes_nothing_away_unless_the_number_is_said(owner, text: str) -> None:
    owner(table(20), *YES)
    gone = 20 - text.count("\ns")
    assert f"--gone {gone}" in owner(text)
    for wrong in ((), ("--gone", str(gone + 1))):
        with pytest.raises(CommandError, match="would be gone"):
            owner(text, *YES, *wrong)
    assert len(refs()) == 20
    owner(text, *YES, "--gone", str(gone))
    assert len(refs()) == 20 - gone


def test_an_empty_file_is_refused_whatever_is_said(owner) -> None:
    owner(table(2), *YES)
    for name in ("cis.csv", "cis.yaml", "hosts"):
        with pytest.raises(CommandError):
            owner("", *YES, "--gone", "2", name=name)
    assert len(refs()) == 2


def test_one_in_twenty_is_believed(owner) -> None:
    owner(table(20), *YES)
    owner(table(19), *YES)
    assert len(refs()) == 19


def test_imports_of_other_names_and_the_site_file_are_left_alone(owner) -> None:
    owner(table(2), *YES)
    owner(HEADER + "other,O,server,2,\n", *YES, "--as", "second")
    assert refs() == {"s000", "s001", "other"}
    with pytest.raises(CommandError, match="no name of an import"):
        owner(table(1), "--as", "Site file")


def test_a_ci_runs_on_a_host_that_somebody_declares(owner) -> None:
    text = "cis:\n  - {ref: a, name: A, class: web, host: here}\n"
    with pytest.raises(CommandError, match=r"cis.yaml:2: .*which nobody declares"):
        owner(text, *YES, name="cis.yaml")
    Writer().apply(Inventory(hosts=(DeclaredHost("here", "local", "", "", 22, ""),)), source="site")
    owner(text, *YES, name="cis.yaml")
    assert registry.reader("cmdb").host_of("a").name == "here"


def test_an_ansible_inventory_gives_hosts_that_plays_reach(owner) -> None:
    owner("[web]\nweb1 ansible_host=10.0.0.1 ansible_user=deploy\n", *YES, name="hosts")
    host = Host.objects.get(name="web1")
    assert (host.connection, host.address, host.user, host.source) == (
        *("ssh", "10.0.0.1", "deploy", "import:file"),
    )
    assert registry.reader("cmdb").get("web1").host == "web1"


def test_the_result_is_told_as_json(owner) -> None:
    said = json.loads(owner(table(1), "--json"))
    assert (said["new"], said["asks"], said["written"]) == (["CI s000"], False, False)


@pytest.mark.parametrize("role", ["app", "agent", "executor"])
def test_nobody_but_the_owner_imports(owner, become: Callable[[str], None], role: str) -> None:
    become(role)
    with pytest.raises(ProgrammingError, match="permission denied"):
        owner(table(1), *YES)


def test_what_is_no_file_is_not_taken(owner, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=(table(2),))
    writer.start()
    with pytest.raises(CommandError, match="no file that stays"):
        call_command("cmdb", "import", str(pipe), *YES)
    writer.join()
    assert refs() == set()
