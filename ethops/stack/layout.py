"""What one stack is made of: folders, ports, servers and the environment of each child."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ethops import env, peers
from ethops.secretfile import Secrets, make_secrets
from ethops.stack.errors import PreparationError
from ethops.stack.places import Places, places
from ethops.stack.ports import LOOPBACK, Ports
from ethops.stack.postgres import Postgres
from ethops.stack.redis_server import RedisServer
from gpu.cards import CardsFile, NamedServer, declared_cards

DATABASE = "ethops"
BUS = "ETHOPS_TELEMETRY_BUS"
WITHOUT_REDIS = frozenset(
    {"recorder", "checkpointer", "witnessing", "verifier", "telemetry", "owner"}
)


@dataclass(frozen=True, slots=True)
class Layout:
    """One stack on paper; making the object starts nothing."""

    state: Path
    ports: Ports = field(default_factory=Ports)
    database_url: str = ""
    """An outside PostgreSQL; empty means our own."""
    redis_url: str = ""
    """An outside Redis; empty means our own."""
    site: Path | None = None
    """The declared site; None means the one of the environment, or `<state>/site.yaml`."""
    extra_environment: Mapping[str, str] = field(default_factory=dict)
    """Further variables for every child."""
    postgres_settings: Mapping[str, str] = field(default_factory=dict)
    """Further settings of our own PostgreSQL."""

    @property
    def secrets(self) -> Secrets:
        """The secrets of the state folder; made by the first call of all."""
        return make_secrets(self.state)

    @property
    def where(self) -> Places:
        """Its folders."""
        return places(self.state, self.secrets.stack_id)

    @property
    def site_file(self) -> Path:
        """The declared site that children read."""
        said = self.extra_environment.get("ETHOPS_SITE")
        return self.site or (Path(said) if said else self.state / "site.yaml")

    @property
    def postgres(self) -> Postgres | None:
        """Our own PostgreSQL, unless an outside one is used."""
        if self.database_url:
            return None
        return Postgres(self.where, self.ports.postgres, _bare(), self.postgres_settings)

    @property
    def redis(self) -> RedisServer | None:
        """Our own Redis, unless an outside one is used."""
        if self.redis_url:
            return None
        return RedisServer(self.where, self.ports.redis, self.secrets.redis_password, _bare())

    @property
    def web_url(self) -> str:
        """Where people open the desk."""
        return f"http://{LOOPBACK}:{self.ports.web}"

    @property
    def flower_url(self) -> str:
        """Where people open Flower."""
        return f"http://{LOOPBACK}:{self.ports.flower}"

    def dsn(self, role: str) -> str:
        """The database as this role sees it."""
        url = self.database_url or f"postgresql://{LOOPBACK}:{self.ports.postgres}/{DATABASE}"
        return env.with_role(url, role, self.secrets.role_passwords[role])

    def wakeups(self) -> str:
        """The Redis that wakes workers."""
        own = self.redis
        return own.url() if own else self.redis_url

    @property
    def bus(self) -> bool:
        """Whether observers publish somewhere, so that somebody has to hear them."""
        return bool(self.extra_environment.get(BUS) or env.tokens("telemetry"))

    @property
    def gpu(self) -> CardsFile:
        """The GPU's cards; ServerFailedError names the faults of their file."""
        told = {**env.inherited(), "ETHOPS_STATE": str(self.state), **self.extra_environment}
        said, server = env.load(told), peers.inference(told)
        found = declared_cards(
            said.gpu_file, said.ollama_host, said.gpu_profile,
            NamedServer(**server) if server else None,
        )  # fmt: skip
        if found.value is None:
            raise PreparationError("\n".join(map(str, found.faults)), hint="Mend the file.")
        return found.value

    @property
    def cards(self) -> tuple[str, ...]:
        """The cards whose workers this stack runs."""
        return tuple(card.name for card in self.gpu.cards if not card.elsewhere)

    def environment(self, process: str, card: str = "") -> dict[str, str]:
        """What one process of ours may know, and nothing else; `card` for a GPU worker."""
        said = env.inherited()
        said["PATH"] = f"{Path(sys.executable).parent}:{said.get('PATH', '')}"
        said |= {
            "DJANGO_SETTINGS_MODULE": "ethops.settings",
            "PYTHONUNBUFFERED": "1",
            # Checked once, before anything starts.
            "CELERY_SKIP_CHECKS": "1",
            "ETHOPS_PROCESS": process,
            "ETHOPS_STATE": str(self.state),
            "ETHOPS_SITE": str(self.site_file),
            "ETHOPS_WEB_PORT": str(self.ports.web),
            "ETHOPS_FLOWER_PORT": str(self.ports.flower),
            "ETHOPS_PG_PORT": str(self.ports.postgres),
            "ETHOPS_REDIS_PORT": str(self.ports.redis),
            **env.tokens(process),
            **self.extra_environment,
        }
        if card:
            said["ETHOPS_GPU_CARD"] = card
        role = env.ROLE_OF_PROCESS[process]
        if role is not None:
            said["DATABASE_URL"] = self.dsn(role)
        if process not in WITHOUT_REDIS:
            said["REDIS_URL"] = self.wakeups()
        if process == "web":
            said["ETHOPS_SECRET_KEY"] = self.secrets.django_secret_key
        if process == "flower":
            said["FLOWER_BASIC_AUTH"] = f"admin:{self.secrets.admin_password}"
        return said


def from_environment(said: env.Env) -> Layout:
    """The stack that the environment describes."""
    return Layout(
        state=said.state,
        ports=Ports(said.web_port, said.flower_port, said.pg_port, said.redis_port),
        database_url=said.database_url if said.external_database else "",
        redis_url=said.redis_url if said.external_redis else "",
        site=said.site,
    )


def _bare() -> dict[str, str]:
    # A server needs no word of ours, least of all our secrets.
    kept = ("PATH", "LANG", "LC_ALL", "TZ", "TMPDIR")
    inherited = env.inherited()
    return {name: inherited[name] for name in kept if name in inherited}
