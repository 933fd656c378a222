"""The effect `command.run`: one command within its scope, without a shell, in a private folder."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from adapters.registry import reader
from adapters.text import one_line, plain
from audit.canonical import JSON
from audit.work import rows
from ethops import env
from ethops.executor import changes, conf, marks, runner, stop, tools
from ethops.executor.effects import Finding, Result
from ethops.executor.errors import (
    ArgumentRefusedError,
    CommandFailedError,
    CutShortError,
    FailedError,
    LeaseLostError,
    StoppedError,
    UnsureError,
)
from personas.commands import BadArgvError, covered, read_argv
from personas.gate import Claim
from personas.guardrails import doors
from personas.guardrails.doors import Scope

KEPT_SECONDS: Final = 30 * 24 * 3600.0
MARGIN_SECONDS: Final = 15.0
"""So much longer than the command itself its keeper may take before it is given up."""
LONGEST_SHOWN: Final = 1500
LETTING_GO_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Folder:
    """Where one command lies: what it is, where it works, what it wrote, how it ended."""

    path: Path

    @property
    def started(self) -> Path:
        """Exists from before the first moment at which something may have happened."""
        return self.path / "started"

    @property
    def work(self) -> Path:
        """Where the command stands, and all that it may call home."""
        return self.path / "work"

    def ended(self) -> Mapping[str, Any] | None:
        """Return how it came to its end, None where it never did."""
        try:
            found = json.loads((self.path / "ended.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None

    def stream(self, name: str) -> str:
        """Return what is kept of a stream: text from outside, made fit to show."""
        try:
            kept = (self.path / name).read_bytes()
        except OSError:
            return ""
        return plain(kept.decode("utf-8", "replace"), LONGEST_SHOWN)


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Runs a declared program with exactly the arguments that were permitted and recorded."""

    def act(self, claim: Claim) -> Result:
        """Run it; UnsureError where it was cut off and cannot tell what it did."""
        argv, scope = checked(claim)
        tool = tools.tool(argv[0])
        folder = _fresh(claim, scope)
        _write_spec(folder, argv, tool, scope)
        stop.check_wanted(claim.action_id)
        if not scope.repeatable:
            changes.begin(claim, rows.holder().rpartition(":")[0])
        try:
            _run(claim, folder, tool, scope)
        except FailedError as fault:
            _conclude(claim, scope, done=False, said=str(fault))
            raise
        return _result(claim, folder, scope)

    def probe(self, claim: Claim) -> Finding:
        """Read what the command left behind; whatever of it still runs is ended first."""
        folder = _folder(claim)
        if not folder.started.exists():
            return _not_begun(claim)
        if not marks.kill(claim.action_id):
            return Finding("unknown", {"said": "processes of the command cannot be ended"})
        scope = doors.scope_in_hand(claim.action_id)
        if folder.ended() is None:
            return _cut_off(scope)
        if scope is None:
            return Finding("unknown", {"said": "the card has no such scope any more"})
        try:
            return Finding("done", _result(claim, folder, scope))
        except FailedError as fault:
            return Finding("failed", {**fault.result, "said": str(fault), "code": fault.code})


def checked(claim: Claim) -> tuple[tuple[str, ...], Scope]:
    """Return the argument vector, held against the scope once more and by another hand.

    Raises:
        ArgumentRefusedError: it is none, or no pattern of the scope covers it on this CI.
    """
    try:
        argv = read_argv(claim.args.get("argv", ""))
    except BadArgvError as fault:
        raise ArgumentRefusedError(str(fault)) from fault
    scope = doors.scope_in_hand(claim.action_id)
    if scope is None:
        raise ArgumentRefusedError(f"{claim.card} has no scope of commands {claim.entry}")
    found = reader("cmdb").by_refs([claim.target])
    if not found:
        raise ArgumentRefusedError(f"{claim.target} is not in the CMDB")
    if not covered(scope.commands, scope.options, argv, found[0].attributes):
        raise ArgumentRefusedError(f"{claim.entry} covers no such command on {claim.target}")
    return argv, scope


def _run(claim: Claim, folder: Folder, tool: tools.Tool, scope: Scope) -> None:
    if not rows.beat(claim.action_id, claim.fence, conf.executor().lease_seconds):
        raise LeaseLostError(f"command {claim.action_id}: the lease was lost before it began")
    stop.check_wanted(claim.action_id)
    if stop.is_pressed():
        raise StoppedError("the stop was pressed before the command began")
    # What was asked before may have waited for a database that hung.
    stop.check_file()
    runner.write(folder.started, json.dumps({"at": time.time(), "by": os.getpid()}))
    runner.sync(folder.path)
    with _start(claim, folder, tool) as child:
        try:
            patience = scope.timeout_s + MARGIN_SECONDS
            with stop.watched(claim.action_id) as watch:
                why = runner.wait(child, patience, "command", watch)
        finally:
            clean = _end(child) and marks.kill(claim.action_id)
    if why and clean and folder.ended() is None:
        raise CutShortError(why)


def _end(child: "subprocess.Popen[bytes]") -> bool:
    """Let the child end what it has started; it does that where its input ends."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(LETTING_GO_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
    return True


def _start(claim: Claim, folder: Folder, tool: tools.Tool) -> "subprocess.Popen[bytes]":
    log = os.open(folder.path / "child.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        return subprocess.Popen(
            [sys.executable, "-m", "ethops.executor.command_child", str(folder.path)],
            cwd=env.CLONE,
            # Of our own environment nothing at all; the child hands on what its spec names.
            env={
                **tool.environment,
                **tool.secrets,
                **_plain(folder),
                **marks.mark(claim.action_id),
                "PATH": tools.PATH,
            },
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    finally:
        os.close(log)


def _plain(folder: Folder) -> dict[str, str]:
    return {"HOME": str(folder.work), "TMPDIR": str(folder.work), "LANG": "C.UTF-8", "TZ": "UTC"}


def _write_spec(folder: Folder, argv: tuple[str, ...], tool: tools.Tool, scope: Scope) -> None:
    spec = {
        "argv": list(argv),
        "program": str(tool.path),
        "timeout_s": scope.timeout_s,
        # Values of secrets go by the environment alone; on disk there are names.
        "environment": [*tool.environment, *_plain(folder), "PATH"],
        "secrets": list(tool.secrets),
    }
    runner.write(folder.path / "spec.json", json.dumps(spec))


def _result(claim: Claim, folder: Folder, scope: Scope) -> Result:
    """Return what a command that came to its end has done, and conclude what stands for it.

    Raises:
        CommandFailedError: it says that it did not succeed.
        CutShortError: it was ended before it was through.
        UnsureError: there is no end.
    """
    ended = folder.ended()
    if ended is None:
        raise UnsureError(f"command {claim.action_id} was cut off")
    report: dict[str, JSON] = {name: folder.stream(name) for name in ("out", "err")}
    facts: dict[str, JSON] = {"rc": ended.get("rc"), "report": report}
    rc, why = ended.get("rc"), str(ended.get("why") or "")
    said = why or f"exit code {rc}. {one_line(str(report['out'] or report['err']), 400)}".strip()
    change = _conclude(claim, scope, done=rc == 0 and not why, said=said)
    result: dict[str, JSON] = {**facts, "said": said, "change": change}
    if why:
        raise CutShortError(why, result=result)
    if rc != 0:
        raise CommandFailedError(said, result=result)
    return result


def _conclude(claim: Claim, scope: Scope, *, done: bool, said: str) -> str:
    return "" if scope.repeatable else changes.conclude(claim, done=done, said=said)


def _cut_off(scope: Scope | None) -> Finding:
    """Say what is known of a command that began and never ended."""
    if scope is not None and scope.repeatable:
        return Finding("absent", {"said": "it was cut off, and as it only looks it may run again"})
    return Finding("unknown", {"said": "the command began and was cut off"})


def _not_begun(claim: Claim) -> Finding:
    """The marker lies with who acted: that this host has none proves nothing about another."""
    here, there = rows.holder().rpartition(":")[0], claim.holder.rpartition(":")[0]
    if here != there:
        said = f"whether the command began can be seen at {claim.holder}, not at {rows.holder()}"
        return Finding("unknown", {"said": said})
    return Finding("absent", {"said": "the command never began"})


def _folder(claim: Claim) -> Folder:
    return Folder(conf.executor().commands / str(claim.action_id))


def _fresh(claim: Claim, scope: Scope) -> Folder:
    """Make the command's folder; what an attempt that may be repeated has left is removed."""
    folder = _folder(claim)
    _forget_old(folder.path.parent)
    if folder.started.exists() and not scope.repeatable:
        raise UnsureError(f"command {claim.action_id} was begun before: it is never begun twice")
    if folder.started.exists() and not marks.kill(claim.action_id):
        raise UnsureError(f"command {claim.action_id} still runs")
    shutil.rmtree(folder.path, ignore_errors=True)
    folder.work.mkdir(parents=True, mode=0o700)
    folder.path.chmod(0o700)
    return folder


def _forget_old(commands: Path) -> None:
    """Remove what commands left behind long ago; one that never ended keeps its evidence."""
    before = time.time() - KEPT_SECONDS
    for path in commands.glob("*-*-*-*-*"):
        if path.stat().st_mtime < before and (path / "ended.json").exists():
            shutil.rmtree(path, ignore_errors=True)
