"""The environment of this process: the only module of the Django side that reads variables."""

import os
import re
import secrets
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import SplitResult, quote, urlsplit, urlunsplit
from zoneinfo import available_timezones

from ethops.secretfile import SecretFileError, Secrets, read_secrets

CLONE = Path(__file__).resolve().parent.parent

ROLE_OF_PROCESS: dict[str, str | None] = {
    "web": "ethops_app",
    "control": "ethops_app",
    "agent": "ethops_agent",
    "executor": "ethops_executor",
    "gpu": "ethops_gpu",
    "beat": "ethops_app",
    "recorder": "ethops_audit_writer",
    "checkpointer": "ethops_audit_signer",
    "witnessing": "ethops_witness",
    "verifier": "ethops_verifier",
    "flower": None,
    "telemetry": "ethops_app",
    "owner": "ethops_owner",
    "verifying": "ethops_verifier",
    "person": "ethops_app",
}
"""Process name -> the one database role it connects as; None connects to no database."""

_POLICIES = {"best": None, "celery": None}
_ENGINES = {"auto": None, "rules": None, "models": None}

COMMANDS_AS: dict[str, frozenset[str]] = {
    "owner": frozenset(
        {
            *("migrate", "makemigrations", "showmigrations", "sqlmigrate", "site"),
            *("db prepare", "ledger prune", "factor", "personas eval --keep", "cmdb import"),
        }
    ),
    "verifying": frozenset({"ledger verify"}),
}
"""Commands of people that need another role than the desk's."""

WRITE_TICKETS = frozenset({"web", "control", "executor"})
"""Processes that write tickets, and so are given the token of where those live."""

KNOW_THE_BUS = frozenset({"web", "control"})
"""Processes that say whether observers are heard; `telemetry` alone is given the bus's login."""

BUSES = ("amqp", "amqps", "redis", "rediss")
"""Kinds of bus: RabbitMQ, and Redis where a site has no other."""

TYPED = frozenset({"person", *COMMANDS_AS})
"""What a command that somebody types runs as: it opens the file of secrets, no process does."""


class EnvError(Exception):
    """A variable of the environment cannot be used, so nothing may start."""

    code = "env.refused"

    def __init__(self, variable: str, value: str, mend: str) -> None:
        super().__init__(f"{variable}={_shown(value)!r} cannot be used: {mend}")
        self.variable = variable
        self.hint = mend


def _shown(value: str) -> str:
    # A URL that is refused may be one that no parser reads: all before its last @ may be a login.
    login, at, host = value.rpartition("@")
    scheme, slashes, rest = login.rpartition("//")
    return f"{scheme}{slashes}...{at}{host}" if ":" in rest else value


@dataclass(frozen=True, slots=True)
class Env:
    """Everything the environment may say, typed; a sentence per field says what for."""

    process: str
    """Which process of the matrix this is; `person` for a command typed by somebody."""
    state: Path
    """Where secrets, logs and the embedded servers' data live; one stack per folder."""
    site: Path
    """The one YAML file that declares CIs, hosts, probes and joins of this site."""
    logins_file: Path
    """The YAML file that declares who else knows our people; without it accounts are local."""
    database_url: str
    """The PostgreSQL of this process, with its own role; the local stack's when none is given."""
    redis_url: str
    """The Redis that wakes workers; it holds no truth, so losing it loses nothing."""
    secret_key: str
    """Signs sessions; only the web process of a stack is given the lasting one."""
    allowed_hosts: tuple[str, ...]
    """Host names under which people reach the desk; loopback only unless said."""
    web_port: int
    """Loopback port of the desk and the API."""
    flower_port: int
    """Loopback port of Flower."""
    pg_port: int
    """Loopback port of the embedded PostgreSQL."""
    redis_port: int
    """Loopback port of the embedded Redis."""
    gpu_file: Path
    """The YAML file that declares the GPU's cards; without it OLLAMA_HOST names the only one."""
    ollama_host: str
    """An Ollama as its own clients name it; alone it switches every card to models."""
    gpu_profile: str
    """Which profile OLLAMA_HOST's card has: a name in gpu/profiles, or a path."""
    gpu_card: str
    """Which card this process serves, where it is a GPU worker."""
    gpu_policy: str
    """How the queues are ordered: `best`, or `celery` (strict tiers, first come) to compare."""
    gpu_scale: float
    """Seconds here per second of the card's clock; below 1 for replays on a simulated card."""
    gpu_device: int
    """Which of this host's devices the card is, to see what strangers take of its memory."""
    inference: str
    """Who answers questions: `rules`, `models`, or `auto`: models where there is a card."""
    lease_seconds: int
    """How long a claimed row stays claimed without a heartbeat; so long takes a recovery."""
    attachment_mib: int
    """How large a file kept with a ticket may be, in MiB; a request is bounded a little above."""
    notify: str
    """Where a person is told: an http(s) URL that takes a POST, `mailto:` somebody, or nothing."""
    smtp_url: str
    """The mail server for `mailto:` notifications, as smtp://user:password@host:port."""
    mail_from: str
    """Whom mail of the desk comes from, and answers go to."""
    mail_listen: str
    """Where the site's mail server hands us letters, as smtp://host:port or lmtp://host:port."""
    mail_domains: tuple[str, ...]
    """Domains whose people may file by mail without a login here."""
    url: str
    """How people reach the desk, for links in what is sent to them; loopback unless said."""
    itop_url: str
    """An iTop that holds the tickets, as a browser opens it; without one they are our own."""
    itop_token: str
    """Its Auth-Token, or the password of `itop_user`; only who writes tickets is given it."""
    itop_user: str
    """Whose password the token is, where the iTop has no tokens; empty: it is an Auth-Token."""
    itop_org: str
    """The organization that tickets are opened for; that of our person where none is said."""
    itop_team: str
    """The team that has what iTop has no team for; our person's where none is said."""
    itop_agent: str
    """The person as whom tickets are taken; the token's own where none is said."""
    itop_zone: str
    """The time zone of iTop's clock, which it does not say itself."""
    telemetry_bus: str
    """Where observers of hosts publish, as amqp://user:password@host/vhost; none: nowhere."""
    scap_results: Path | None
    """Where OpenSCAP's results of CIs are laid, as files; None: nowhere."""
    itop_callback_secrets: tuple[str, ...]
    """What iTop's callbacks prove themselves by; two while one takes the other's place."""
    https: bool
    """People reach the desk through a proxy that speaks TLS: cookies and redirects insist on it."""
    debug: bool
    """Django's debug pages; never with data of others."""
    database_pool: bool
    """Keep PostgreSQL connections in a pool; a person's command, which soon ends, needs none."""
    external_database: bool
    """True when DATABASE_URL names a server that this stack does not run."""
    external_redis: bool
    """True when REDIS_URL names a server that this stack does not run."""


SINGLE = "ETHOPS_SINGLE_OPERATOR"
"""A variable that is gone: `operators` in the site file says it."""


def load(environ: Mapping[str, str] | None = None) -> Env:
    """Read the environment; EnvError names the variable, its value and the mend."""
    said = os.environ if environ is None else environ
    process = _choice(said, "ETHOPS_PROCESS", "person", ROLE_OF_PROCESS)
    state = _path(said, "ETHOPS_STATE", CLONE / "var")
    pg_port = _port(said, "ETHOPS_PG_PORT", 5433)
    redis_port = _port(said, "ETHOPS_REDIS_PORT", 6380)
    kept = _kept_secrets(state, process)
    return Env(
        process=process,
        state=state,
        site=_path(said, "ETHOPS_SITE", state / "site.yaml"),
        logins_file=_path(said, "ETHOPS_LOGINS", state / "logins.yaml"),
        database_url=_database_url(said, process, kept, pg_port),
        redis_url=_redis_url(said, kept, redis_port),
        secret_key=said.get("ETHOPS_SECRET_KEY")
        or (kept.django_secret_key if kept else secrets.token_urlsafe(48)),
        allowed_hosts=_words(said, "ETHOPS_ALLOWED_HOSTS", "127.0.0.1 localhost [::1]"),
        web_port=_port(said, "ETHOPS_WEB_PORT", 8100),
        flower_port=_port(said, "ETHOPS_FLOWER_PORT", 8105),
        pg_port=pg_port,
        redis_port=redis_port,
        gpu_file=_path(said, "ETHOPS_GPU", state / "gpu.yaml"),
        ollama_host=_host(said, "OLLAMA_HOST"),
        gpu_profile=said.get("ETHOPS_GPU_PROFILE", ""),
        gpu_card=said.get("ETHOPS_GPU_CARD", ""),
        gpu_policy=_choice(said, "ETHOPS_GPU_POLICY", "best", _POLICIES),
        gpu_scale=_fraction(said, "ETHOPS_GPU_SCALE"),
        gpu_device=_number(said, "ETHOPS_GPU_DEVICE", 0, low=0, high=15),
        inference=_choice(said, "ETHOPS_INFERENCE", "auto", _ENGINES),
        lease_seconds=_number(said, "ETHOPS_LEASE_SECONDS", 15, low=2, high=3600),
        attachment_mib=_number(said, "ETHOPS_ATTACHMENT_MIB", 10, low=1, high=64),
        notify=_url(said, "ETHOPS_NOTIFY", ("http", "https", "mailto")),
        smtp_url=_url(said, "ETHOPS_SMTP_URL", ("smtp", "smtps")),
        mail_from=_address(said, "ETHOPS_MAIL_FROM", "ethops@localhost"),
        mail_listen=_url(said, "ETHOPS_MAIL_LISTEN", ("smtp", "lmtp")),
        mail_domains=_words(said, "ETHOPS_MAIL_DOMAINS", ""),
        url=_url(said, "ETHOPS_URL", ("http", "https")).rstrip("/"),
        itop_url=_url(said, "ETHOPS_ITOP_URL", ("http", "https")).rstrip("/"),
        itop_token=said.get("ETHOPS_ITOP_TOKEN", ""),
        itop_user=said.get("ETHOPS_ITOP_USER", ""),
        itop_org=said.get("ETHOPS_ITOP_ORG", ""),
        itop_team=said.get("ETHOPS_ITOP_TEAM", ""),
        itop_agent=said.get("ETHOPS_ITOP_AGENT", ""),
        itop_zone=_zone(said, "ETHOPS_ITOP_ZONE"),
        telemetry_bus=_url(said, "ETHOPS_TELEMETRY_BUS", BUSES),
        scap_results=_path(said, "ETHOPS_SCAP_RESULTS", state)
        if said.get("ETHOPS_SCAP_RESULTS")
        else None,
        itop_callback_secrets=_secrets(said, "ETHOPS_ITOP_CALLBACK_SECRETS"),
        https=_flag(said, "ETHOPS_HTTPS", default=False),
        debug=_flag(said, "ETHOPS_DEBUG", default=False),
        database_pool=_flag(said, "ETHOPS_DATABASE_POOL", default=process not in TYPED),
        external_database=bool(said.get("DATABASE_URL")),
        external_redis=bool(said.get("REDIS_URL")),
    )


def said_single(environ: Mapping[str, str] | None = None) -> bool | None:
    """Return what a variable of before says of single operators, None where it is not set.

    The site file alone says that now; this is read only to refuse what would contradict it.
    """
    said = os.environ if environ is None else environ
    if not said.get(SINGLE):
        return None
    return _flag(said, SINGLE, default=False)


def next_database(redis_url: str) -> str:
    """The Redis database after this one: the GPU's messages come back soon, a play's must not.

    Raises:
        EnvError: the URL names no database by number.
    """
    parts = urlsplit(redis_url)
    number = parts.path.strip("/") or "0"
    if parts.scheme == "unix" or not number.isdigit():
        raise EnvError("REDIS_URL", redis_url, "name a database by number, as redis://HOST:PORT/0")
    return urlunsplit(parts._replace(path=f"/{int(number) + 1}"))


def enter(arguments: Sequence[str] = ()) -> None:
    """Point Django at our settings and give a person's command the role that it needs."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ethops.settings")
    typed = {" ".join(arguments[:n]) for n in (1, 2)}
    if "--keep" in arguments:
        typed.add(" ".join([*arguments[:2], "--keep"]))
    for process, commands in COMMANDS_AS.items():
        if typed & commands:
            os.environ.setdefault("ETHOPS_PROCESS", process)


def inherited() -> dict[str, str]:
    """What a child may inherit: everything but DSNs, keys and the name of this process."""
    private = {
        *("DATABASE_URL", "REDIS_URL", "ETHOPS_SECRET_KEY", "ETHOPS_PROCESS"),
        *("ETHOPS_ITOP_TOKEN", "ETHOPS_TELEMETRY_BUS", "ETHOPS_ITOP_CALLBACK_SECRETS"),
    }
    # Ten processes that each compile all they import would start seconds later.
    slow = {"PYTHONDONTWRITEBYTECODE"}
    return {name: value for name, value in os.environ.items() if name not in private | slow}


def tokens(process: str) -> dict[str, str]:
    """What opens systems of others, for the processes that write there: no agent is one."""
    token, bus = os.environ.get("ETHOPS_ITOP_TOKEN"), os.environ.get("ETHOPS_TELEMETRY_BUS")
    calls = os.environ.get("ETHOPS_ITOP_CALLBACK_SECRETS")
    given: dict[str, str] = {}
    if calls and process == "web":
        given["ETHOPS_ITOP_CALLBACK_SECRETS"] = calls
    if token and process in WRITE_TICKETS:
        given["ETHOPS_ITOP_TOKEN"] = token
    if bus and process == "telemetry":
        given["ETHOPS_TELEMETRY_BUS"] = bus
    elif bus and process in KNOW_THE_BUS:
        given["ETHOPS_TELEMETRY_BUS"] = _without_login(bus)
    return given


def _without_login(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def plain_terminal() -> bool:
    """True when colours and redrawing are unwanted: NO_COLOR is set or nobody looks on."""
    return bool(os.environ.get("NO_COLOR")) or not sys.stdout.isatty()


def with_role(url: str, role: str, password: str) -> str:
    """The same server and database under another role."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    login = f"{quote(role, safe='')}:{quote(password, safe='')}"
    return urlunsplit(parts._replace(netloc=f"{login}@{address}"))


def field_names() -> tuple[str, ...]:
    """Names of all fields, for the page that documents them and its test."""
    return tuple(field.name for field in fields(Env))


def _kept_secrets(state: Path, process: str) -> Secrets | None:
    # A child was given what it may know; only a person's command opens the file.
    if process not in TYPED:
        return None
    try:
        return read_secrets(state)
    except SecretFileError as fault:
        raise EnvError("ETHOPS_STATE", str(state), str(fault)) from fault


def _database_url(said: Mapping[str, str], process: str, kept: Secrets | None, pg_port: int) -> str:
    role = ROLE_OF_PROCESS[process] or "ethops_app"
    local = f"postgresql://{role}@127.0.0.1:{pg_port}/ethops"
    url = said.get("DATABASE_URL") or local
    parts = _split("DATABASE_URL", url, ("postgresql", "postgres"))
    if parts.password is None and kept is not None:
        if role not in kept.role_passwords:
            mend = f"it has no login of {role} yet: the next `make up` makes it"
            raise EnvError("ETHOPS_STATE", str(said.get("ETHOPS_STATE", "")), mend)
        return with_role(url, role, kept.role_passwords[role])
    return url


def _redis_url(said: Mapping[str, str], kept: Secrets | None, redis_port: int) -> str:
    url = said.get("REDIS_URL")
    if url:
        _split("REDIS_URL", url, ("redis", "rediss", "unix"))
        return url
    login = f":{kept.redis_password}@" if kept else ""
    return f"redis://{login}127.0.0.1:{redis_port}/0"


def _split(variable: str, value: str, schemes: Sequence[str]) -> SplitResult:
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        # The fault itself quotes a part of the value, which may be of its password.
        mend = "not a URL; a login in it has @, / and : written as %40, %2F and %3A"
        raise EnvError(variable, value, mend) from None
    if parts.scheme not in schemes:
        raise EnvError(variable, value, f"begin it with {' or '.join(f'{s}:' for s in schemes)}")
    return parts


def _url(said: Mapping[str, str], variable: str, schemes: Sequence[str]) -> str:
    value = said.get(variable, "")
    if value:
        _split(variable, value, schemes)
    return value


def _address(said: Mapping[str, str], variable: str, default: str) -> str:
    value = said.get(variable) or default
    if not re.fullmatch(r"[!#-'*+\-./0-9=?A-Z^_`a-z{|}~]{1,64}@[A-Za-z0-9.-]{1,180}", value):
        raise EnvError(variable, value, "give an address of mail, such as desk@example.org")
    return value


def _zone(said: Mapping[str, str], variable: str) -> str:
    value = said.get(variable) or "UTC"
    if value not in available_timezones():
        raise EnvError(variable, value, "name a time zone, such as Europe/Paris")
    return value


def _secrets(said: Mapping[str, str], variable: str) -> tuple[str, ...]:
    values = _words(said, variable, "") if said.get(variable) else ()
    if len(values) > 2 or any(not re.fullmatch(r"[!-~]{32,200}", one) for one in values):
        # A secret is not told in what is said of it.
        raise EnvError(variable, "...", "give one or two, each of 32 to 200 printable characters")
    return values


def _host(said: Mapping[str, str], variable: str) -> str:
    value = said.get(variable, "").strip()
    if value and not re.fullmatch(r"(https?://)?[A-Za-z0-9._\[\]:-]+(/[!-~]*)?", value):
        raise EnvError(
            variable, value, "name it as Ollama does: HOST, HOST:PORT or http://HOST:PORT"
        )
    return value


def _choice(
    said: Mapping[str, str], variable: str, default: str, allowed: Mapping[str, object]
) -> str:
    value = said.get(variable) or default
    if value not in allowed:
        raise EnvError(variable, value, f"choose one of {', '.join(sorted(allowed))}")
    return value


def _number(said: Mapping[str, str], variable: str, default: int, *, low: int, high: int) -> int:
    value = said.get(variable) or str(default)
    if not value.isascii() or not value.isdigit() or not low <= int(value) <= high:
        raise EnvError(variable, value, f"give a whole number from {low} to {high}")
    return int(value)


def _fraction(said: Mapping[str, str], variable: str) -> float:
    value = said.get(variable) or "1"
    if not re.fullmatch(r"[01](\.[0-9]{1,6})?", value) or not 0 < float(value) <= 1:
        raise EnvError(variable, value, "give a number above 0, and 1 at most, as 0.05")
    return float(value)


def _port(said: Mapping[str, str], variable: str, default: int) -> int:
    return _number(said, variable, default, low=1, high=65535)


def _flag(said: Mapping[str, str], variable: str, *, default: bool) -> bool:
    value = said.get(variable, "").lower()
    words: dict[str, bool] = {"": default, "1": True, "true": True, "0": False, "false": False}
    if value not in words:
        raise EnvError(variable, value, "say 1 or 0")
    return words[value]


def _words(said: Mapping[str, str], variable: str, default: str) -> tuple[str, ...]:
    value = said.get(variable) or default
    return tuple(value.replace(",", " ").split())


def _path(said: Mapping[str, str], variable: str, default: Path) -> Path:
    value = said.get(variable)
    if not value:
        return default
    if "\0" in value:
        raise EnvError(variable, value, "a path holds no NUL")
    return Path(value).expanduser().absolute()
