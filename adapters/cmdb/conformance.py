"""The numbered cases of the CMDB contract: declared under a source of their own, and undone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import ModuleType
from typing import Final

from django.db import transaction

from adapters import rows
from adapters.cmdb.errors import CINotFoundError
from adapters.cmdb.port import CI, Inventory, Reader, Writer
from adapters.conformance import Case, Kit, Options, Seen, cannot, refusal, same

SOURCE: Final = "import:ethops-check"
NEEDS: Final = "declare"
NOT_OWNER: Final = "This login declares no CI: run the check as the owner, as `site load` is."


@dataclass
class Bench:
    """One adapter, with CIs whose refs no site has."""

    adapter: ModuleType
    marker: str
    options: Options = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        """The adapter's reader."""
        made: Reader = self.adapter.Reader()
        return made

    @cached_property
    def may_declare(self) -> bool:
        """Whether this login may write CIs at all."""
        asked = "SELECT has_table_privilege('cmdb_ci', 'INSERT') AS may"
        return bool(rows.select(asked, [])[0]["may"])

    @property
    def cannot(self) -> dict[str, str]:
        """Capability -> why this adapter has it not."""
        return {**({} if self.may_declare else {NEEDS: NOT_OWNER}), **cannot(self.adapter)}

    @contextmanager
    def undone(self) -> Iterator[None]:
        """Let nothing stay."""
        with transaction.atomic():
            try:
                yield
            finally:
                transaction.set_rollback(True)

    def close(self) -> tuple[str, ...]:
        """Nothing is left."""
        return ()

    def ci(self, name: str) -> CI:
        """Return a CI that only a check has."""
        ref = f"{self.marker.replace(' ', '-')}-{name}"
        return CI(
            ref, f"[{self.marker}] {name}", "thing", {"ports": [80, 443]}, 3, 3,
            user_facing=False, lifeline=False, host="", source=SOURCE, managed_by="declaration",
        )  # fmt: skip

    def declare(self, *cis: CI, source: str = SOURCE) -> tuple[str, ...]:
        """Declare these and no others of a source; returns what that changed."""
        writer: Writer = self.adapter.Writer()
        done = writer.apply(Inventory(cis=cis), source=source)
        return (*done.added, *done.changed, *done.retired)


def _unknown(bench: Bench) -> Seen:
    return refusal(lambda: bench.reader.get(bench.ci("absent").ref), CINotFoundError)


def _left_out(bench: Bench) -> Seen:
    return same(bench.reader.by_refs([bench.ci("absent").ref]), ())


def _in_order(bench: Bench) -> Seen:
    refs = [one.ref for one in bench.reader.search("", limit=20)]
    return Seen(len(refs) <= 20 and len(set(refs)) == len(refs), f"{len(refs)} CIs")


def _joins_nothing(bench: Bench) -> Seen:
    found = bench.reader.join({"instance": bench.marker})
    return Seen((found.result, found.ci_ref) == ("none", None) and bool(found.report), str(found))


def _no_host(bench: Bench) -> Seen:
    reader = bench.reader
    return same((reader.host(bench.marker), reader.hosts([bench.marker])), (None, ()))


def _reads_back(bench: Bench) -> Seen:
    one = bench.ci("one")
    bench.declare(one)
    return same(bench.reader.get(one.ref), one)


def _repeated(bench: Bench) -> Seen:
    bench.declare(bench.ci("one"))
    return same(bench.declare(bench.ci("one")), ())


def _changed(bench: Bench) -> Seen:
    one = bench.ci("one")
    bench.declare(one)
    said = bench.declare(replace(one, impact=1))
    return same((said, bench.reader.get(one.ref).impact), ((f"CI {one.ref}",), 1))


def _retired(bench: Bench) -> Seen:
    one, two = bench.ci("one"), bench.ci("two")
    bench.declare(one, two)
    bench.declare(two)
    found = [ci.ref for ci in bench.reader.search(bench.marker)]
    return same((bench.reader.get(one.ref).retired, found), (True, [two.ref]))


def _others(bench: Bench) -> Seen:
    one = bench.ci("one")
    bench.declare(one)
    bench.declare(bench.ci("two"), source=f"{SOURCE}-2")
    return same(f"retired: {bench.reader.get(one.ref).retired}", "retired: False")


def _as_text(bench: Bench) -> Seen:
    bench.declare(bench.ci("one"))
    return same(bench.reader.search(f"{bench.marker}%"), ())


KIT: Final = Kit(
    "cmdb",
    (
        Case("An unknown CI is an error", "cmdb.not_found", _unknown),
        Case("Unknown refs are left out", "()", _left_out),
        Case("A search is bounded, each CI once", "at most 20", _in_order),
        Case("Labels that mean no CI join none", "none, with a report", _joins_nothing),
        Case("An unknown host is none", "(None, ())", _no_host),
        Case("What was declared reads back", "the same CI", _reads_back, NEEDS),
        Case("A repeat changes nothing", "()", _repeated, NEEDS),
        Case("A change is named and there", "the CI, impact 1", _changed, NEEDS),
        Case("What is declared no more is retired", "read by ref, not found", _retired, NEEDS),
        Case("Another source's CIs are left alone", "not retired", _others, NEEDS),
        Case("A search takes text as it stands", "%: nothing", _as_text, NEEDS),
    ),
    Bench,
)
