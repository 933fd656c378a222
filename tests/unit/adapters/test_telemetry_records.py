"""Raw lines of three shapes, and whatever else stands in a log."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.telemetry.records import Record, read

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
AT = datetime(2026, 3, 1, 10, 30, 15, tzinfo=UTC)


def seen(line: str, zone: str = "UTC", now: datetime = NOW) -> Record | None:
    return read(line, zone=ZoneInfo(zone), now=now)


@pytest.mark.parametrize(
    ("line", "at"),
    [
        ("2026-03-01T10:30:15.123456+00:00 web sshd[812]: hello", AT.replace(microsecond=123456)),
        ("2026-03-01T11:30:15+01:00 web sshd[812]: hello", AT),
        ("2026-03-01T10:30:15.123456789Z web sshd[812]: hello", AT.replace(microsecond=123456)),
        ("<38>2026-03-01T10:30:15Z web sshd[812]: hello", AT),
        ("Mar  1 10:30:15 web sshd[812]: hello", AT),
        ("<38>Mar  1 10:30:15 web sshd[812]: hello", AT),
    ],
)
def test_syslog(line: str, at: datetime) -> None:
    assert seen(line) == Record(at, "sshd", "812", "hello", "")


def test_a_program_without_a_process() -> None:
    found = seen("Mar  1 10:30:15 web sudo:   deploy : TTY=pts/0")
    assert found == Record(AT, "sudo", "", "  deploy : TTY=pts/0", "")


def test_old_times_are_of_the_host_s_zone() -> None:
    found = seen("Mar  1 11:30:15 web sshd[1]: x", "Europe/Vienna")
    assert found
    assert found.at == AT


@pytest.mark.parametrize(
    ("now", "year"),
    [
        (datetime(2027, 1, 1, 0, 5, tzinfo=UTC), 2026),
        (datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC), 2026),
        (datetime(2026, 12, 20, tzinfo=UTC), 2025),
    ],
)
def test_old_times_have_the_year_in_which_they_are_past(now: datetime, year: int) -> None:
    found = seen("Dec 31 23:59:59 web sshd[1]: x", now=now)
    assert found
    assert found.at.year == year


def test_a_leap_day_of_a_year_that_had_one() -> None:
    found = seen("Feb 29 10:00:00 web sshd[1]: x", now=datetime(2028, 3, 1, tzinfo=UTC))
    assert found
    assert found.at == datetime(2028, 2, 29, 10, tzinfo=UTC)


JOURNAL = {
    "__CURSOR": "s=1;i=2",
    "__REALTIME_TIMESTAMP": str(int(AT.timestamp()) * 1_000_000),
    "SYSLOG_IDENTIFIER": "sshd",
    "_COMM": "sshd",
    "_EXE": "/usr/sbin/sshd",
    "_UID": "0",
    "_PID": "812",
    "MESSAGE": "hello",
}


def journal(**fields: object) -> str:
    return json.dumps({name: v for name, v in {**JOURNAL, **fields}.items() if v is not None})


@pytest.mark.parametrize(
    ("line", "program", "message"),
    [
        (journal(), "sshd", "hello"),
        (journal(MESSAGE=list(b"hello\xff")), "sshd", "hello\ufffd"),
        (journal(MESSAGE=["hello", "again"]), "sshd", "hello"),
        (journal(MESSAGE=None), "sshd", ""),
        (journal(_COMM="sshd-session", _EXE="/usr/lib/openssh/sshd-session"), "sshd-session",
         "hello"),
        (journal(_COMM="sshd-session", _EXE="/usr/libexec/openssh/sshd-session"), "sshd-session",
         "hello"),
        (journal(_COMM="sudo", _EXE="/usr/bin/sudo", _UID="1001"), "sudo", "hello"),
        # Anybody may say `logger -t sshd`, and name a program of his own so.
        (journal(_COMM="logger", _EXE="/usr/bin/logger", _UID="1001"), "logger", "hello"),
        (journal(_UID="1001"), "not really sshd", "hello"),
        (journal(_EXE="/home/eve/sshd"), "not really sshd", "hello"),
        (journal(_COMM="sudo", _EXE="/home/eve/sudo"), "not really sudo", "hello"),
        # Forwarded to the journal by a syslog daemon without the trusted fields.
        (journal(_COMM=None, _EXE=None, _UID=None), "sshd", "hello"),
    ],
)  # fmt: skip
def test_the_journal(line: str, program: str, message: str) -> None:
    assert seen(line) == Record(AT, program, "812", message, "s=1;i=2")


def test_what_journalctl_252_writes() -> None:
    # Bytes that it cannot show it writes as numbers.
    line = (
        '{"_EXE":"/usr/bin/sudo","_PID":"9","__REALTIME_TIMESTAMP":"1772361015000000",'
        '"__MONOTONIC_TIMESTAMP":"2","__CURSOR":"s=ad6d;i=2;b=01;m=2;t=64bf3f3e0dc40;x=cd62",'
        '"_COMM":"sudo","MESSAGE":[32,101,58,27,91,50,74,108,115],"_UID":"1001","_BOOT_ID":"01"}'
    )
    cursor = "s=ad6d;i=2;b=01;m=2;t=64bf3f3e0dc40;x=cd62"
    assert seen(line) == Record(AT, "sudo", "9", " e:\x1b[2Jls", cursor)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{",
        "[1]",
        "{}",
        journal(__REALTIME_TIMESTAMP="yesterday"),
        journal(__REALTIME_TIMESTAMP=17),
        "2026-13-01T10:30:15Z web sshd[1]: x",
        "9999-12-31T23:59:59-14:00 web sshd[1]: x",
        "Foo  1 10:30:15 web sshd[1]: x",
        "Feb 30 10:30:15 web sshd[1]: x",
        "Mar  1 25:30:15 web sshd[1]: x",
        "Mar  1 10:30:15",
        "last message repeated 3 times",
        '{"a":' * 50_000,
    ],
)
def test_what_has_no_shape_is_left_alone(line: str) -> None:
    assert seen(line) is None


@given(st.text(max_size=200))
def test_any_line_is_borne(line: str) -> None:
    seen(line)
    seen("{" + line)
    seen(f"Mar  1 10:30:15 {line}")
