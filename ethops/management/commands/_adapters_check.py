"""`manage.py adapters check CONTRACT [ADAPTER]`: the conformance kit against a live system."""

import json
from argparse import ArgumentTypeError, _SubParsersAction
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any, Final

from rich.console import Console
from rich.markup import escape

from adapters import conformance, kits, markers
from adapters.errors import AdapterError
from ethops import env
from ethops.executor.git import BareGit

WORDS: Final = {
    "held": "[green]held  [/]",
    "failed": "[bold red]FAILED[/]",
    "cannot": "[yellow]cannot[/]",
}
FAILED: Final = 1


def add_arguments(parts: "_SubParsersAction[Any]") -> None:
    """What to check, and for whom to print it."""
    part = parts.add_parser("check", help="try an adapter against what is behind it, by cases")
    part.add_argument("contract", choices=sorted(kits.KITS), help="which contract")
    part.add_argument(
        "adapter", nargs="?", default="", help="its name, or a module; what is in use without one"
    )
    part.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", type=_pair,
        help="what only this check is told: url=..., model=...",
    )  # fmt: skip
    part.add_argument(
        "--sweep", nargs="?", const="", type=_marker, metavar="MARKER",
        help="try no case; clear away what killed checks left, an hour ago or with this marker",
    )  # fmt: skip
    part.add_argument("--json", action="store_true", help="for programs")


def _marker(said: str) -> str:
    if not said:
        # None is named: of any check.
        return ""
    found = markers.named(said)
    if found is None:
        raise ArgumentTypeError("write the eight signs of a check's marker, such as 3f9c01ab")
    return found


def _pair(said: str) -> tuple[str, str]:
    name, found, value = said.partition("=")
    if not found or not name:
        raise ArgumentTypeError("write NAME=VALUE, such as url=http://127.0.0.1:11434")
    return name, value


def run(write: Callable[[str], Any], options: dict[str, Any]) -> int:
    """Try every case and print it as it goes; returns 1 where one failed."""
    contract, as_json = options["contract"], options["json"]
    kit, module = kits.kit(contract), kits.module(contract, options["adapter"])
    console = Console(
        highlight=False, no_color=env.plain_terminal(), soft_wrap=True, quiet=as_json
    )  # fmt: skip
    marker = markers.new()
    bench = kits.bench(contract, module, marker, dict(options["set"]), BareGit)
    if options["sweep"] is not None:
        return _swept_alone(console, write, bench, options)
    swept = _swept_before(bench)
    _show_swept(console, swept)
    shown = escape(f"[{marker}]")
    console.print(f"{contract}: {module.__name__}, {len(kit.cases)} cases, marked {shown}")
    results: list[conformance.Result] = []
    left: tuple[str, ...] = ()
    try:
        for result in conformance.tried(kit, bench):
            results.append(result)
            _show(console, result)
    finally:
        left = _closed(bench)
    _conclude(console, results, bench.cannot, left)
    if as_json:
        said = _said(contract, module.__name__, marker, results, bench.cannot, left)
        write(json.dumps({**said, "swept": list(swept)}))
    return FAILED if any(one.verdict == "failed" for one in results) else 0


def _swept_alone(
    console: Console, write: Callable[[str], Any], bench: conformance.Bench, options: dict[str, Any]
) -> int:
    """Clear away what killed checks left, and try nothing."""
    swept = bench.sweep(options["sweep"]) if isinstance(bench, conformance.Sweeps) else ()
    _show_swept(console, swept)
    if not swept:
        console.print("There is nothing that a check left.")
    if options["json"]:
        write(json.dumps({"contract": options["contract"], "swept": list(swept)}))
    return 0


def _swept_before(bench: conformance.Bench) -> tuple[str, ...]:
    """Clear away what was left an hour ago; a system that is away has its cases fail, not this."""
    try:
        return bench.sweep("") if isinstance(bench, conformance.Sweeps) else ()
    except (AdapterError, AttributeError) as fault:
        # A module that lacks a part is what the cases are about to say.
        return (f"nobody could look for it. {type(fault).__name__}: {fault}",)


def _show_swept(console: Console, swept: tuple[str, ...]) -> None:
    for one in swept:
        console.print(f"Left by a check that was killed: {escape(one)}")


def _closed(bench: conformance.Bench) -> tuple[str, ...]:
    try:
        return bench.close()
    except AdapterError as fault:
        return (f"Whatever bears the marker: nobody could look for it. {fault}",)


def _show(console: Console, one: conformance.Result) -> None:
    console.print(f"{one.n:>3} {WORDS[one.verdict]} {escape(one.title)} [dim]{one.ms} ms[/]")
    if one.verdict == "failed":
        console.print(f"      expected  {escape(one.expected)}\n      seen      {escape(one.seen)}")
    elif one.verdict == "cannot":
        console.print(f"      {escape(one.seen)}")


def _conclude(
    console: Console,
    results: list[conformance.Result],
    cannot: Mapping[str, str],
    left: tuple[str, ...],
) -> None:
    for name, why in cannot.items():
        console.print(f"Cannot, by this vendor: {escape(name)}. {escape(why)}")
    for one in left:
        console.print(f"Left behind: {escape(one)}")
    counts = _counts(results)
    console.print(", ".join(f"{n} {word}" for word, n in counts.items()) + ".")


def _counts(results: list[conformance.Result]) -> dict[str, int]:
    return {word: sum(one.verdict == word for one in results) for word in WORDS}


def _said(
    contract: str,
    adapter: str,
    marker: str,
    results: list[conformance.Result],
    cannot: Mapping[str, str],
    left: tuple[str, ...],
) -> dict[str, Any]:
    said = {"contract": contract, "adapter": adapter, "marker": marker, "cannot": dict(cannot)}
    cases = [asdict(one) for one in results]
    return {**said, "cases": cases, "left": list(left), "counts": _counts(results)}
