"""The telemetry contract, held by every adapter."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path

import psycopg
import pytest
from django.db import transaction

from adapters import site, site_rows
from adapters.telemetry.errors import PositionError, UnknownObserverError
from adapters.telemetry.port import Collector, Observer, Reader, Receiver, Use

OURS = "SHA256:" + "o" * 43
STRANGE = "SHA256:" + "s" * 43
SITE = """
hosts: [{{name: here, connection: ssh, address: 10.9.0.1, user: deploy}}, {{name: there}}]
keys: [{{name: executor, fingerprint: "{ours}", accounts: [deploy], from: [10.9.0.0/24]}}]
observers:
  - {{host: here, source: file, path: "{log}"}}
  - {{host: there, source: pushed}}
"""


@dataclass
class World:
    """One adapter under test, and the log of a host that it reads."""

    reader: Reader
    collector: Collector
    receiver: Receiver
    log: Path
    lines: int = 0

    def write(self, message: str, *, program: str = "sshd[812]", ago: float = 0) -> str:
        line = self.line(message, program=program, ago=ago)
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"{line}\n")
        return line

    def line(self, message: str, *, program: str = "sshd[812]", ago: float = 0) -> str:
        at = datetime.now(UTC) - timedelta(seconds=ago)
        return f"{at.isoformat()} here {program}: {message}"

    def login(self, port: int = 50022, *, print_: str = OURS, account: str = "deploy") -> str:
        return self.write(login(port, print_=print_, account=account))

    def uses(self, host: str = "here") -> tuple[Use, ...]:
        return self.reader.uses(host, datetime.now(UTC) - timedelta(days=2))

    def ports(self, host: str = "here") -> list[int]:
        return [use.port for use in self.uses(host)]

    def collected(self) -> list[int]:
        self.collector.collect()
        return self.ports()

    def observer(self, host: str = "here") -> Observer:
        return next(one for one in self.reader.observers() if one.host == host)


def login(port: int = 50022, *, print_: str = OURS, account: str = "deploy") -> str:
    return f"Accepted publickey for {account} from 10.9.0.5 port {port} ssh2: ED25519 {print_}"


@pytest.fixture(params=["adapters.telemetry.embedded"])
def world(request: pytest.FixtureRequest, become: Callable[[str], None], tmp_path: Path) -> World:
    module = import_module(request.param)
    log = tmp_path / "auth.log"
    log.write_text("Mar  1 10:00:00 here sshd[1]: Server listening on 0.0.0.0 port 22.\n")
    declare(become, tmp_path, SITE.format(ours=OURS, log=log))
    made = World(module.Reader(), module.Collector(), module.Receiver(), log)
    made.collector.collect()
    return made


def declare(become: Callable[[str], None], folder: Path, text: str) -> None:
    file = folder / "site.yaml"
    file.write_text(text, encoding="utf-8")
    found = site.read(file)
    assert found.value is not None, found.faults
    become("owner")
    site_rows.apply(found.value)
    become("app")


# ---------------------------------------------------------------- what is seen


def test_it_says_what_it_can(world: World) -> None:
    assert world.reader.capabilities >= {"logins", "fingerprints"}


def test_a_login_with_a_key_of_ours_is_a_use(world: World) -> None:
    line = world.login()
    world.collector.collect()
    (use,) = world.uses()
    assert (use.kind, use.account, use.granted, use.fingerprint, use.address, use.port) == (
        "login",
        "deploy",
        True,
        OURS,
        "10.9.0.5",
        50022,
    )
    assert use.at.isoformat() == line.split()[0]
    assert use.line.startswith("sshd: Accepted publickey")


def test_what_does_not_concern_us_is_not_kept(world: World) -> None:
    world.login(print_=STRANGE, account="alice")
    world.write("   alice : PWD=/ ; USER=root ; COMMAND=/bin/ls", program="sudo[9]")
    world.write("Failed publickey for deploy from 6.6.6.6 port 1 ssh2: RSA " + STRANGE)
    assert world.collected() == []


def test_a_strange_key_into_our_account_and_our_key_into_another_are_uses(world: World) -> None:
    world.login(1, print_=STRANGE)
    world.login(2, account="root")
    assert world.collected() == [1, 2]


def test_a_refused_attempt_with_our_key_is_a_use(world: World) -> None:
    world.write(f"Failed publickey for root from 10.9.0.5 port 7 ssh2: ED25519 {OURS}")
    world.collector.collect()
    assert [(use.granted, use.account) for use in world.uses()] == [(False, "root")]


def test_sudo_of_our_account_is_a_use(world: World) -> None:
    world.write("  deploy : PWD=/ ; USER=root ; COMMAND=/bin/ls", program="sudo[9]")
    world.collector.collect()
    (use,) = world.uses()
    assert (use.kind, use.run_as, use.command) == ("elevation", "root", "/bin/ls")


@pytest.mark.parametrize("rounds", [1, 2], ids=["in one round", "in two rounds"])
def test_a_command_that_sudo_cut_is_put_together(world: World, rounds: int) -> None:
    world.write("  deploy : PWD=/ ; USER=root ; COMMAND=/bin/long one", program="sudo[9]")
    if rounds == 2:
        world.collector.collect()
    world.write("  deploy : (command continued) two", program="sudo[9]")
    world.collector.collect()
    assert [use.command for use in world.uses()] == ["/bin/long one two"]


@pytest.mark.parametrize(
    "end",
    ["pam_unix(sshd:session): session closed for user deploy",
     "Disconnected from user deploy 10.9.0.5 port 50022"],
)  # fmt: skip
@pytest.mark.parametrize("rounds", [1, 2], ids=["in one round", "in two rounds"])
def test_a_login_knows_its_end(world: World, end: str, rounds: int) -> None:
    world.login()
    if rounds == 2:
        world.collector.collect()
        world.collector.joined(world.collector.unjoined())
    world.write(end)
    world.collector.collect()
    (use,) = world.uses()
    assert use.ended_at
    assert use.ended_at >= use.at
    assert world.collector.unjoined() == (use,)


# ---------------------------------------------------------------- nothing twice, nothing skipped


def test_what_was_written_before_anybody_watched_is_not_read(
    world: World, become: Callable[[str], None], tmp_path: Path
) -> None:
    other = tmp_path / "other.log"
    other.write_text(world.line(login()) + "\n")
    declare(become, tmp_path, SITE.format(ours=OURS, log=other))
    world.collector.collect()
    assert world.collected() == []


def test_a_line_is_read_once(world: World) -> None:
    world.login(1)
    world.collector.collect()
    world.login(2)
    assert world.collected() == [1, 2]
    assert world.collected() == [1, 2]


def test_half_a_line_waits_for_its_end(world: World) -> None:
    line = world.line(login(3))
    with world.log.open("a") as log:
        log.write(line[:60])
    assert world.collected() == []
    with world.log.open("a") as log:
        log.write(f"{line[60:]}\n")
    assert world.collected() == [3]


def test_a_round_that_dies_is_done_again(world: World) -> None:
    world.login(1)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        world.collector.collect()
        _ = 1 / 0
    assert world.ports() == []
    assert world.collected() == [1]


def test_the_rest_of_a_rotated_file_is_read_before_the_new_one(world: World) -> None:
    world.login(1)
    world.collector.collect()
    world.login(2)
    world.log.rename(world.log.with_name("auth.log.1"))
    world.log.touch()
    world.login(3)
    assert world.collected() == [1, 2, 3]
    assert world.observer().gap_until is None


def test_a_daemon_that_still_writes_to_the_old_file_is_heard(world: World) -> None:
    world.login(1)
    old = world.log.with_name("auth.log-20260301")
    world.log.rename(old)
    world.log.touch()
    assert world.collected() == [1]
    with old.open("a") as log:
        log.write(world.line(login(2)) + "\n")
    world.login(3)
    assert world.collected() == [1, 2, 3]


def test_a_file_that_was_copied_and_emptied_loses_nothing(world: World) -> None:
    world.login(1)
    world.collector.collect()
    world.login(2)
    world.log.with_name("auth.log.1").write_bytes(world.log.read_bytes())
    os.truncate(world.log, 0)
    world.login(3)
    assert world.collected() == [1, 2, 3]


def test_a_file_that_is_gone_leaves_a_gap_that_is_said(world: World) -> None:
    world.login(1)
    world.collector.collect()
    world.log.unlink()
    world.login(3)
    assert world.collected() == [1, 3]
    gap = world.observer()
    assert gap.gap_from
    assert gap.gap_until
    assert gap.gap_from <= gap.gap_until


def test_a_log_that_says_it_is_not_whole_leaves_a_gap(world: World) -> None:
    world.write("Suppressed 9 messages from ssh.service", program="systemd-journald[1]", ago=60)
    world.collector.collect()
    gap = world.observer()
    assert gap.gap_from
    assert gap.gap_until
    assert timedelta(minutes=1) < gap.gap_until - gap.gap_from < timedelta(minutes=10)


def test_a_log_that_cannot_be_read_is_said_and_gets_well_again(world: World) -> None:
    away = world.log.with_name("away")
    world.log.rename(away)
    assert world.collector.collect().faults == 1
    assert "auth.log" in world.observer().fault
    away.rename(world.log)
    world.login(1)
    assert world.collected() == [1]
    assert world.observer().fault == ""


def test_a_pipe_in_place_of_the_log_holds_nobody_up(world: World) -> None:
    world.log.unlink()
    os.mkfifo(world.log)
    assert world.collector.collect().faults == 1


def test_a_hostile_line_is_kept_as_text_that_can_do_nothing(world: World) -> None:
    with world.log.open("ab") as log:
        log.write(b"\x00\xff\x1b[31m garbage\n" + b"x" * 200_000 + b"\n{\n\n")
    world.write(
        "  deploy : PWD=/\x1b[2J\x00\u202e ; USER=root ; COMMAND=/bin/\x00ls", program="sudo"
    )
    world.collector.collect()
    (use,) = world.uses()
    assert use.command == "/bin/ls"
    assert use.line.isprintable()


def test_how_far_a_host_was_heard_is_told_by_its_own_clock(world: World) -> None:
    world.write("nothing of interest", program="cron[3]", ago=100)
    world.collector.collect()
    heard = world.observer().heard_until
    assert heard
    assert timedelta(seconds=99) < datetime.now(UTC) - heard < timedelta(seconds=130)


def test_a_time_ahead_of_ours_does_not_say_how_far_it_was_heard(world: World) -> None:
    world.write("nothing of interest", program="cron[3]", ago=-5000)
    world.collector.collect()
    heard = world.observer().heard_until
    assert heard
    assert heard <= datetime.now(UTC) + timedelta(seconds=30)


@pytest.mark.parametrize("ago", [-3600, 3600])
def test_a_clock_that_is_off_is_noticed(world: World, ago: float) -> None:
    world.write(login(), ago=ago)
    world.collector.collect()
    assert world.observer().clock_off_at


# ---------------------------------------------------------------- what is joined


def test_what_was_joined_is_not_handed_over_again(world: World) -> None:
    world.login(1)
    world.login(2)
    world.collector.collect()
    first, second = world.collector.unjoined()
    world.collector.joined([first])
    assert world.collector.unjoined() == (second,)


def test_what_grew_while_it_was_joined_is_handed_over_again(world: World) -> None:
    world.login()
    world.collector.collect()
    (before,) = world.collector.unjoined()
    world.write("pam_unix(sshd:session): session closed for user deploy")
    world.collector.collect()
    world.collector.joined([before])
    assert len(world.collector.unjoined()) == 1


def test_logins_are_those_that_were_granted(world: World) -> None:
    world.login(1)
    world.write(f"Failed publickey for root from 10.9.0.5 port 7 ssh2: ED25519 {OURS}")
    world.write("  deploy : PWD=/ ; USER=root ; COMMAND=/bin/ls", program="sudo[9]")
    world.collector.collect()
    since = datetime.now(UTC) - timedelta(hours=1)
    assert [use.port for use in world.reader.logins(since)] == [1]


# ---------------------------------------------------------------- what is pushed


def push(world: World, *ports: int, after: str, position: str) -> None:
    texts = [world.line(login(port)) for port in ports]
    world.receiver.push("there", texts, after=after, position=position, complete=True)


def test_pushed_lines_are_taken_once_and_in_order(world: World) -> None:
    assert world.receiver.position("there") == ""
    push(world, 1, 2, after="", position="a")
    push(world, 3, after="a", position="b")
    assert world.ports("there") == [1, 2, 3]
    assert world.receiver.position("there") == "b"


@pytest.mark.parametrize("after", ["", "b", "x"])
def test_a_batch_that_does_not_follow_is_refused_whole(world: World, after: str) -> None:
    push(world, 1, after="", position="a")
    with pytest.raises(PositionError):
        push(world, 2, after=after, position="c")
    assert world.ports("there") == [1]


def test_no_lines_are_a_sign_of_life(world: World) -> None:
    push(world, after="", position="")
    assert world.observer("there").read_at


@pytest.mark.parametrize("host", ["here", "nowhere"])
def test_nobody_pushes_for_a_host_that_is_not_pushed(world: World, host: str) -> None:
    with pytest.raises(UnknownObserverError):
        world.receiver.push(host, [], after="", position="", complete=True)


# ---------------------------------------------------------------- keys and rights


def test_keys_are_read_as_declared(world: World) -> None:
    (key,) = world.reader.keys()
    assert (key.name, key.fingerprint, key.accounts, key.addresses, key.retired_at) == (
        "executor",
        OURS,
        ("deploy",),
        ("10.9.0.0/24",),
        None,
    )


def test_a_key_that_is_no_longer_declared_is_still_ours(
    world: World, become: Callable[[str], None], tmp_path: Path
) -> None:
    declare(become, tmp_path, "hosts: [{name: here}]\n")
    (key,) = world.reader.keys()
    assert key.retired_at
    assert world.reader.observers() == ()


@pytest.mark.parametrize("name", ["app", "agent", "executor"])
def test_everybody_may_read(world: World, become: Callable[[str], None], name: str) -> None:
    world.login(1)
    world.collector.collect()
    become(name)
    assert world.ports() == [1]
    assert world.reader.keys()
    assert world.reader.observers()


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM telemetry_use",
        "UPDATE telemetry_use SET at = now()",
        "UPDATE telemetry_use SET line = 'nothing'",
        "UPDATE telemetry_use SET command = 'x', ended_at = now()",
        "INSERT INTO telemetry_key (name, fingerprint) VALUES ('mine', 'x')",
        "UPDATE telemetry_observer SET retired = true",
        "DELETE FROM telemetry_observer",
    ],
)
def test_evidence_is_not_taken_away(
    world: World, role: Callable[[str], psycopg.Connection], statement: str
) -> None:
    world.login(1)
    world.write("Disconnected from user deploy 10.9.0.5 port 1")
    world.collector.collect()
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role("app").execute(statement)


@pytest.mark.parametrize("name", ["agent", "executor", "gpu", "audit_writer"])
def test_only_the_app_collects(
    world: World, role: Callable[[str], psycopg.Connection], name: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        role(name).execute("SELECT 1 FROM telemetry_use")
