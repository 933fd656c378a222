"""The terminal: the same words for eyes, logs and programs."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from ethops.stack.errors import PortTakenError
from ethops.stack.progress import Line, Mark
from ethops.stack.screen import Form, Screen

LINE = Line(Mark.OK, "database", "PostgreSQL 18.4, pgvector, 6 roles", 6.23)
FAULT = PortTakenError(
    "port 5433 is taken by postgres, pid 812 (user ada)",
    hint="Either stop it, or start with ETHOPS_PG_PORT=5434 make up.",
    log=Path("/log/up.log"),
)


def written(form: Form, say: str) -> str:
    out = io.StringIO()
    console = Console(file=out, highlight=False, soft_wrap=True, no_color=True, width=96)
    screen = Screen(form, console)
    if say == "line":
        screen.line(LINE)
    else:
        screen.refusal(FAULT)
    return out.getvalue()


def test_eyes_see_mark_name_fact_and_seconds_in_columns() -> None:
    expected = "ok   database              PostgreSQL 18.4, pgvector, 6 roles"
    shown = written(Form.COLOURED, "line")
    assert shown.startswith(expected)
    assert shown.rstrip().endswith("6.2 s")
    assert shown.index("6.2 s") == 80


def test_a_log_gets_the_same_words_after_the_time() -> None:
    stamp, _, rest = written(Form.PLAIN, "line").partition("  ")
    assert len(stamp) == len("12:34:56")
    assert " ".join(rest.split()) == "ok database PostgreSQL 18.4, pgvector, 6 roles 6.2 s"


def test_a_program_gets_one_object_a_line() -> None:
    found = json.loads(written(Form.JSON, "line"))
    assert found["event"] == "line"
    assert (found["mark"], found["name"], found["seconds"]) == ("ok", "database", 6.23)


@pytest.mark.parametrize("form", [Form.COLOURED, Form.PLAIN])
def test_a_refusal_ends_with_the_mend_and_what_was_done(form: Form) -> None:
    shown = written(form, "refusal")
    assert "ETHOPS_PG_PORT=5434 make up" in shown
    assert "Nothing was started. Log: /log/up.log" in shown


def test_a_refusal_for_programs_carries_its_code() -> None:
    found = json.loads(written(Form.JSON, "refusal"))
    assert (found["event"], found["code"]) == ("refused", "stack.port_taken")


def test_a_long_fact_is_wrapped_under_itself() -> None:
    out = io.StringIO()
    screen = Screen(Form.COLOURED, Console(file=out, highlight=False, width=96, no_color=True))
    screen.line(Line(Mark.OK, "ledger", "248 entries, whole; " * 5))
    first, second, *_ = out.getvalue().splitlines()
    assert second.startswith(" " * 27 + "whole; 248 entries")
    assert len(first) <= 80
