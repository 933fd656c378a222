"""The knowledge base from the command line: read it, ask it, and see what is left out."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError

from adapters import registry
from adapters.errors import AdapterError
from adapters.knowledge.port import Found, Query
from ethops.desk import knowledge
from ethops.management.quiet import QuietCommand

NOWHERE = "There is no repository of a knowledge base here: docs/reference/knowledge.md."


class Command(QuietCommand):
    """`manage.py knowledge index|state|search|faults`."""

    help = "Documents that were merged: read them into the index, ask it, see what is left out."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand per thing."""
        parts = parser.add_subparsers(dest="part", required=True)
        index = parts.add_parser("index", help="read what was merged, now")
        state = parts.add_parser("state", help="which commit the index stands at, since when")
        faults = parts.add_parser("faults", help="which documents are left out, and why")
        search = parts.add_parser("search", help="find passages by words, by tags, or by both")
        search.add_argument("words", nargs="*", help="the question")
        search.add_argument(
            "--tag", action="append", default=[], help="type:runbook, ci:shop; all of them hold"
        )
        search.add_argument("--limit", type=int, default=8)
        for part in (index, state, faults, search):
            part.add_argument("--json", action="store_true", help="print the result as JSON")

    def handle(self, *, part: str, **options: Any) -> None:
        """Do one of them; faults of ours are told with their mend."""
        try:
            said, lines = getattr(self, f"_{part}")(options)
        except AdapterError as fault:
            raise CommandError(f"{fault}\n{fault.hint}") from fault
        self.stdout.write(json.dumps(said, default=str) if options["json"] else "\n".join(lines))

    def _index(self, _options: dict[str, Any]) -> tuple[Any, list[str]]:
        done = knowledge.index()
        if done is None:
            raise CommandError(NOWHERE)
        counts = {
            name: len(getattr(done, name)) for name in ("added", "changed", "removed", "faults")
        }
        counts |= {"embedded": done.embedded, "waiting": done.waiting}
        line = f"commit={done.commit}  " + "  ".join(f"{name}={n}" for name, n in counts.items())
        return asdict(done), [line, *([f"Vectors: {done.why}"] if done.why else [])]

    def _state(self, _options: dict[str, Any]) -> tuple[Any, list[str]]:
        found = asdict(registry.knowledge_reader().freshness())
        if not found["commit"]:
            return found, ["Nothing was read yet."]
        return found, ["  ".join(f"{name}={value}" for name, value in found.items())]

    def _faults(self, _options: dict[str, Any]) -> tuple[Any, list[str]]:
        found = registry.knowledge_reader().faults()
        lines = [f"{one.path}:{one.line}: {one.what} {one.mend}" for one in found]
        return [asdict(one) for one in found], lines or ["No document is left out."]

    def _search(self, options: dict[str, Any]) -> tuple[Any, list[str]]:
        query = Query(" ".join(options["words"]), tuple(options["tag"]), options["limit"])
        found = knowledge.ask(query)
        said = {
            **asdict(found),
            "passages": [{**asdict(one), "cited": one.cited} for one in found.passages],
        }
        return said, _lines(found)


def _lines(found: Found) -> list[str]:
    lines = []
    for one in found.passages:
        where = " > ".join([one.title, *one.heading])
        lines += [f"{one.cited}  ({one.found_by})", f"  {where}"]
        lines += [f"  | {line}" for line in one.text.split("\n")]
    if not lines:
        lines = ["Nothing is found."]
    return lines + ([f"Not compared by meaning: {found.why}"] if found.meaning != "used" else [])
