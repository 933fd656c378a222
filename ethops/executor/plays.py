"""The effect `playbook.run`: one approved playbook on the one host of one CI."""

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.cmdb.errors import CmdbError
from adapters.cmdb.port import Host
from adapters.registry import reader
from audit.work import rows
from ethops.executor import arguments, changes, conf, inventory, marks, mission, runner, stop
from ethops.executor.effects import Finding, Result
from ethops.executor.errors import FailedError, HostMissingError, PlayFailedError, UnsureError
from ethops.executor.export import export
from ethops.executor.findings import judge
from ethops.executor.runner import Folder
from personas import entries
from personas.gate import Claim

KEPT_SECONDS: Final = 30 * 24 * 3600.0
"""How long a play's events and output stay on this host."""


@dataclass(frozen=True, slots=True)
class RunPlaybook:
    """Runs from an export by hash, in a fresh private folder, as a standard change."""

    def act(self, claim: Claim) -> Result:
        """Run it; UnsureError where it was cut off and cannot tell what it did."""
        host = _host(claim)
        with stop.watched(claim.action_id) as watch:
            mission.check(claim, host, watch)
        folder = _fresh(claim)
        try:
            _prepare(claim, host, folder)
        except FailedError:
            shutil.rmtree(folder.path, ignore_errors=True)
            raise
        # Who is on the host may have taken long to see; a change is for what then begins.
        stop.check_wanted(claim.action_id)
        changes.begin(claim, host.name)
        try:
            with stop.watched(claim.action_id) as watch:
                runner.run(
                    folder,
                    timeout_s=claim.timeout_s,
                    watch=watch,
                    is_ours=lambda: _is_ours(claim),
                )
        except FailedError as fault:
            changes.conclude(claim, done=False, said=str(fault))
            raise
        found = _judge(claim, folder, host)
        if found.kind == "unknown":
            raise UnsureError(f"play {claim.action_id}: {found.result.get('said')}")
        if found.kind == "failed":
            raise PlayFailedError(str(found.result.get("said")), result=found.result)
        return found.result

    def probe(self, claim: Claim) -> Finding:
        """Read what the play left behind; whatever of it still runs is ended first."""
        folder = _folder(claim)
        if not folder.started.exists():
            return _not_begun(claim)
        if not marks.kill(claim.action_id):
            return Finding("unknown", {"said": "processes of the play cannot be ended"})
        return _judge(claim, folder, _host(claim))


def _not_begun(claim: Claim) -> Finding:
    """The marker lies with who acted: that this host has none proves nothing about another."""
    if _machine(claim.holder) != _machine(rows.holder()):
        said = f"whether the play began can be seen at {claim.holder}, not at {rows.holder()}"
        return Finding("unknown", {"said": said})
    return Finding("absent", {"said": "the play never began"})


def _machine(holder: str) -> str:
    return holder.rpartition(":")[0]


def _is_ours(claim: Claim) -> bool:
    return rows.beat(claim.action_id, claim.fence, conf.executor().lease_seconds)


def _judge(claim: Claim, folder: Folder, host: Host) -> Finding:
    found = judge(runner.left_behind(folder), host.name)
    if found.kind == "unknown":
        return found
    said = str(found.result.get("said", ""))
    ref = changes.conclude(claim, done=found.kind == "done", said=said)
    return Finding(found.kind, {**found.result, "change": ref, "host": host.name})


def _host(claim: Claim) -> Host:
    try:
        host = reader("cmdb").host_of(claim.target)
    except CmdbError as fault:
        raise HostMissingError(f"{claim.target}: {fault}") from fault
    if host is None:
        raise HostMissingError(f"{claim.target} runs on no declared host")
    return host


def _folder(claim: Claim) -> Folder:
    return Folder(conf.executor().plays / str(claim.action_id))


def _fresh(claim: Claim) -> Folder:
    """Make the play's folder; what an attempt that never began has left is removed."""
    folder = _folder(claim)
    _forget_old(folder.path.parent)
    if folder.started.exists():
        raise UnsureError(f"play {claim.action_id} was begun before: it is never begun twice")
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.path.mkdir(mode=0o700)
    return folder


def _forget_old(plays: Path) -> None:
    """Remove what plays left behind long ago; one that never ended keeps its evidence."""
    before = time.time() - KEPT_SECONDS
    for path in plays.glob("*-*-*-*-*"):
        if path.stat().st_mtime < before and Folder(path).ended:
            shutil.rmtree(path, ignore_errors=True)


def _prepare(claim: Claim, host: Host, folder: Folder) -> None:
    checked = arguments.check(claim.parameters, claim.args)
    source = entries.root_of(claim.document) / Path(str(claim.document["folder"]))
    export(source, folder.project, expected=claim.tree_hash)
    runner.prepare(
        folder,
        playbook=str(claim.document["playbook"]),
        inventory=inventory.document(host, scratch=folder.scratch),
        extravars=arguments.as_extravars(checked),
    )
