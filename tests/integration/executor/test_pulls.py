"""A pull request goes through the gate onto a branch of a real repository, once."""

import json
import shutil
import subprocess
from collections.abc import Mapping
from uuid import uuid4

import pytest

from adapters.forge import conf as forge_conf
from adapters.forge import embedded
from adapters.forge.errors import ForgeUnavailableError
from adapters.forge.port import Writer
from adapters.registry import forge_reader, writer
from adapters.tickets.port import Note
from ethops.executor import git as git_of_ours
from ethops.executor import pulls, registry
from ethops.executor.git import BareGit
from personas import gate
from tests.doubles.agent import propose
from tests.integration.executor.conftest import Bench

GIT = shutil.which("git") or "git"
PAGE = {"path": "incidents/INC-1.md", "content": "# <script>alert(1)</script>\n"}


def args(*files: Mapping[str, object], **said: str) -> dict[str, str]:
    whole = {"title": "What helped", "body": "Merge it if it is true."}
    return {**whole, "files": json.dumps(files or [PAGE]), **said}


@pytest.fixture
def forge(bench: Bench) -> Bench:
    """The bench of a site that lets agents open two pull requests for a ticket."""
    bench.ask("owner", "INSERT INTO autonomy_policy VALUES ('ticket_pulls', 2) RETURNING 1")
    return bench


def asked(bench: Bench, ref: str, key: str = "k", **said: str):
    step = bench.step(ref)
    return propose(bench.links["agent"], step, key, "pull.open", "", ref, args(**said))


def whole_effect() -> pulls.OpenPull:
    found = registry.EFFECTS["pull.open"]
    assert isinstance(found, pulls.OpenPull)
    return found


def git(*words: str) -> bytes:
    folder = forge_conf.place().folder
    return subprocess.run(
        [GIT, f"--git-dir={folder}", *words], capture_output=True, check=True
    ).stdout


def test_what_an_agent_proposes_is_opened_and_nothing_is_merged(forge):
    ref = forge.incident("web-01")
    action = forge.authorised(ref, "pull.open", **args())
    forge.worker().drain("executor.light")
    row = forge.action(action)
    assert (row["outcome"], row["risk"]) == ("done", ""), row["result"]
    pull = forge_reader().find(action)
    assert pull
    assert (pull.state, pull.author, pull.ticket_ref) == ("open", "incident_responder", ref)
    assert (row["result"]["pull"], row["result"]["head"]) == (pull.number, pull.head)
    assert git("cat-file", "blob", f"{pull.head}:{PAGE['path']}").decode() == PAGE["content"]
    assert git("ls-tree", "-r", "main") == b""


def test_who_asked_for_the_run_is_behind_it(forge):
    ref = forge.incident("web-01")
    with forge.as_role("app"):
        writer("tickets").comment(
            uuid4(), ref, Note(text="please", author="anna", author_kind="person")
        )
    action = forge.authorised(ref, "pull.open", **args())
    forge.worker().drain("executor.light")
    pull = forge_reader().find(action)
    assert pull
    assert "anna" in pull.behind


@pytest.mark.parametrize("point", ["before the commit", "after the commit", "after the row"])
def test_one_cut_off_anywhere_is_opened_once(forge, monkeypatch, point):
    """As a kill at this boundary would leave it: no outcome is written, and the probe looks."""
    action = forge.authorised(forge.incident("web-01"), "pull.open", **args())
    whole = whole_effect()

    class Dying(embedded.Writer):
        """A writer that dies there."""

        def open(self, key, draft):
            if point == "after the commit":
                repository = self._repository
                repository.commit(repository.tip(), f"ethops/{key.hex}", draft.files,
                                  message="m", author="a")  # fmt: skip
            if point == "after the row":
                super().open(key, draft)
            raise KeyboardInterrupt

    def dying() -> Dying:
        place = forge_conf.place()
        return Dying(place, BareGit(place.folder))

    monkeypatch.setitem(
        registry.EFFECTS, "pull.open", pulls.OpenPull(whole.reader, dying, whole.diff)
    )
    with pytest.raises(KeyboardInterrupt):
        forge.worker().act_one("executor.light")
    monkeypatch.setitem(registry.EFFECTS, "pull.open", whole)
    forge.lose_lease(action)
    forge.worker().drain("executor.light")
    forge.ask("owner", "UPDATE audit_work SET not_before = now() WHERE id = %s RETURNING 1", action)
    forge.worker().drain("executor.light")
    assert forge.action(action)["outcome"] == "done", forge.action(action)
    assert forge.ask("app", "SELECT count(*) AS n FROM forge_pullrequest") == {"n": 1}


def test_a_forge_that_is_away_is_asked_again(forge, monkeypatch):
    action = forge.authorised(forge.incident("web-01"), "pull.open", **args())
    whole = whole_effect()

    def away() -> Writer:
        raise ForgeUnavailableError("nobody answers")

    monkeypatch.setitem(
        registry.EFFECTS, "pull.open", pulls.OpenPull(whole.reader, away, whole.diff)
    )
    forge.worker().act_one("executor.light")
    assert forge.action(action)["outcome"] == ""
    monkeypatch.setitem(registry.EFFECTS, "pull.open", whole)
    forge.lose_lease(action)
    forge.worker().drain("executor.light")
    forge.ask("owner", "UPDATE audit_work SET not_before = now() WHERE id = %s RETURNING 1", action)
    forge.worker().drain("executor.light")
    assert forge.action(action)["outcome"] == "done"


PATHS = (
    ".git/config", "a/../b", "/etc/passwd", "a/.github/x", "refs/", "con", "a b", "x" * 201, "",
)  # fmt: skip
FILES = (
    *("", "[]", "{}", "null", "[1]", "[[]]", "[" * 5000, '[{"path": "a"}]'),
    *('[{"path": "a", "content": 1}]', '[{"path": 1, "content": "x"}]'),
    '[{"path": "a", "content": "x", "mode": "120000"}]',
    '[{"path": "a", "content": "x"}, {"path": "A", "content": "x"}]',
    '[{"path": "a", "content": "\\ud800"}]',
    json.dumps([{"path": f"a{n}", "content": "x"} for n in range(21)]),
    *(json.dumps([PAGE, {**PAGE, "path": path}]) for path in PATHS),
)


def test_files_that_are_none_are_denied_at_the_gate(forge):
    for begin in range(0, len(FILES), 8):
        ref = forge.incident("web-01")
        step = forge.step(ref)
        for n, files in enumerate(FILES[begin : begin + 8]):
            wish = args(files=files)
            found = propose(forge.links["agent"], step, str(n), "pull.open", "", ref, wish)
            assert (found["verdict"], found["guard"]) == ("denied", "files"), files


def test_a_branch_cannot_be_named(forge):
    found = asked(forge, forge.incident("web-01"), branch="main")
    assert (found["verdict"], found["guard"]) == ("denied", "arguments")


def test_no_site_has_any_that_does_not_say_so(bench):
    found = asked(bench, bench.incident("web-01"))
    assert (found["verdict"], found["guard"]) == ("denied", "pulls")


def test_a_ticket_and_an_hour_have_so_many(forge):
    ref, verdicts = forge.incident("web-01"), []
    step = forge.step(ref)
    for key in "abc":
        said = propose(forge.links["agent"], step, key, "pull.open", "", ref, args())
        verdicts.append((said["verdict"], said["guard"]))
    assert verdicts == [("authorised", ""), ("authorised", ""), ("denied", "pulls")]
    forge.ask("owner", "INSERT INTO autonomy_policy VALUES ('pulls_per_hour', 2) RETURNING 1")
    found = asked(forge, forge.incident("spool-01"))
    assert (found["verdict"], found["guard"]) == ("denied", "pulls")
    assert "within an hour" in found["reason"]


def test_a_run_that_has_read_a_text_may_still_propose_what_people_review(forge):
    ref = forge.incident("web-01")
    step = forge.step(ref)
    forge.ask("agent", "SELECT gate.taint(%s, 'a log', 'outside')", step["run_id"])
    found = propose(forge.links["agent"], step, "k", "pull.open", "", ref, args())
    assert found["verdict"] == "authorised", found["reason"]


def test_it_is_no_change_of_the_fleet_and_none_of_its_ticket(forge):
    forge.authorised(forge.incident("web-01"), "pull.open", **args())
    row = forge.ask("owner", "SELECT gate.fleet_changes(now() - interval '1 hour') AS made,"
                    " gate.is_change('pull.open') AS change")  # fmt: skip
    assert row == {"made": 0, "change": False}


def test_what_the_forge_refuses_has_failed(forge):
    first = {"path": "a", "content": "x"}
    ref = forge.incident("web-01")
    action = forge.authorised(ref, "pull.open", **args(first, {"path": "a/b", "content": "y"}))
    forge.worker().drain("executor.light")
    row = forge.action(action)
    assert (row["outcome"], row["result"]["code"]) == ("failed", "executor.pull_refused")
    assert forge.ask("app", "SELECT count(*) AS n FROM forge_pullrequest") == {"n": 0}


def test_an_effect_of_nobody_has_nobody_behind_it(forge):
    assert gate.behind_action(action_id=uuid4()) == ()


def test_a_difference_that_nobody_can_read_leaves_nothing_in_doubt(forge, monkeypatch):
    before = forge.authorised(forge.incident("web-01"), "pull.open", **args())
    monkeypatch.setattr(git_of_ours, "MOST_SAID", 1000)
    large = {"path": "a.md", "content": "x\n" * 2000}
    action = forge.authorised(forge.incident("spool-01"), "pull.open", **args(large))
    forge.worker().drain("executor.light")
    for one, shown in ((before, True), (action, False)):
        row = forge.action(one)
        assert (row["outcome"], bool(row["result"]["diff"])) == ("done", shown), row["result"]
