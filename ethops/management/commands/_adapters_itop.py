"""What an iTop needs of us: shown first, done when somebody says yes, taken back."""

import getpass
import json
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Callable, Sequence
from dataclasses import asdict
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from adapters.tickets.itop.provision import WRONG, Line
from adapters.tickets.itop.session import site
from adapters.tickets.itop.unprovision import Taken
from ethops import conf
from ethops.desk import provisioning
from ethops.desk.provisioning import Order

Write = Callable[[str], object]


def add_arguments(parts: "_SubParsersAction[Any]") -> None:
    """Declare both subcommands."""
    for name, says in (
        ("provision", "make what an iTop needs to call us, and a person and a user for each card"),
        ("unprovision", "take back what was made there; what others use stays"),
    ):
        _common(parts.add_parser(name, help=says))


def provision(write: Write, options: dict[str, Any]) -> int:
    """Show what would be made, and make it where somebody says yes."""
    order, as_json = _order(options), options["json"]
    lines = provisioning.plan(order)
    open_ = [line for line in lines if line.state in {"create", "differs"}]
    done = bool(open_) and _agreed(write, options, lines, f"Write {len(open_)} objects to iTop?")
    if done:
        lines = provisioning.carry_out(order)
    wrong = any(line.state in WRONG for line in lines)
    if as_json:
        said = [asdict(line) for line in lines]
        write(json.dumps({"done": done, "reachable": _reach() == "", "pieces": said}))
        return int(wrong)
    if done or not open_:
        _table(write, lines)
    if reach := _reach():
        write(reach)
    if not open_:
        write("Something is left to a person." if wrong else "Nothing to do.")
    elif not done:
        write("Nothing was done. Give --yes to have it done.")
    elif not wrong:
        write(
            "Done. Users have a password that nobody knows: one who is to act for a card himself is"
            " given a token in iTop's console."
        )
    return int(wrong)


def unprovision(write: Write, options: dict[str, Any]) -> int:
    """Show what would be taken back, and take it back where somebody says yes."""
    order = _order(options)
    found = provisioning.plan_back(order)
    ours = [one for one in found if one.state == "delete"]
    done = bool(found) and _agreed(write, options, found, f"Take back {len(ours)} objects?")
    if done:
        found = provisioning.take_back(order)
    if options["json"]:
        write(json.dumps({"done": done, "objects": [asdict(one) for one in found]}))
        return 0
    if done:
        _table(write, found)
    if not found:
        write("There is nothing of ours.")
    elif not done:
        write("Nothing was done. Give --yes to have it done.")
    return 0


def _common(parser: ArgumentParser) -> None:
    parser.add_argument("adapter", choices=["itop"])
    parser.add_argument("--yes", action="store_true", help="do it; without it, it is shown")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--name", default="ethops", help="what we are called there")
    parser.add_argument("--by", default=getpass.getuser(), help="your name")
    parser.add_argument(
        "--token-file", type=Path, help="the token of somebody who may make these objects there"
    )
    parser.add_argument("--user", default="", help="whose password the file holds, and no token")


def _order(options: dict[str, Any]) -> Order:
    by = str(options["by"])[:150]
    return Order(by, options["name"], options["token_file"], options["user"])


def _agreed(
    write: Write, options: dict[str, Any], lines: Sequence[Line | Taken], question: str
) -> bool:
    """Tell whether it is to be done: by --yes, or by a person who was shown it and says so."""
    if options["yes"] or options["json"]:
        return bool(options["yes"])
    _table(write, lines)
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return input(f"{question} [yes/no] ").strip().lower() == "yes"


def _table(write: Write, lines: Sequence[Line | Taken]) -> None:
    for line in lines:
        name = line.piece if isinstance(line, Line) else line.name
        number = f"::{line.id}" if line.id else ""
        write(f"{line.state:<8}  {name}  ({line.itop_class}{number})")
        mend = line.mend if isinstance(line, Line) else ""
        for text in (line.said, mend):
            if text:
                write(f"          {text}")


def _reach() -> str:
    """Return what is to be said where iTop cannot reach the address that it will be given."""
    here, there = urlsplit(conf.house().url).hostname, urlsplit(site()).hostname
    if _is_own(here) and not _is_own(there):
        return f"iTop at {there} cannot call {here}: set ETHOPS_URL to what it reaches us by."
    return ""


def _is_own(host: str | None) -> bool:
    try:
        return ip_address(host or "").is_loopback
    except ValueError:
        return host == "localhost"
