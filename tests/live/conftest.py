"""Real servers for the live tests, and a last word on what this machine could not have."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest

from gpu.simulated.serve import Simulated, simulated
from tests.conftest import TEMPLATE
from tests.live import real
from tests.live.cypher import Cypher
from tests.live.cypher import start as start_cypher
from tests.live.guarded import Guard, house
from tests.live.parts import ENGINE, MINILM, NEO4J, PARTS, SCHEDULER, Part, default_cache
from tests.live.pretended import CARD
from tests.live.real import UNHURRIED, RealOllama, Start
from tests.live.served import Served
from tests.servers import Servers


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--live-cache",
        type=Path,
        default=default_cache(),
        help="where `python -m tests.live.install` put the real parts",
    )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Say in so many words which real parts the tests had, and which not and why."""
    cache = cache_of(config)
    terminalreporter.section("real parts of the live tests")
    for part in PARTS:
        if part.is_there(cache):
            terminalreporter.line(f"HAD    {part.what}")
        else:
            terminalreporter.line(f"LACKED {part.what}")
            terminalreporter.line(f"       because: {part.why_not(cache)}", red=True)
    skipped = [str(report.longrepr[2]) for report in terminalreporter.stats.get("skipped", [])]
    for why, times in Counter(skipped).items():
        terminalreporter.line(f"{times} did not run: {why}", red=True)


def cache_of(config: pytest.Config) -> Path:
    # The option is unknown where pytest was started for a folder above this one.
    cache: Path = config.getoption("--live-cache", default=default_cache())
    return cache


@pytest.fixture(scope="session")
def need(request: pytest.FixtureRequest) -> Callable[[Part], Path]:
    """`need(part)` is the place of a real part, or skips the test and says why."""
    cache = cache_of(request.config)

    def place(part: Part) -> Path:
        if not part.is_there(cache):
            pytest.skip(f"no {part.name}: {part.why_not(cache)}")
        return part.place(cache)

    return place


@pytest.fixture(scope="session")
def start_server(
    need: Callable[[Part], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Start]:
    """`start_server(ENGINE, VARIABLE="value")`: a server with tiny models, stopped at the end."""
    running: list[RealOllama] = []

    def start(part: Part, **variables: str) -> RealOllama:
        binary = need(part)
        folder = tmp_path_factory.mktemp(part.name)
        server = real.start(binary, folder, **variables)
        running.append(server)
        real.give_tiny_models(server, folder / "files")
        return server

    yield start
    for server in running:
        server.stop()


@pytest.fixture(scope="session")
def engine(start_server: Start) -> RealOllama:
    """A real Ollama that infers, with room for one model."""
    return start_server(ENGINE)


@pytest.fixture(scope="session")
def newest(start_server: Start) -> RealOllama:
    """Today's Ollama, with a stand-in for the engine."""
    return start_server(SCHEDULER)


@pytest.fixture(scope="session")
def minilm(engine: RealOllama, need: Callable[[Part], Path]) -> str:
    """A real embedding model on the real server."""
    real.give_folder(engine, "minilm", need(MINILM))
    return "minilm"


@pytest.fixture(scope="session")
def cypher(
    need: Callable[[Part], Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cypher]:
    """A real Neo4j: the one that NEO4J_URI names, else one of our own."""
    if uri := os.environ.get("NEO4J_URI"):
        user, secret = os.environ.get("NEO4J_USER", ""), os.environ.get("NEO4J_PASSWORD_FILE", "")
        yield Cypher(uri, user, secret)
        return
    server = start_cypher(need(NEO4J).parent, tmp_path_factory.mktemp("neo4j"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def pretended() -> Iterator[Simulated]:
    """Our simulated Ollama, with models of the same names."""
    with simulated(CARD) as server:
        yield server


@pytest.fixture(scope="session")
def guard(
    django_db_setup: None, servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Guard]:
    """`guard(url)`: our proxy, relay and worker in front of that Ollama, by client."""
    with ExitStack() as opened:
        numbers = count()

        def start(url: str) -> dict[str, Served]:
            number = next(numbers)
            database = f"ethops_live_{number}"
            servers.clone(TEMPLATE, database)
            opened.callback(servers.drop, database)
            folder = tmp_path_factory.mktemp("guarded")
            # Two Redis databases each, far from those of other tests.
            return opened.enter_context(house(servers, database, 10 + 2 * number, url, folder))

        yield start


@pytest.fixture(scope="session")
def guarded_engine(guard: Guard, start_server: Start) -> dict[str, Served]:
    """Our house in front of an Ollama that infers."""
    return guard(start_server(ENGINE).url)


@pytest.fixture(scope="session")
def guarded_newest(guard: Guard, start_server: Start) -> dict[str, Served]:
    """Our house in front of today's Ollama, which by itself can wedge."""
    return guard(start_server(SCHEDULER, **UNHURRIED).url)


BARE = ["engine", "newest", "pretended"]


@pytest.fixture(scope="session", params=BARE)
def bare(request: pytest.FixtureRequest) -> Served:
    """Every server that is an Ollama, or must not be told from one."""
    return _bare(request, request.param)


@pytest.fixture(scope="session", params=[*BARE, "guarded"])
def served(request: pytest.FixtureRequest) -> Served:
    """Every server that must serve what was written for Ollama: our proxy, too."""
    if request.param != "guarded":
        return _bare(request, request.param)
    found: dict[str, Served] = request.getfixturevalue("guarded_engine")
    return found["lab"]


def _bare(request: pytest.FixtureRequest, name: str) -> Served:
    url: str = request.getfixturevalue(name).url
    is_real = name != "pretended"
    return Served(name, url, chat=real.QUICK, embed=real.EMBED, is_real=is_real)
