"""Keys for programs that use the proxy."""

import getpass
import json
import sys
from collections.abc import Callable
from typing import Any

from gpu import clients

Write = Callable[[str], object]


def run(write: Write, options: dict[str, Any]) -> int:
    """Add, list or switch off."""
    return {"add": _add, "off": _off, "list": _list}[options["act"]](write, options)


def _add(write: Write, options: dict[str, Any]) -> int:
    key = clients.make_key(
        options["name"],
        tier=options["tier"],
        slots=options["slot"],
        max_waiting=options["max_waiting"],
        by=f"person:{getpass.getuser()}",
    )
    sys.stderr.write(f"The key of {options['name']}; it is not shown again:\n")
    write(key)
    return 0


def _off(write: Write, options: dict[str, Any]) -> int:
    found = clients.disable(options["name"], by=f"person:{getpass.getuser()}")
    write(f"{options['name']} is off." if found else f"There is no key {options['name']}.")
    return 0 if found else 1


def _list(write: Write, options: dict[str, Any]) -> int:
    found = clients.listed()
    if options["json"]:
        write(json.dumps([vars_of(each) for each in found], default=str))
        return 0
    for each in found:
        slots = ", ".join(each.slots) or "all of its tier"
        state = "" if each.enabled else "   off"
        write(f"{each.name:<20} {each.tier:<10} {slots}   {each.max_waiting} may wait{state}")
    return 0


def vars_of(client: Any) -> dict[str, Any]:
    """Return what is shown of a key; never its hash."""
    names = ("name", "tier", "slots", "max_waiting", "enabled", "made_at", "last_seen_at")
    return {name: getattr(client, name) for name in names}
