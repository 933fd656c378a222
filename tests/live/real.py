"""A real Ollama of our own: on a free port, with a folder of its own, ended by its process id."""

import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import httpx
import ollama

from ethops.stack.ports import LOOPBACK, free_ports
from ethops.stack.spawn import spawn
from tests.live import standin
from tests.live.tiny import Chat, Embedder

LONGEST_START = 30.0
LONGEST_STOP = 10.0

QUICK, SLOW, EMBED = "quick", "slow", "embed"
"""Models that every server of the live tests has; `slow` takes about fifteen times longer."""

TEMPLATED = "templated"
"""As quick as `quick`, with a template of the other kind: a loop over the messages.

Its weights are its own: names of the same weights share one runner, and a server lists that by
the name which was asked for first.
"""

OLD_TEMPLATE = (
    "{{ if .Tools }}{{ .Tools }}\n{{ end }}{{ if .System }}{{ .System }}\n{{ end }}"
    "Q: {{ .Prompt }}\nA: {{ .Response }}\n"
)
LOOP_TEMPLATE = (
    "{{- range $i, $_ := .Messages }}{{- $last := eq (len (slice $.Messages $i)) 1 }}"
    "<{{ .Role }}>{{ .Content }}"
    '{{ if not (and $last (eq .Role "assistant")) }}</{{ .Role }}>{{ end }}'
    '{{ if and $last (ne .Role "assistant") }}<assistant>{{ end }}'
    "{{- end }}"
)
OPTIONS = {"num_ctx": 2048, "num_thread": 1}
"""One thread: two that spin on a busy machine are slower by far."""

UNHURRIED = {"STANDIN_TOKEN_S": "0.01", "STANDIN_LOAD_S": "0.05"}
"""Has the stand-in speak as slowly as a person types, so that requests meet each other."""

FILES: Mapping[str, Chat | Embedder] = {
    QUICK: Chat(seed=11),
    SLOW: Chat(seed=12, width=256, heads=8, layers=6),
    EMBED: Embedder(seed=13),
    TEMPLATED: Chat(seed=14),
}
TEMPLATES: Mapping[str, str | None] = {EMBED: None, TEMPLATED: LOOP_TEMPLATE}
"""Of the others it is the old one."""


@dataclass(slots=True)
class RealOllama:
    """One running server."""

    url: str
    process: "subprocess.Popen[bytes]"
    log: Path

    def client(self, seconds: float = 30.0) -> ollama.Client:
        """The official client, which waits at most so long for the next byte."""
        return ollama.Client(host=self.url, timeout=seconds)

    def stop(self) -> None:
        """End it and the runners that it started."""
        self.process.terminate()
        try:
            self.process.wait(LONGEST_STOP)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        # The group is ours alone: the server was started as the leader of a session.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)


Start = Callable[..., RealOllama]
"""`start(part, VARIABLE="value")`: a server that has the tiny models."""


def start(binary: Path, folder: Path, **variables: str) -> RealOllama:
    """Start a server that has no models yet; with the stand-in, where it wants a child."""
    port = free_ports().web
    folder.mkdir(parents=True, exist_ok=True)
    _place_standin(folder)
    log = folder / "ollama.log"
    process = spawn(
        [binary, "serve"],
        environment={
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "OLLAMA_HOST": f"{LOOPBACK}:{port}",
            "OLLAMA_MODELS": str(folder / "models"),
            "OLLAMA_NUM_PARALLEL": "1",
            "OLLAMA_MAX_LOADED_MODELS": "1",
            "OLLAMA_NO_CLOUD": "1",
            "OLLAMA_DEBUG": "1",
            **variables,
        },
        folder=folder,
        log=log,
    )
    server = RealOllama(f"http://{LOOPBACK}:{port}", process, log)
    _await(server)
    return server


def _place_standin(folder: Path) -> None:
    # Ollama also looks below the folder that it was started in.
    children = folder / "build" / "lib" / "ollama"
    children.mkdir(parents=True, exist_ok=True)
    scripts = {
        "llama-server": f'exec "{sys.executable}" "{standin.__file__}" "$@"',
        # Called to look a new model file over: `--allow-requantize IN OUT COPY`.
        "llama-quantize": 'exec cp "$2" "$3"',
    }
    for name, line in scripts.items():
        child = children / name
        child.write_text(f"#!/bin/sh\n{line}\n")
        child.chmod(child.stat().st_mode | stat.S_IXUSR)


def _await(server: RealOllama) -> None:
    until = time.monotonic() + LONGEST_START
    while time.monotonic() < until:
        if server.process.poll() is not None:
            break
        try:
            httpx.get(f"{server.url}/api/version", timeout=2).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.05)
        else:
            return
    server.stop()
    tail = server.log.read_text(errors="replace")[-2000:]
    raise AssertionError(f"{server.url} did not start:\n{tail}")


def give_tiny_models(server: RealOllama, folder: Path) -> None:
    """Write the models and register them through the API."""
    folder.mkdir(parents=True, exist_ok=True)
    with server.client() as client:
        digests = {
            name: client.create_blob(file.write(folder / f"{name}.gguf"))
            for name, file in FILES.items()
        }
        for name, digest in digests.items():
            template = TEMPLATES.get(name, OLD_TEMPLATE)
            options = {**OPTIONS, "num_ctx": 128} if name == EMBED else OPTIONS
            _create(client, name, {f"{name}.gguf": digest}, template, options)


def _create(
    client: ollama.Client,
    name: str,
    files: Mapping[str, str],
    template: str | None,
    options: Mapping[str, int],
) -> None:
    said = client.create(
        name, files=dict(files), template=template, parameters=dict(options), stream=False
    )
    assert said.status == "success", said


def give_folder(server: RealOllama, name: str, folder: Path) -> None:
    """Register the model of a folder as published: the server converts it."""
    wanted = ("*.json", "*/*.json", "*.safetensors")
    with server.client(120) as client:
        files = {
            str(path.relative_to(folder)): client.create_blob(path)
            for pattern in wanted
            for path in sorted(folder.glob(pattern))
        }
        _create(client, name, files, None, {"num_thread": 1})
