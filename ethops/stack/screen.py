"""The terminal: one calm line per thing, coloured where somebody looks on, plain elsewhere."""

import json
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from rich.console import Console
from rich.text import Text

from ethops import env
from ethops.stack.errors import StackError
from ethops.stack.progress import Line, Mark

WIDTH = 96
NAME_AT, FACT_AT, FACT_WIDTH = 5, 27, 52

STYLE = {Mark.OK: "green", Mark.BUSY: "cyan", Mark.WAITS: "dim", Mark.NO: "bold red"}


class Form(StrEnum):
    """How to speak: to eyes, to a log, or to a program."""

    COLOURED = "coloured"
    PLAIN = "plain"
    JSON = "json"


def form_for(*, as_json: bool) -> Form:
    """The form that fits this terminal."""
    if as_json:
        return Form.JSON
    return Form.PLAIN if env.plain_terminal() else Form.COLOURED


class Screen:
    """Writes lines in one form; the words are the same in all."""

    def __init__(self, form: Form, console: Console | None = None) -> None:
        self.form = form
        self.console = console or Console(
            highlight=False, soft_wrap=True, no_color=form is not Form.COLOURED
        )
        # A pipe without end is still read line by line.
        sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]

    def title(self, name: str, facts: Sequence[str] = ()) -> None:
        """The first line."""
        if self.form is Form.COLOURED:
            self.console.print(Text.assemble((name, "bold"), *(("   " + f, "dim") for f in facts)))
            self.console.print()
        elif self.form is Form.PLAIN:
            self._plain(name + "".join(f"   {fact}" for fact in facts))

    def line(self, line: Line) -> None:
        """One thing that happened."""
        if self.form is Form.JSON:
            self._json({"event": "line", **asdict(line)})
        elif self.form is Form.PLAIN:
            took = "" if line.seconds is None else f"   {line.seconds:.1f} s"
            self._plain(f"{line.mark}   {line.name:<{FACT_AT - NAME_AT}}{line.fact}{took}")
        else:
            self._coloured(line)

    def gap(self) -> None:
        """An empty line between parts."""
        if self.form is Form.COLOURED:
            self.console.print()

    def refusal(self, fault: StackError, *, verdict: str = "Nothing was started.") -> None:
        """The last words after a `no` line: the mend, what was done, and where the log is."""
        told = verdict + (f" Log: {shown(fault.log)}" if fault.log else "")
        if self.form is Form.JSON:
            self._json({"event": "refused", "code": fault.code, "said": str(fault),
                        "hint": fault.hint, "log": str(fault.log or "")})  # fmt: skip
        elif self.form is Form.PLAIN:
            self._plain(f"     {fault.hint}")
            self._plain(f"     {told}")
        else:
            self.console.print()
            self.console.print(Text(" " * NAME_AT + fault.hint))
            self.console.print(Text(" " * NAME_AT + told, "dim"))

    def event(self, name: str, **facts: object) -> None:
        """A turn that only programs want to know of."""
        if self.form is Form.JSON:
            self._json({"event": name, **facts})

    def verdict(self, strong: str, rest: str = "") -> None:
        """One sentence that says how it ended."""
        if self.form is Form.JSON:
            self._json({"event": "verdict", "said": f"{strong} {rest}".strip()})
        elif self.form is Form.PLAIN:
            self._plain(f"{strong} {rest}".strip())
        else:
            self.console.print()
            self.console.print(Text.assemble((strong, "bold green"), f" {rest}"))

    def places(self, rows: Iterable[tuple[str, str, str]]) -> None:
        """Name, address or command, and how to get in: the screen is the manual."""
        if self.form is Form.COLOURED:
            self.console.print()
        for name, where, how in rows:
            if self.form is Form.JSON:
                self._json({"event": "place", "name": name, "where": where, "how": how})
            elif self.form is Form.PLAIN:
                self._plain(f"     {name:<9}{where:<29} {how}")
            else:
                self.console.print(
                    Text.assemble(
                        " " * NAME_AT, (f"{name:<9}", "dim"), f"{where:<29} ", (how, "dim")
                    )
                )

    def note(self, text: str) -> None:
        """A quiet sentence."""
        if self.form is Form.JSON:
            self._json({"event": "note", "said": text})
        elif self.form is Form.PLAIN:
            self._plain(f"     {text}")
        else:
            self.console.print(Text(" " * NAME_AT + text, "dim"))

    def _coloured(self, line: Line) -> None:
        facts = textwrap.wrap(line.fact, FACT_WIDTH) if "\n" not in line.fact else (
            line.fact.splitlines()
        )  # fmt: skip
        took = "" if line.seconds is None else f"{line.seconds:.1f} s"
        first = facts[0] if facts else ""
        self.console.print(
            Text.assemble(
                (str(line.mark), STYLE[line.mark]),
                " " * (NAME_AT - 2),
                f"{line.name:<{FACT_AT - NAME_AT}}",
                f"{first:<{FACT_WIDTH}} ",
                took,
            )
        )
        for more in facts[1:]:
            self.console.print(Text(" " * FACT_AT + more))

    def _plain(self, text: str) -> None:
        stamp = datetime.now(UTC).strftime("%H:%M:%S")
        for part in text.splitlines():
            self.console.print(Text(f"{stamp}  {part}".rstrip()))

    def _json(self, fields: dict[str, object]) -> None:
        self.console.print(Text(json.dumps(fields)))


def shown(path: Path) -> str:
    """A path as short as it can be said from here."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
