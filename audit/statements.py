"""Checks what incarnations of runs have signed: the second level of chains. Standard library only.

    python -m audit.statements EXPORT.jsonl

Each incarnation (one worker process taking one step of a run) signs a chain of statements with a
key that is born in `run.incarnation` and ends with a count in `run.incarnation_end`. Who holds the
database and the log's key, but not those keys, cannot change, drop or add what an agent asked.
"""

import json
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from audit.verify import ODD, signed

KINDS = (
    "run.incarnation",
    "run.incarnation_end",
    "action.authorised",
    "action.denied",
    "action.observed",
    "action.proposed",
    "step.asked",
    "step.taken",
)
PERMITS = ("action.authorised", "action.observed", "action.proposed")
ASKED = ("run", "step", "key", "verb", "entry", "target", "asked_digest")
"""What a permit that a person gave has in common with the proposal that was signed."""
CUT = 40
"""What an entry shows of a name it may show shortened, but not below this."""


@dataclass
class Chain:
    """One incarnation: its key, and how far its statements have come."""

    key: str
    count: int = 0
    last: str = "00" * 32
    ended: bool = False
    whole: bool = False
    """Its birth was in this walk, so everything it has signed was, too."""


class Statements:
    """A walk over entries in order; `gaps` says that earlier ones are missing for a known reason.

    `holds` checks an Ed25519 signature: key, statement, signature, the first and last in hex.
    `born` looks before the beginning of the walk: an incarnation's key in hex, or None.
    """

    def __init__(
        self,
        holds: Callable[[str, str, str], bool],
        *,
        gaps: bool = False,
        born: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        self._holds, self._gaps, self._born = holds, gaps, born
        self._chains: dict[str, Chain] = {}
        self._proposed: set[tuple[str, ...]] = set()

    def take(self, kind: str, body: Any) -> Iterator[str]:
        """Take the body of one entry, and yield what is wrong with it."""
        if not isinstance(body, Mapping):
            return
        instance = str(body.get("instance"))
        if kind == "run.incarnation":
            if instance in self._chains:
                yield "this incarnation was born before"
            self._chains[instance] = Chain(str(body.get("instance_key")), whole=True)
        elif kind == "run.incarnation_end":
            yield from self._end(instance, body)
        elif isinstance(body.get("signed"), Mapping):
            yield from self._statement(instance, body, body["signed"])
            if kind == "action.proposed":
                self._proposed.add(_asked(body))
        elif kind == "action.authorised" and str(body.get("approval")).startswith("person:"):
            chain = self._chains.get(instance)
            if chain is not None and chain.whole and _asked(body) not in self._proposed:
                yield "a person has approved what nobody proposed"
        elif kind in PERMITS and body.get("run") and self._chains:
            yield "nobody has signed it"

    def _end(self, instance: str, body: Mapping[str, Any]) -> Iterator[str]:
        chain = self._chains.get(instance)
        if chain is None:
            if not self._gaps and self._born(instance) is None:
                yield "it ends an incarnation that was never born"
            return
        if (body.get("count"), body.get("last")) != (chain.count, chain.last):
            yield f"its incarnation has signed {body.get('count')} statements, not {chain.count}"
        chain.ended = True

    def _statement(
        self, instance: str, body: Mapping[str, Any], sealed: Mapping[str, Any]
    ) -> Iterator[str]:
        key, text = str(sealed.get("key")), str(sealed.get("statement"))
        try:
            said = json.loads(text)
            place = int(said["instance_seq"]), str(said["instance_prev"])
        except (ValueError, *ODD):
            yield "what was signed cannot be read"
            return
        chain = self._chains.get(instance)
        if chain is None:
            known = self._born(instance)
            if known is None and not self._gaps:
                yield "its incarnation was never born"
            chain = self._chains[instance] = Chain(known or key, place[0] - 1, place[1])
        if chain.ended or key != chain.key:
            yield "it is signed by another than its incarnation, or after the end of that"
        if place != (chain.count + 1, chain.last):
            yield f"statement {place[0]} of its incarnation does not follow {chain.count}"
        chain.count, chain.last = place[0], sha256(text.encode()).hexdigest()
        # That somebody signed badly is a fact: the recorder says so, and nobody acts on it.
        if sealed.get("holds") and not self._holds(key, text, str(sealed.get("signature"))):
            yield "its signature is not by the key of its incarnation"
        for name in sorted(said.keys() & body.keys()):
            if not _same(said[name], body[name]):
                yield f"shows {name} {body[name]!r}, but {said[name]!r} was signed"


def _asked(body: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(body.get(name)) for name in ASKED)


def _same(said: object, shown: object) -> bool:
    if said == shown:
        return True
    cut = isinstance(shown, str) and isinstance(said, str) and len(shown) >= CUT
    return bool(cut and str(said).startswith(str(shown)))


def in_stdlib(key: str, statement: str, signature: str) -> bool:
    """Check a signature without any library; five milliseconds each."""
    try:
        return signed(bytes.fromhex(key), statement.encode(), bytes.fromhex(signature))
    except ValueError:
        return False


def main(arguments: list[str]) -> int:
    """Check the statements in an export."""
    if len(arguments) != 1:
        sys.stderr.write(__doc__ or "")
        return 2
    found: list[str] = []
    count = 0
    with open(arguments[0], encoding="utf-8") as lines:  # noqa: PTH123 - no more than is needed
        entries = [said for said in map(json.loads, lines) if "kind" in said]
    walk = Statements(in_stdlib, gaps=any(each["kind"] == "pruned" for each in entries))
    for each in entries:
        if each["kind"] in KINDS:
            body = json.loads(b64decode(each["body"]))["body"]
            count += "signed" in body
            found += [f"#{each['seq']}: {what}" for what in walk.take(each["kind"], body)]
    sys.stdout.write("\n".join([*found, f"{count} statements, {len(found)} findings"]) + "\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
