"""Looks who is on a host before a play begins there that people or their jobs would feel.

This host is looked at through psutil; one that is reached by ssh through the catalogue's own entry
that only reads. What cannot be seen is not taken for nobody.
"""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from uuid import uuid5

import psutil

from adapters.cmdb.port import Host
from adapters.text import one_line
from ethops.executor import arguments, conf, inventory, marks, runner
from ethops.executor.errors import PeopleFirstError, UnseenError
from ethops.executor.export import export
from ethops.executor.findings import judge
from ethops.executor.runner import Folder
from ethops.executor.stop import Watch
from personas import entries, presence
from personas.gate import Claim
from personas.presence import Mission

LONGEST: Final = 200
SHORTEST_TEXT: Final = 3
SESSIONS: Final = Path("/run/systemd/sessions")
LOOK_SECONDS: Final = 30


def check(claim: Claim, host: Host, watch: Watch) -> None:
    """Let a play begin only where nobody is on its host, or a person has approved it knowing that.

    Raises:
        PeopleFirstError: somebody is there; the permit is void, and who is named is asked.
        UnseenError: nobody could see who is there.
    """
    mission = presence.mission_of(claim.action_id)
    if mission is None:
        return
    here = host.connection == "local"
    seen = {*look_here(mission)} if here else {*_look_there(claim, host, mission, watch)}
    found = {*_wanted(mission, seen), *(mission.research if "jobs" in mission.of else ())}
    if not found:
        return
    said = presence.people_first(
        action_id=claim.action_id, fence=claim.fence, found=found, asked=mission.asked
    )
    if said != "go":
        raise PeopleFirstError(f"{claim.action_id} on {host.name}: {', '.join(sorted(found))}")


def look_here(mission: Mission) -> Iterator[str]:
    """Yield who is logged in on this host, and which declared jobs run on it."""
    for user in psutil.users():
        if psutil.pid_exists(int(user.pid)):
            yield f"person {one_line(user.name, LONGEST)}"
    yield from _sessions(SESSIONS)
    for process in psutil.process_iter():
        yield from _jobs_of(process, mission)


def _sessions(folder: Path) -> Iterator[str]:
    """Yield whom logind knows: where systemd keeps no utmp any more, psutil sees nobody."""
    for path in sorted(folder.glob("*")):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        fields = dict(re.findall(r"^([A-Z_]+)=(.*)$", text, re.MULTILINE))
        if fields.get("CLASS", "user") == "user" and fields.get("USER"):
            yield f"person {one_line(fields['USER'], LONGEST)}"


def _jobs_of(process: psutil.Process, mission: Mission) -> Iterator[str]:
    try:
        # Plays of ours carry the texts in their arguments.
        if process.environ().get(marks.NAME):
            return
    except (psutil.Error, OSError):
        pass
    try:
        line = " ".join(process.cmdline())
        group = Path("/proc", str(process.pid), "cgroup").read_text(encoding="utf-8")
    except (psutil.Error, OSError):
        return
    yield from (f"process {text}" for text in _texts(mission.processes) if text in line)
    yield from (f"unit {text}" for text in _texts(mission.units) if f"/{text}" in group)


def _texts(declared: str) -> list[str]:
    return [text for text in declared.split("|") if len(text) >= SHORTEST_TEXT]


def _wanted(mission: Mission, seen: set[str]) -> Iterator[str]:
    for one in seen:
        if ("people" if one.startswith("person ") else "jobs") in mission.of:
            yield one


def _look_there(claim: Claim, host: Host, mission: Mission, watch: Watch) -> Iterator[str]:
    """Run the approved look over the same way as the play itself, in a folder of its own."""
    if mission.look is None:
        raise UnseenError("the catalogue's entry look_who_is_there is not there as approved")
    folder = Folder(conf.executor().plays / str(uuid5(claim.action_id, "look")))
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.path.mkdir(mode=0o700, parents=True)
    try:
        yield from _looked(folder, host, mission, watch)
    finally:
        shutil.rmtree(folder.path, ignore_errors=True)


def _looked(folder: Folder, host: Host, mission: Mission, watch: Watch) -> Iterator[str]:
    look = mission.look or {}
    document = look["document"]
    given = {"processes": mission.processes, "units": mission.units}
    checked = arguments.check(look["parameters"], {k: v for k, v in given.items() if v})
    source = entries.root_of(document) / Path(str(document["folder"]))
    export(source, folder.project, expected=str(look["hash"]))
    runner.prepare(
        folder,
        playbook=str(document["playbook"]),
        inventory=inventory.document(host, scratch=folder.scratch),
        extravars=arguments.as_extravars(checked),
    )
    runner.run(folder, timeout_s=LOOK_SECONDS, watch=watch, is_ours=lambda: True)
    found = judge(runner.left_behind(folder), host.name)
    report = found.result.get("report")
    if found.kind != "done" or not isinstance(report, dict):
        raise UnseenError(f"nobody could see who is on {host.name}: {found.result.get('said')}")
    yield from (f"person {one_line(str(name), LONGEST)}" for name in report.get("people") or [])
    yield from (one_line(str(job), LONGEST) for job in report.get("jobs") or [])
