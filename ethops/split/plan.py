"""Everything that the split profile lays down, as files: made from the same matrix as `make up`."""

import ipaddress
import socket
import stat
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from adapters.cmdb.port import Inventory
from ethops import env, peers
from ethops.split import accounts, egress, sudoers, units
from ethops.split.errors import NotSplittableError
from ethops.stack.layout import Layout
from ethops.stack.matrix import processes
from personas.catalogue import EntryDocument

ENVIRONMENTS = Path("/etc/ethops")


@dataclass(frozen=True, slots=True)
class Laid:
    """One file: where it belongs, who may read it, and what it says."""

    path: str
    mode: int
    text: str


def laid(
    layout: Layout, inventory: Inventory, catalogue: Mapping[str, EntryDocument]
) -> Iterator[Laid]:
    """Yield every file, below the folders that systemd, nft and sudo read."""
    ours = processes(layout.ports, layout.cards, bus=layout.bus)
    reached = _addresses(
        [layout.database_url, layout.redis_url, _graph(layout), *_gpu_servers(layout)]
    )
    yield Laid("etc/sysusers.d/ethops.conf", 0o644, accounts.users())
    yield Laid("etc/tmpfiles.d/ethops.conf", 0o644, accounts.folders(layout.state))
    for process in ours:
        said = _own(layout.environment(process.kind, process.card))
        yield Laid(f"etc/ethops/{process.name}.env", 0o600, units.environment_file(said))
        text = units.unit(
            process,
            clone=env.CLONE,
            state=layout.state,
            environment=ENVIRONMENTS / f"{process.name}.env",
            reached=reached,
        )
        yield Laid(f"etc/systemd/system/{units.name(process)}", 0o644, text)
    yield Laid("etc/systemd/system/ethops.target", 0o644, units.target(ours))
    yield Laid("etc/nftables.d/ethops.nft", 0o644, egress.ruleset(reached))
    for host in inventory.hosts:
        account = host.user or ("ethops-exec" if host.connection == "local" else "root")
        cis = [ci for ci in inventory.cis if ci.host == host.name]
        if account != "root" and (text := sudoers.fragment(host, cis, catalogue, account)):
            yield Laid(f"hosts/{host.name}/etc/sudoers.d/ethops", 0o440, text)


def check(layout: Layout, needed: Sequence[Path]) -> None:
    """Refuse what could not work, or would not part anybody from anybody.

    Raises:
        NotSplittableError: a server is our own child, or users could not reach what they need.
    """
    if layout.postgres is not None or layout.redis is not None:
        raise NotSplittableError(
            "PostgreSQL and Redis would be children of one user, who could read all of theirs",
            hint="Let both run by themselves, and name them: DATABASE_URL and REDIS_URL.",
        )
    for path in needed:
        if (shut := _shut(path)) is not None:
            raise NotSplittableError(
                f"{shut} lets no other user through to {path}",
                hint="Put the clone, its Python and the state where all may enter, as below /opt"
                " and /var/lib: ETHOPS_STATE=/var/lib/ethops.",
            )


def _shut(path: Path) -> Path | None:
    for folder in (path, *path.parents):
        if folder.exists() and not folder.stat().st_mode & stat.S_IXOTH:
            return folder
    return None


def _own(said: Mapping[str, str]) -> dict[str, str]:
    """Leave out what the shell that writes the files happens to have."""
    ours = ("ETHOPS_", "FLOWER_", "OLLAMA_", "NEO4J_")
    names = {"DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE", "PYTHONUNBUFFERED"}
    kept = {key: value for key, value in said.items() if key in names or key.startswith(ours)}
    programs = Path(sys.executable).parent
    return {**kept, "CELERY_SKIP_CHECKS": "1", "PATH": f"{programs}:/usr/local/bin:/usr/bin:/bin"}


def _graph(layout: Layout) -> str:
    """Return where the graph is that agents ask, empty where that is the database."""
    return layout.environment("agent").get(peers.NEO4J_URI, "")


def _gpu_servers(layout: Layout) -> list[str]:
    return [str(card.url) for card in layout.gpu.cards]


def _addresses(urls: Sequence[str]) -> tuple[str, ...]:
    """Return the addresses of servers on other hosts."""
    hosts = {urlsplit(url).hostname or "" for url in urls} - {""}
    found = {
        str(ipaddress.ip_address(info[4][0]))
        for host in hosts
        for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    }
    return tuple(sorted(each for each in found if not ipaddress.ip_address(each).is_loopback))
