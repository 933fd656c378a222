"""Programs that a site lets agents' commands use: where they lie, and what they are given."""

from pathlib import PurePosixPath
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from adapters.declared import Declaration, refusal

INTERPRETERS: Final = frozenset(
    {
        *("sh", "ash", "bash", "dash", "fish", "ksh", "zsh", "csh", "tcsh", "busybox", "toybox"),
        *("python", "python2", "python3", "perl", "ruby", "node", "deno", "bun", "lua", "php", "r"),
        *("awk", "gawk", "mawk", "sed", "ed", "vi", "vim", "emacs", "tclsh", "expect", "java"),
        *("env", "xargs", "find", "parallel", "nohup", "nice", "timeout", "time", "watch", "tee"),
        *(
            "sudo",
            "su",
            "doas",
            "runuser",
            "setpriv",
            "chroot",
            "unshare",
            "nsenter",
            "systemd-run",
        ),
        *("ssh", "scp", "sftp", "rsync", "nc", "ncat", "socat", "telnet", "curl", "wget"),
        *("make", "git", "gdb", "strace", "script", "screen", "tmux", "docker", "podman"),
    }
)
"""Whoever may choose their arguments may do anything: a pattern around them is no bound."""


def bare(name: str) -> str:
    """Return the name of a program without a version: `python3.11` is `python`."""
    return name.rstrip("0123456789.-") or name


def is_interpreter(name: str) -> bool:
    """Tell whether a program of this name runs whatever its arguments say."""
    small = name.lower()
    return small in INTERPRETERS or bare(small) in INTERPRETERS


def _path(text: str) -> str:
    path = PurePosixPath(text)
    if is_interpreter(path.name):
        raise refusal(
            f"{path.name} runs whatever its arguments say.",
            "Write a program that does the one thing, and declare that.",
        )
    if str(path) != text or ".." in path.parts:
        raise refusal("This path is not in its plain form.", f"Write {path}.")
    return text


ToolName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Absolute = Annotated[str, Field(pattern=r"^/[!-~]+$", max_length=300)]
Variable = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9_]{0,63}$")]


class DeclaredTool(Declaration):
    """One program: nothing but what stands here reaches it of our environment."""

    name: ToolName
    path: Annotated[Absolute, AfterValidator(_path)]
    environment: dict[Variable, Annotated[str, Field(max_length=500, pattern="^[ -~]*$")]] = Field(
        default_factory=dict
    )
    """Variables that are no secret, such as the path of a configuration."""
    secrets: dict[Variable, Absolute] = Field(default_factory=dict)
    """Variable -> the file that holds its value, which only the executor reads."""
