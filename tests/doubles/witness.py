"""A witness as a process of its own, the real program, and what a log gets out of it."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from audit.ledger import notes
from audit.ledger.notes import Key, TreeHead
from ethops.env import CLONE
from ethops.stack.ports import free_ports
from tests.doubles.tree import Log
from tests.waiting import PATIENCE_SECONDS

START_SECONDS = PATIENCE_SECONDS


@dataclass
class Process:
    """One witness; `kill` and `start` again use the same files."""

    state: Path
    logs: list[str]
    name: str = "witness.example/w1"
    listen: str = field(default_factory=lambda: f"127.0.0.1:{free_ports().web}")
    """Held for it, also while it is down."""
    program: tuple[str, ...] = ("-m", "audit.witness")
    url: str = ""
    vkey: str = ""
    running: "subprocess.Popen[bytes] | None" = None
    client: httpx.Client = field(default_factory=lambda: httpx.Client(trust_env=False, timeout=20))

    @property
    def key(self) -> Key:
        return Key.parse(self.vkey)

    def start(self) -> "Process":
        output = self.state.with_name(self.state.name + ".out")
        with output.open("wb") as stream:
            self.running = subprocess.Popen(
                [
                    *(sys.executable, *self.program, "--listen", self.listen),
                    *("--state", str(self.state), "--name", self.name),
                    *("--log", *self.logs),
                ],
                cwd=CLONE,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={"PATH": os.environ["PATH"]},
            )
        end = time.monotonic() + START_SECONDS
        while "\nstate" not in (said := output.read_text()):
            assert self.running.poll() is None, said
            assert time.monotonic() < end, said
            time.sleep(0.01)
        words = dict(line.split(None, 1) for line in said.splitlines() if " " in line)
        self.vkey, self.url = words["vkey"], words["listens"]
        # Comes back where it was.
        self.listen = self.url.removeprefix("http://")
        return self

    def kill(self, how: signal.Signals = signal.SIGKILL) -> None:
        assert self.running is not None
        self.running.send_signal(how)
        self.running.wait(20)

    def add(self, log: Log, old: int, size: int | None = None) -> httpx.Response:
        return self.client.post(
            f"{self.url}/add-checkpoint", content=log.request(old, size).written(), timeout=20
        )

    def signed(self, log: Log, size: int, line: str) -> bool:
        """Tell whether a line is this witness's on the log's tree head."""
        lines = [notes.parse_line(one) for one in line.splitlines()]
        found = notes.verify_lines(log.head(size).text, lines, [self.key])
        return bool(found and found[0].at)

    def latest(self, log: Log) -> TreeHead:
        from audit.witness import protocol

        path = f"/{protocol.origin_hash(log.signer.name)}/checkpoint"
        text, verified = notes.open_note(
            self.client.get(self.url + path).text, [self.key, log.signer.key]
        )
        assert len(verified) == 2
        return TreeHead.parse(text)

    def close(self) -> None:
        if self.running is not None and self.running.poll() is None:
            self.kill()
        self.client.close()
