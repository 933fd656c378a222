"""Brings one commit of a repository here, as objects and never as a checkout.

Git itself and no library: it streams what it takes in, knows sizes before a byte is read, and can
be told not to follow redirects. Without a work tree no hook, filter, link or submodule of the
repository has anything to act on.
"""

import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from adapters.text import one_line
from ethops import env
from ethops.imports import git
from ethops.imports.address import Address
from ethops.imports.errors import FetchError, SourceRefusedError
from ethops.imports.git import Bounds

MOST_BYTES: Final = 32 * 1024 * 1024
"""No file that git writes may be larger, the pack among them."""
MOST_LISTED: Final = 2 * 1024 * 1024
MOST_OF_A_FILE: Final = 128 * 1024
SMALLER: Final = "Give the playbooks a small repository of their own."
FETCH_SECONDS: Final = 120
SECONDS: Final = 30
INHERITED: Final = (
    "HOME", "LANG", "SSH_AUTH_SOCK", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY",
    "SSL_CERT_FILE", "SSL_CERT_DIR",
)  # fmt: skip
"""All that git may know of our environment."""
SETTINGS: Final = {
    "core.bigFileThreshold": "1m",
    "credential.helper": "",
    "fetch.fsckObjects": "true",
    "fetch.recurseSubmodules": "false",
    "http.followRedirects": "false",
    "submodule.recurse": "false",
    "transfer.fsckObjects": "true",
}


@dataclass(frozen=True, slots=True)
class Listed:
    """One thing in the tree of the commit; `size` is 0 for what is no file."""

    mode: str
    kind: str
    sha: str
    size: int
    path: str


@dataclass(frozen=True, slots=True)
class Fetched:
    """A bare repository of ours that holds one commit."""

    folder: Path
    commit: str

    def listed(self) -> list[Listed]:
        """Return everything in its tree.

        Raises:
            FetchError: there is more than a catalogue could need.
        """
        raw = _git(
            self.folder,
            ["ls-tree", "-r", "-l", "-z", "--full-tree", self.commit],
            most=MOST_LISTED,
        )
        return [_entry(line) for line in raw.split(b"\0") if line]

    def content(self, one: Listed) -> bytes:
        """Return a file's bytes; its size was looked at before."""
        return _git(self.folder, ["cat-file", "blob", one.sha], most=MOST_OF_A_FILE)


def fetch(address: Address, folder: Path) -> Fetched:
    """Fetch the one commit that the address means into a new bare repository.

    Raises:
        SourceRefusedError: the revision is a branch, or nothing at all.
        FetchError: git could not or would not.
    """
    _git(folder, ["init", "--quiet", "--bare", "--template=", str(folder)])
    wanted = address.revision if address.is_commit else _tag(address, folder)
    _git(
        folder,
        [
            "fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules",
            "--no-write-fetch-head", "--end-of-options", address.repository,
            f"+{wanted}:refs/imported",
        ],
        scheme=address.scheme,
        seconds=FETCH_SECONDS,
    )  # fmt: skip
    found = _git(folder, ["rev-parse", "--verify", "--end-of-options", "refs/imported^{commit}"])
    return Fetched(folder, found.decode("ascii").strip())


def _tag(address: Address, folder: Path) -> str:
    names = [f"refs/tags/{address.revision}", f"refs/heads/{address.revision}"]
    raw = _git(
        folder,
        ["ls-remote", "--quiet", "--end-of-options", address.repository, *names],
        scheme=address.scheme,
        seconds=FETCH_SECONDS,
    )
    lines = (line.partition("\t") for line in raw.decode("utf-8", "replace").splitlines())
    found = {name: sha for sha, _, name in lines}
    if names[0] in found:
        return names[0]
    if names[1] in found:
        raise SourceRefusedError(
            f"{address.revision} is a branch, and moves.",
            f"Name a tag, or the commit: it stands at {found[names[1]]} now.",
        )
    raise SourceRefusedError(
        f"There is no tag {address.revision} in {address.repository}.",
        "Name a tag that is there, or a whole commit id.",
    )


def _entry(line: bytes) -> Listed:
    head, _, path = line.partition(b"\t")
    mode, kind, sha, size = head.decode("ascii").split()
    name = path.decode("utf-8", "backslashreplace")
    return Listed(mode, kind, sha, int(size) if size.isdecimal() else 0, name)


def _git(
    folder: Path,
    words: Sequence[str],
    *,
    scheme: str = "",
    seconds: float = SECONDS,
    most: int = MOST_LISTED,
) -> bytes:
    """Run git and return what it says, no more of it than asked for."""
    allowed = {**SETTINGS, **({f"protocol.{scheme}.allow": "always"} if scheme else {})}
    place = [] if words[0] == "init" else [f"--git-dir={folder}"]
    try:
        ran = git.run(
            [*place, *words],
            settings=allowed,
            environment=_environment(),
            # A tree of ten levels can list a thousand million names.
            bounds=Bounds(seconds, most, MOST_BYTES),
        )
    except FileNotFoundError as fault:
        raise FetchError("There is no git here.", "Install git.") from fault
    except subprocess.TimeoutExpired as fault:
        raise FetchError(
            f"git {words[0]} took longer than {seconds:.0f} s.", "See that its host answers."
        ) from fault
    if ran.code:
        raise _failed(ran.code, words[0], ran.complaint)
    if len(ran.out) > most:
        raise FetchError(f"git {words[0]} says more than {most} bytes.", SMALLER)
    return ran.out


def _failed(code: int, word: str, said: bytes) -> FetchError:
    text = said.decode("utf-8", "replace").strip()
    if code in {-signal.SIGXFSZ, 128 + signal.SIGXFSZ} or "File too large" in text:
        return FetchError(f"git {word} would write more than {MOST_BYTES} bytes.", SMALLER)
    reason = one_line(" / ".join(text.splitlines()[-3:]) or "no reason given", 400)
    return FetchError(
        f"git {word} failed: {reason}", "See the address, the revision and who may read it there."
    )


def _environment() -> dict[str, str]:
    ours = env.inherited()
    return {
        **{name: ours[name] for name in INHERITED if name in ours},
        "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ControlMaster=no -o ClearAllForwardings=yes",
    }
