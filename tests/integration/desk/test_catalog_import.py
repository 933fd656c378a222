"""`manage.py catalog`: a site's own playbooks, and repositories that mean harm."""

import json
import os
import shutil
import subprocess
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import connection

from ethops.env import CLONE
from ethops.imports import address, linting
from ethops.imports.errors import SourceRefusedError
from personas import entries
from tests.conftest import point_django
from tests.doubles.play import run

GIT = shutil.which("git") or "git"

SIDECAR = {
    "name": "touch_marker",
    "title": "Touch a marker",
    "owner": "Research computing",
    "review_by": "2099-01-31",
    "false_run": "A file is there that says when.",
    "asks": {"nobody": "Nobody feels it."},
    "playbook": "playbook.yaml",
    "risk": "low",
    "parameters": {"path": {"from": "marker", "pattern": "(/[a-z0-9_-]+){2,}", "required": True}},
    "timeout_s": 60,
    "max_per_ticket": 1,
    "max_per_hour": 6,
    "applies_to": {"any_attribute": ["marker"]},
    "pre_check": "The path is declared.",
    "verification": {"window_s": 5, "patience_s": 45},
    "rollback": {"none": "Nothing is lost."},
}
TASK = {
    "name": "Touch the marker",
    "ansible.builtin.copy": {"content": "here\n", "dest": "{{ path }}", "mode": "0644"},
}


class Indented(yaml.SafeDumper):
    """Indents lists as the linter likes them."""

    def increase_indent(self, flow=False, indentless=False):  # noqa: FBT002 - its own signature
        del indentless
        return super().increase_indent(flow, False)  # noqa: FBT003


def book(*tasks, **play):
    whole = {
        "name": "Touch a marker",
        "hosts": "all",
        "gather_facts": False,
        "any_errors_fatal": True,
        "tasks": list(tasks) or [TASK],
        **play,
    }
    return yaml.dump([whole], Dumper=Indented, sort_keys=False, explicit_start=True)


class Repository:
    """A repository on this host; what no work tree could hold is written as objects."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "-b", "main")
        self.write("marker/ethops.yaml", yaml.safe_dump(SIDECAR, sort_keys=False))
        self.write("marker/playbook.yaml", book())

    def git(self, *words, given=None):
        done = subprocess.run(
            [GIT, "-c", "user.name=ada", "-c", "user.email=ada@example.org", *words],
            cwd=self.folder, input=given, capture_output=True, check=True,
        )  # fmt: skip
        return done.stdout.decode().strip()

    def write(self, path, text):
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def declare(self, **changed):
        whole = {k: v for k, v in {**SIDECAR, **changed}.items() if v is not None}
        self.write("marker/ethops.yaml", yaml.safe_dump(whole, sort_keys=False))

    def put(self, mode, path, content):
        """Put something into the index that is no plain file."""
        sha = content
        if mode != "160000":
            sha = self.git("hash-object", "-w", "--stdin", given=content.encode())
        self.git("update-index", "--add", "--cacheinfo", f"{mode},{sha},{path}")

    def commit(self, tag="v1"):
        self.git("add", "--all")
        return self.seal(tag)

    def seal(self, tag="v1"):
        self.git("commit", "--quiet", "--allow-empty", "-m", "x")
        self.git("tag", tag)
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "src" / "plays"
    folder.mkdir(parents=True)
    return Repository(folder)


@pytest.fixture
def site(tmp_path, settings):
    """A site that imports from one folder of this host; returns where its entries lie."""
    settings.ETHOPS_STATE = tmp_path / "state"
    settings.ETHOPS_SITE = tmp_path / "site.yaml"
    settings.ETHOPS_SITE.write_text(yaml.safe_dump({"imports": [str(tmp_path / "src")]}))
    return tmp_path / "state" / "catalogue"


@pytest.fixture
def catalog(site, clean_db, repository):
    """Say `catalog ...`; `import` takes the repository at a tag."""

    def say(*words, tag="v1"):
        out = StringIO()
        if words[0] == "import":
            words = ("import", f"{repository.folder}@{tag}", "--why", "we need it", *words[1:])
        call_command("catalog", *words, stdout=out)
        return out.getvalue()

    return say


def imported():
    return {one.name: one for one in entries.read()[0] if one.document.origin}


def noted():
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind, body::text FROM audit_pending ORDER BY n")
        return [(kind, json.loads(body)) for kind, body in cursor.fetchall()]


# ---------------------------------------------------------------- what is good


def test_an_entry_is_laid_down_with_its_origin_and_not_approved(catalog, repository):
    commit = repository.commit()
    catalog("import", "--by", "ada")
    one = imported()["touch_marker"]
    origin = one.document.origin
    assert (origin.repository, origin.revision, origin.commit, origin.path) == (
        str(repository.folder), "v1", commit, "marker",
    )  # fmt: skip
    assert (one.approved_hash, entries.read()[1]) == ("", [])


def test_an_import_is_on_record_with_who_and_what(catalog, repository):
    commit = repository.commit()
    catalog("import", "--by", "ada")
    ((kind, body),) = noted()
    hashed = imported()["touch_marker"].tree_hash
    assert (kind, body["by"], body["commit"]) == ("site.imported", "ada", commit)
    assert body["entries"] == [f"touch_marker {hashed} new"]


def test_what_was_approved_stays_so_only_as_long_as_nothing_changes(catalog, repository):
    repository.commit()
    catalog("import")
    call_command("personas", "approve", "touch_marker", stdout=StringIO())
    repository.write("README.md", "Outside of the entry.\n")
    repository.commit("v2")
    assert "as it was" in catalog("import", tag="v2")
    before = imported()["touch_marker"]
    repository.declare(max_per_hour=60)
    repository.commit("v3")
    assert "changed" in catalog("import", tag="v3")
    after = imported()["touch_marker"]
    assert before.tree_hash == before.approved_hash == after.approved_hash != after.tree_hash


@pytest.mark.processes
def test_what_is_laid_down_runs_as_every_other_entry(catalog, site, repository, tmp_path):
    repository.commit()
    catalog("import")
    marker = Path(f"/tmp/ethops-marker-{os.getpid()}")  # noqa: S108 - its pattern lets no more
    try:
        found = run("touch_marker", {"path": str(marker)}, tmp_path / "plays", playbooks=site)
        assert (found["kind"], marker.read_text()) == ("done", "here\n")
    finally:
        marker.unlink(missing_ok=True)


def test_it_is_loaded_and_shown_with_its_revision(
    catalog, repository, servers, database_name, client
):
    commit = repository.commit()
    catalog("import")
    point_django(servers, database_name, "ethops_owner")
    call_command("site", "load", verbosity=0)
    point_django(servers, database_name, "ethops_app")
    client.force_login(User.objects.create_superuser("ada", password="x"))
    page = client.get("/personas/catalogueentry/").content.decode()
    assert (f"{repository.folder}@v1" in page, commit[:12] in page) == (True, True)
    assert "not approved" in page


def test_an_entry_is_taken_away(catalog, site, repository):
    repository.commit()
    catalog("import")
    catalog("remove", "touch_marker", "--why", "no longer")
    assert (imported(), (site / "touch_marker").exists()) == ({}, False)
    assert noted()[-1][0] == "site.removed"


def test_the_list_says_origin_and_state(catalog, repository):
    repository.commit()
    catalog("import")
    rows = {row["name"]: row for row in json.loads(catalog("list", "--json"))["entries"]}
    assert rows["touch_marker"]["origin"] == f"{repository.folder}@v1"
    assert (rows["touch_marker"]["approved"], rows["restart_service"]["approved"]) == (False, True)


# ---------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "text",
    [
        "http://git.example.org/x@v1",
        "git://git.example.org/x@v1",
        "ext::sh -c id@v1",
        "https://ada:secret@git.example.org/x@v1",
        "ssh://-oProxyCommand=id/x@v1",
        "file:///srv/x@v1",
        "../x@v1",
        "/srv/../etc@v1",
        "/srv/x",
        "/srv/x@--upload-pack=id",
        "/srv/x@v1..v2",
        "git@host:x@v1",
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(SourceRefusedError):
        address.parse(text)


@pytest.mark.parametrize(
    ("repository", "allowed"),
    [
        ("https://git.example.org/ops/plays", True),
        ("https://git.example.org/ops", True),
        ("https://git.example.org/ops-evil/plays", False),
        ("https://git.example.org.evil.net/ops/plays", False),
        ("ssh://git@git.example.org/ops/plays", False),
        ("/srv/git/plays", False),
    ],
)
def test_a_site_imports_from_what_it_names_alone(repository, allowed):
    found = address.parse(f"{repository}@v1")
    if allowed:
        address.check_allowed(found, ["https://git.example.org/ops/"])
    else:
        with pytest.raises(SourceRefusedError):
            address.check_allowed(found, ["https://git.example.org/ops/"])


def test_a_site_that_names_nothing_imports_nothing(catalog, repository, settings):
    repository.commit()
    settings.ETHOPS_SITE.write_text("{}\n")
    with pytest.raises(CommandError, match="imports from nothing"):
        catalog("import")


def test_a_path_that_only_leads_elsewhere_is_refused(catalog, repository, tmp_path):
    repository.commit()
    (tmp_path / "away").mkdir()
    shutil.copytree(repository.folder, tmp_path / "away" / "plays")
    (tmp_path / "src" / "link").symlink_to(tmp_path / "away" / "plays")
    with pytest.raises(CommandError, match="This site imports from"):
        call_command("catalog", "import", f"{tmp_path}/src/link@v1", "--why", "x")


def test_a_branch_is_refused_with_the_commit_it_stands_at(catalog, repository):
    commit = repository.commit()
    with pytest.raises(CommandError, match=f"is a branch, and moves(.|\n)*{commit}"):
        catalog("import", tag="main")


def test_a_tag_that_is_not_there_is_said(catalog, repository):
    repository.commit()
    with pytest.raises(CommandError, match="There is no tag v9"):
        catalog("import", tag="v9")


def test_a_whole_commit_is_good(catalog, repository):
    commit = repository.commit()
    catalog("import", tag=commit)
    assert imported()["touch_marker"].document.origin.commit == commit


# ---------------------------------------------------------------- hostile trees

LINKED = [
    ("120000", "marker/link.yaml", "/etc/passwd", "symbolic link"),
    ("120000", "elsewhere", "../../..", "symbolic link"),
    ("100755", "marker/run.yaml", "---\n", "executable"),
    ("100644", "marker/hooks/post-checkout", "#!/bin/sh\n", "brings hooks along"),
    ("100644", "marker/library/evil.py", "import os\n", "modules of its own"),
    ("100644", "marker/roles/r/library/evil.py", "import os\n", "brings roles along"),
    ("100644", "marker/lookup_plugins/evil.py", "import os\n", "plugins along"),
    ("100644", "marker/filter_plugins/evil.py", "import os\n", "plugins along"),
    ("100644", "marker/group_vars/all.yaml", "a: 1\n", "from outside its arguments"),
    ("100644", "marker/ansible.cfg", "[defaults]\n", "no other file"),
    ("100644", "marker/evil.sh", "id\n", "no other file"),
    ("100644", "marker/big.yaml", "x" * 200_000, "larger than"),
    ("100644", "marker/a b\u202e.yaml", "---\n", "no plain name"),
]


@pytest.mark.parametrize(("mode", "path", "content", "said"), LINKED, ids=lambda one: str(one)[:30])
def test_a_tree_that_means_harm_is_refused_whole(
    catalog, repository, site, mode, path, content, said
):
    repository.git("add", "--all")
    repository.put(mode, path, content)
    repository.seal()
    with pytest.raises(CommandError, match=said):
        catalog("import")
    assert not site.exists()


def test_a_submodule_is_refused(catalog, repository):
    repository.git("add", "--all")
    repository.put("160000", "marker/sub", "1" * 40)
    repository.seal()
    with pytest.raises(CommandError, match="is a submodule"):
        catalog("import")


@pytest.mark.parametrize("name", ["..", ".git", "."])
def test_a_tree_with_a_name_that_leads_elsewhere_is_refused(catalog, repository, site, name):
    """Git's own check meets it first; whichever does, nothing is laid down."""
    sha = repository.git("hash-object", "-w", "--stdin", given=b"x")
    raw = b"100644 " + name.encode() + b"\0" + bytes.fromhex(sha)
    tree = repository.git("hash-object", "-w", "-t", "tree", "--literally", "--stdin", given=raw)
    commit = repository.git("commit-tree", tree, "-m", "x")
    repository.git("tag", "v1", commit)
    with pytest.raises(CommandError, match=r"git fetch failed|no plain name"):
        catalog("import")
    assert not site.exists()


def test_hooks_of_a_repository_on_this_host_are_not_run(catalog, repository, tmp_path):
    for name in ("post-checkout", "pre-upload-pack", "post-upload-pack", "reference-transaction"):
        hook = repository.folder / ".git" / "hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
        hook.chmod(0o755)
    commit = repository.commit()
    (tmp_path / "ran").unlink(missing_ok=True)
    repository.git("config", "uploadpack.packObjectsHook", f"touch {tmp_path}/ran; git")
    repository.git("config", "core.fsmonitor", f"touch {tmp_path}/ran")
    catalog("import", tag=commit)
    assert not (tmp_path / "ran").exists()


def test_a_tree_of_a_thousand_million_names_is_refused_soon(catalog, repository):
    sha = repository.git("hash-object", "-w", "--stdin", given=b"x")
    for level in range(9):
        kind, mode = ("blob", "100644") if level == 0 else ("tree", "040000")
        lines = "".join(f"{mode} {kind} {sha}\tn{n}\n" for n in range(10))
        sha = repository.git("mktree", given=lines.encode())
    repository.git("tag", "v1", repository.git("commit-tree", sha, "-m", "x"))
    with pytest.raises(CommandError, match="bytes"):
        catalog("import")


def test_a_pack_that_is_too_large_is_refused(catalog, repository):
    (repository.folder / "noise").write_bytes(os.urandom(34 * 1024 * 1024))
    repository.commit()
    with pytest.raises(CommandError, match=r"would write more than|failed"):
        catalog("import")


def test_an_attribute_filter_is_never_asked(catalog, repository, tmp_path):
    repository.write(".gitattributes", "* filter=evil\n")
    repository.git("add", "--all")
    repository.git("config", "filter.evil.smudge", f"touch {tmp_path}/ran; cat")
    repository.seal()
    catalog("import")
    assert not (tmp_path / "ran").exists()


# ---------------------------------------------------------------- hostile playbooks


def module(name, given, **more):
    return {"name": "Do it", name: given, **more}


PIPE = "{{ lookup('pipe', 'id') }}"
SAID = [
    (module("ansible.builtin.debug", {"msg": PIPE}), "calls `lookup`"),
    (module("ansible.builtin.debug", {"msg": "{{ query('file', '/etc/shadow') }}"}), "`query`"),
    (module("ansible.builtin.debug", {"msg": "x"}, vars={"a": PIPE}), "calls `lookup`"),
    (module("ansible.builtin.debug", {"msg": "x"}, when="lookup('pipe', 'id') == ''"), "`lookup`"),
    (module("ansible.builtin.assert", {"that": ["q('env', 'HOME')"]}), "calls `q`"),
    (module("ansible.builtin.debug", {"msg": "{{ ''.__class__ }}"}), "inside of Python"),
    (module("ansible.builtin.debug", {"msg": "{{ ''['__class__'] }}"}), "inside of Python"),
    (module("ansible.builtin.debug", {"msg": "{{ hostvars }}"}), "reads `hostvars`"),
    (module("ansible.builtin.debug", {"msg": "{{ 'x' | from_yaml }}"}), "filter `from_yaml`"),
    (module("ansible.builtin.debug", {"msg": "{% for a in b %}{% endfor %}"}), "for statement"),
    (module("ansible.builtin.debug", {PIPE: "x"}), "calls `lookup`"),
    (module("ansible.builtin.shell", {"cmd": "id"}), "neither a module nor a keyword"),
    (module("ansible.builtin.script", "x.sh"), "neither a module nor a keyword"),
    (module("ansible.builtin.template", {"src": "x", "dest": "/x"}), "neither a module"),
    (module("ansible.builtin.set_fact", {"ansible_connection": "local"}), "neither a module"),
    (module("ansible.builtin.include_tasks", "x.yaml"), "neither a module nor a keyword"),
    (module("ansible.builtin.add_host", {"name": "x"}), "neither a module nor a keyword"),
    (module("ansible.builtin.command", "id; id"), "one text"),
    (module("ansible.builtin.command", {"cmd": "id"}), "no list of words"),
    (module("ansible.builtin.copy", {"src": "/etc/shadow", "dest": "/x"}), "executor's host"),
    (module("ansible.builtin.debug", {"msg": "x"}, delegate_to="localhost"), "neither a module"),
    (module("ansible.builtin.debug", {"msg": "x"}, connection="local"), "neither a module"),
    (module("ansible.builtin.debug", {"msg": "x"}, become=True), "neither a module"),
    (module("ansible.builtin.debug", {"msg": "x"}, with_pipe="id"), "neither a module"),
    (module("ansible.builtin.debug", {"msg": "x"}, environment={"A": "b"}), "neither a module"),
    ({"name": "Two", "ansible.builtin.debug": {}, "ansible.builtin.fail": {}}, "one module"),
]


@pytest.mark.parametrize(("task", "said"), SAID, ids=[f"{n} {s}" for n, (_, s) in enumerate(SAID)])
def test_a_playbook_that_could_act_on_the_executors_host_is_refused(
    catalog, repository, site, task, said
):
    repository.write("marker/playbook.yaml", book(task))
    repository.commit()
    with pytest.raises(CommandError, match=said) as refused:
        catalog("import")
    assert (str(refused.value).startswith("marker/playbook.yaml:"), site.exists()) == (True, False)


@pytest.mark.parametrize(
    "play",
    [
        {"hosts": "localhost"},
        {"connection": "local"},
        {"vars_files": ["/etc/passwd"]},
        {"vars": {"a": PIPE}},
        {"roles": ["evil"]},
        {"become": True},
        {"gather_facts": True},
        {"handlers": [TASK]},
        {"collections": ["evil.things"]},
        {"module_defaults": {}},
        {"strategy": "debug"},
    ],
    ids=lambda one: next(iter(one)),
)
def test_a_play_that_reaches_beyond_its_host_is_refused(catalog, repository, site, play):
    repository.write("marker/playbook.yaml", book(**play))
    repository.commit()
    with pytest.raises(CommandError, match=r"marker/playbook\.yaml:"):
        catalog("import")
    assert not site.exists()


@pytest.mark.parametrize(
    "text",
    ["- !unsafe x\n", "- &a [*a]\n", "a: 1\na: 2\n", "[" * 200, "\x00", "- import_playbook: x\n"],
    ids=["tag", "alias", "twice", "deep", "nul", "import"],
)
def test_what_is_no_plain_playbook_is_refused(catalog, repository, text):
    repository.write("marker/playbook.yaml", text)
    repository.commit()
    with pytest.raises(CommandError, match=r"marker/playbook\.yaml:"):
        catalog("import")


# ---------------------------------------------------------------- sidecars


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"owner": None}, "`owner` is missing"),
        ({"review_by": "2026-02-30"}, "2026-02-30 is no day"),
        ({"false_run": None}, "`false_run` is missing"),
        ({"asks": {"first": "owner"}}, "either both or nothing"),
        ({"risk": "harmless"}, "risk"),
        ({"playbook": "other.yaml"}, "other.yaml is not beside it"),
        ({"folder": "remediation/restart_service"}, "`folder` is not a known key"),
        ({"origin": {}}, "`origin` is not a known key"),
        ({"approved": True}, "`approved` is not a known key"),
        ({"as_root": [["systemctl", "restart"]]}, "whatever PATH says"),
        ({"as_root": [["/usr/bin/id", "{unit}"]]}, "unit is no parameter"),
        ({"name": "Touch Marker"}, "name"),
    ],
    ids=lambda one: str(one)[:30],
)
def test_a_fault_of_a_sidecar_is_said_with_its_line(catalog, repository, site, changed, said):
    repository.declare(**changed)
    repository.commit()
    with pytest.raises(CommandError, match=said) as refused:
        catalog("import")
    assert str(refused.value).startswith("marker/ethops.yaml:")
    assert not site.exists()


def test_a_name_of_the_house_is_refused(catalog, repository, site):
    repository.declare(name="restart_service")
    repository.commit()
    with pytest.raises(CommandError, match="is an entry of ethops itself"):
        catalog("import")
    assert not site.exists()


def test_a_name_that_came_from_elsewhere_is_refused(catalog, repository, tmp_path):
    repository.commit()
    catalog("import")
    shutil.copytree(repository.folder, tmp_path / "src" / "other")
    with pytest.raises(CommandError, match="Remove that one first"):
        call_command("catalog", "import", f"{tmp_path}/src/other@v1", "--why", "x")


def test_a_repository_without_an_entry_is_said(catalog, repository):
    shutil.rmtree(repository.folder / "marker")
    repository.write("README.md", "nothing\n")
    repository.commit()
    with pytest.raises(CommandError, match="There is no entry here"):
        catalog("import")


# ---------------------------------------------------------------- the linter's baseline

UNNAMED = {"ansible.builtin.debug": {"msg": "x"}}


def test_what_the_linter_finds_is_refused_until_it_is_taken_as_known(catalog, repository, site):
    repository.write("marker/playbook.yaml", book(UNNAMED))
    repository.commit()
    with pytest.raises(CommandError, match=r"not in its baseline: name\[missing\] playbook.yaml"):
        catalog("import")
    assert not site.exists()
    catalog("import", "--accept-lint")
    assert imported()["touch_marker"].document.origin.lint == ("name[missing] playbook.yaml",)


def test_what_is_known_stays_so_and_what_is_new_is_refused(catalog, repository):
    repository.write("marker/playbook.yaml", book(UNNAMED))
    repository.commit()
    catalog("import", "--accept-lint")
    repository.write("marker/playbook.yaml", book(UNNAMED, TASK))
    repository.commit("v2")
    catalog("import", tag="v2")
    loose = {**TASK, "ansible.builtin.copy": {"content": "x", "dest": "{{ path }}"}}
    repository.write("marker/playbook.yaml", book(UNNAMED, loose))
    repository.commit("v3")
    with pytest.raises(CommandError, match="risky-file-permissions"):
        catalog("import", tag="v3")
    assert imported()["touch_marker"].document.origin.revision == "v2"


def test_our_own_entries_have_no_finding(tmp_path):
    folder = tmp_path / "entry"
    shutil.copytree(CLONE / "playbooks" / "remediation" / "remount", folder)
    assert linting.findings(folder) == ()
