"""Where the demo keeps its small site, and on which ports."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from ethops.secretfile import make_secrets, read_secrets
from ethops.stack.errors import StackError
from ethops.stack.places import is_locked, places, remove
from ethops.stack.ports import Ports, is_free, owner

MARKER = "this-folder-is-made-anew-by-each-demo"


class DemoError(StackError):
    """The demo cannot begin."""

    code = "demo.refused"


@dataclass(frozen=True, slots=True)
class DemoPorts:
    """All loopback ports of one demo, beside each other."""

    stack: Ports
    web: int
    """The demo's own HTTP service."""
    cache: int
    """A second one, which nobody probes."""
    inbox: int
    """Where notices arrive."""

    def require_free(self) -> None:
        """DemoError, with the owner's name and a mend, if somebody listens on one of them."""
        stack = self.stack
        own = (self.web, self.cache, self.inbox)
        for port in (stack.web, stack.flower, stack.postgres, stack.redis, *own):
            if not is_free(port):
                raise DemoError(
                    f"port {port} is taken by {owner(port)}",
                    hint=f"Stop it, or make demo ARGS='--port-base {stack.web + 1000}'.",
                )


def ports(base: int) -> DemoPorts:
    """Return the ports of a demo; 8100 is where the desk of an ordinary stack is."""
    standard = Ports()
    stack = standard if base == standard.web else Ports(base, base + 5, base + 33, base + 34)
    return DemoPorts(stack=stack, web=base + 90, cache=base + 91, inbox=base + 92)


@dataclass(frozen=True, slots=True)
class Places:
    """The files of one demo."""

    state: Path

    @property
    def site_file(self) -> Path:
        """The declared site."""
        return self.state / "site.yaml"

    @property
    def rules(self) -> Path:
        """The site's own inference rules."""
        return self.state / "rules.yaml"

    @property
    def home(self) -> Path:
        """Everything of the small site."""
        return self.state / "site"

    @property
    def spool(self) -> Path:
        """The directory that fills up."""
        return self.home / "spool"

    @property
    def box(self) -> Path:
        """Every notice that arrived, one JSON object a line."""
        return self.home / "inbox.jsonl"

    @property
    def declaration(self) -> Path:
        """What the keeper keeps."""
        return self.home / "services.json"

    def pidfile(self, name: str) -> Path:
        """Where the keeper writes a service's pid."""
        return self.home / f"{name}.pid"

    @property
    def database_pidfile(self) -> Path:
        """Where PostgreSQL writes its own."""
        secrets = make_secrets(self.state)
        return places(self.state, secrets.stack_id).servers / "postgres" / "postmaster.pid"


def make_anew(state: Path) -> Places:
    """Remove what an earlier demo left in this folder, and make the folder.

    Raises:
        DemoError: the folder is in use, or is not one that a demo made.
    """
    if is_locked(state):
        raise DemoError(
            f"a demo runs in {state}",
            hint=f"Stop it with Ctrl-C where it runs, or ETHOPS_STATE={state} manage.py down.",
        )
    if state.exists() and any(state.iterdir()):
        if not (state / MARKER).exists():
            raise DemoError(
                f"{state} holds something that is not a demo's",
                hint="Name an empty or new folder with --state.",
            )
        _remove(state)
    state.mkdir(parents=True, exist_ok=True, mode=0o700)
    (state / MARKER).touch()
    made = Places(state)
    made.spool.mkdir(parents=True)
    return made


def _remove(state: Path) -> None:
    secrets = read_secrets(state)
    if secrets is not None:
        remove(places(state, secrets.stack_id))
    shutil.rmtree(state)
