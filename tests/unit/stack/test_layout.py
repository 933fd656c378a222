"""What each process of a stack is given to know."""

from pathlib import Path

import pytest

from ethops import env
from ethops.routing import QUEUES
from ethops.stack.layout import Layout
from ethops.stack.matrix import processes
from ethops.stack.ports import Ports

NAMES = [process.kind for process in processes(Ports(), ["card0"], bus=True)]


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path, Ports(1, 2, 3, 4))


def test_the_matrix_is_the_one_of_the_environment() -> None:
    assert set(NAMES) == set(env.ROLE_OF_PROCESS) - env.TYPED


@pytest.mark.parametrize("name", NAMES)
def test_a_process_is_given_its_own_database_login_alone(layout: Layout, name: str) -> None:
    given = "\n".join(layout.environment(name).values())
    own = env.ROLE_OF_PROCESS[name]
    for role, password in layout.secrets.role_passwords.items():
        assert (password in given) == (role == own), role


@pytest.mark.parametrize("name", [name for name in NAMES if name != "web"])
def test_only_the_web_process_can_sign_sessions(layout: Layout, name: str) -> None:
    assert layout.secrets.django_secret_key not in layout.environment(name).values()


def test_the_recorder_knows_no_redis(layout: Layout) -> None:
    given = layout.environment("recorder")
    assert "REDIS_URL" not in given
    assert layout.secrets.redis_password not in "".join(given.values())


def test_flower_asks_for_the_desks_login(layout: Layout) -> None:
    given = layout.environment("flower")
    assert given["FLOWER_BASIC_AUTH"] == f"admin:{layout.secrets.admin_password}"
    assert "DATABASE_URL" not in given


def test_the_login_of_the_bus_is_of_one_process(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not layout.bus
    monkeypatch.setenv("ETHOPS_TELEMETRY_BUS", "amqp://house:secret@mq.example:5671/%2F")
    given = {name: layout.environment(name).get("ETHOPS_TELEMETRY_BUS", "") for name in NAMES}
    assert layout.bus
    assert {name for name, url in given.items() if "secret" in url} == {"telemetry"}
    assert given["web"] == given["control"] == "amqp://mq.example:5671/%2F"
    assert given["agent"] == ""


def test_each_process_is_told_which_peers_there_are_by_names_alone(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"NEO4J_URI": "bolt://graph:7687", "ETHOPS_FORGE_TOKEN_FILE": "/etc/ethops/forge.token"}
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    for process in NAMES:
        assert said.items() <= layout.environment(process).items()


def test_servers_are_told_nothing_of_ours(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETHOPS_SMTP_URL", "smtp://user:secret@host")
    assert layout.postgres is not None
    assert not [name for name in layout.postgres.environment if name.startswith("ETHOPS")]


def test_workers_listen_to_every_queue_between_them() -> None:
    heard: list[str] = []
    for process in processes(Ports()):
        words = list(process.command)
        if "--queues" in words:
            heard += words[words.index("--queues") + 1].split(",")
    assert sorted(heard) == sorted(QUEUES)


def test_a_detached_child_reads_the_same_stack_from_its_environment(layout: Layout) -> None:
    found = env.load(layout.environment("web"))
    assert found.database_url == layout.dsn("ethops_app")
    assert found.state == layout.state
    assert (found.web_port, found.redis_url) == (1, layout.wakeups())
