"""The numbered cases of the compliance contract: about a CI that no site has, and undone."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from types import ModuleType
from typing import Final, get_args

from django.db import transaction

from adapters import rows
from adapters.compliance.canonical import digest
from adapters.compliance.errors import (
    ExemptionError,
    FactError,
    ResultsError,
    UnknownFrameworkError,
)
from adapters.compliance.kinds import WORDS
from adapters.compliance.port import (
    WHOLE,
    Assessments,
    Capability,
    Collector,
    Exemption,
    Fact,
    Finding,
    Observation,
    Reader,
    Results,
    Writer,
)
from adapters.compliance.safeguards import CIS, COUNTS, IG1
from adapters.conformance import Case, Kit, Options, Seen, cannot, refusal, same

LATER: Final = timedelta(days=36_500)
NOT_COLLECTING: Final = "This login keeps no observations: run the check as the control worker."
NOT_OWNER: Final = "This login says of nothing that it does not apply: run the check as the owner."
TABLES: Final = {
    "collect": ("compliance_observation", NOT_COLLECTING),
    "results": ("compliance_observation", NOT_COLLECTING),
    "assessments": ("compliance_observation", NOT_COLLECTING),
    "exempt": ("compliance_exemption", NOT_OWNER),
}
HOSTILE: Final = (
    b'<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2">&b;</Benchmark>'
)
RESULTS: Final = """<?xml version="1.0" encoding="UTF-8"?>
<Benchmark xmlns="http://checklists.nist.gov/xccdf/1.2" id="xccdf_check_benchmark_one">
  <Rule id="xccdf_check_rule_one"><ident system="urn:ethops:cis-8.1">4.3</ident></Rule>
  <TestResult id="xccdf_check_testresult_one" end-time="{at}">
    <rule-result idref="xccdf_check_rule_one"><result>{result}</result></rule-result>
  </TestResult>
</Benchmark>
"""


@dataclass
class Bench:
    """One adapter, and a CI that only a check has."""

    adapter: ModuleType
    marker: str
    options: Options = field(default_factory=dict)

    @property
    def reader(self) -> Reader:
        """The adapter's reader."""
        made: Reader = self.adapter.Reader()
        return made

    @cached_property
    def cannot(self) -> dict[str, str]:
        """Capability -> why this adapter, or this login, has it not."""
        has = self.adapter.Reader.capabilities
        lacks = dict.fromkeys(get_args(Capability), "The adapter does not name it.")
        barred = {one: why for one, (table, why) in TABLES.items() if not _may_insert(table)}
        return {
            **barred,
            **{one: why for one, why in lacks.items() if one not in has},
            **cannot(self.adapter),
        }

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

    @property
    def scope(self) -> str:
        """The CI that no site has."""
        return self.marker.replace(" ", "-")

    def fact(self, connection: str = "ssh", *, ago: timedelta = timedelta(0)) -> Fact:
        """Return how the host is reached, which speaks for 4.6."""
        at, values = rows.now() - ago, {"connection": connection}
        return Fact("host", self.scope, at, "conformance kit", values, digest(values))

    def take(self, *facts: Fact) -> int:
        """Collect these; returns how many observations of the CI there are then."""
        collector: Collector = self.adapter.Collector()
        collector.collect(facts)
        return len(self.reader.observations(scope=self.scope))

    def exempt(self, reason: str, by: str, *, days: int = 30) -> bool:
        """Say that 4.6 does not apply to the CI."""
        writer: Writer = self.adapter.Writer()
        at = rows.now()
        return writer.exempt(
            Exemption("4.6", self.scope, reason, by, at, at + timedelta(days=days))
        )

    def results(self, raw: bytes) -> tuple[Observation, ...]:
        """Read a file of results."""
        made: Results = self.adapter.Results()
        return made.read(raw, scope=self.scope)

    def assessments(self) -> tuple[Observation, ...]:
        """Read what people have judged elsewhere."""
        made: Assessments = self.adapter.Assessments()
        return made.read()

    def finding(self, *, at: datetime | None = None) -> Finding | None:
        """Return the finding for 4.6 of the CI, as of now."""
        found = [
            one
            for one in self.reader.findings(CIS, at=at)
            if (one.safeguard, one.scope) == ("4.6", self.scope)
        ]
        return found[0] if found else None

    def stands(self, *, at: datetime | None = None) -> tuple[str, str]:
        """Return its strength and ground."""
        found = self.finding(at=at)
        return (found.strength, found.ground) if found else ("none", "nothing")


def _may_insert(table: str) -> bool:
    asked = "SELECT has_table_privilege(%s, 'INSERT') AS may"
    return bool(rows.select(asked, [table])[0]["may"])


def _frameworks(bench: Bench) -> Seen:
    has = bench.reader.frameworks()
    return Seen(CIS in has, ", ".join(has))


def _list(bench: Bench) -> Seen:
    found = bench.reader.safeguards(CIS)
    counts = Counter(one.control for one in found)
    whole = counts == COUNTS and len({one.id for one in found}) == sum(COUNTS.values())
    return Seen(whole, f"{len(found)} safeguards in {len(counts)} controls")


def _unknown(bench: Bench) -> Seen:
    return refusal(lambda: bench.reader.findings(bench.marker), UnknownFrameworkError)


def _every(bench: Bench) -> Seen:
    ids = [one.id for one in bench.reader.safeguards(CIS)]
    whole = [one.safeguard for one in bench.reader.findings(CIS) if one.scope == WHOLE]
    return Seen(whole == ids, f"{len(whole)} findings for everything")


def _no_bare_pass(bench: Bench) -> Seen:
    at = rows.now()
    found = bench.reader.findings(CIS, at=at)
    bare = [
        one
        for one in found
        if not one.because
        or (one.strength != "none") != _dated(one, at)
        or (one.strength != "none" and one.known == "none")
    ]
    return Seen(not bare, f"{len(found)} findings, {len(bare)} bare")


def _dated(one: Finding, at: datetime) -> bool:
    return one.collected_at is not None and one.expires_at is not None and at < one.expires_at


def _stale(bench: Bench) -> Seen:
    found = bench.reader.findings(CIS, at=datetime.now(UTC) + LATER)
    kept = [one.safeguard for one in found if one.strength != "none"]
    return Seen(not kept, f"{len(found)} findings, {len(kept)} still carried")


def _bounded(bench: Bench) -> Seen:
    found = bench.reader.observations(limit=5)
    at = [one.collected_at for one in found]
    return Seen(len(found) <= 5 and at == sorted(at, reverse=True), f"{len(found)} observations")


def _carried(bench: Bench) -> Seen:
    bench.take(bench.fact())
    found = bench.finding()
    carried = found is not None and (found.strength, found.known) == ("partial", "measured")
    return Seen(carried and found is not None and len(found.observations) == 1, str(found))


def _reads_back(bench: Bench) -> Seen:
    fact = bench.fact()
    bench.take(fact)
    found = bench.reader.observations(safeguard="4.6", scope=bench.scope)
    return same(
        [(one.source, one.collected_at, one.raw_sha256) for one in found],
        [(fact.source, fact.at, fact.raw_sha256)],
    )


def _repeated(bench: Bench) -> Seen:
    fact = bench.fact()
    return same((bench.take(fact), bench.take(fact)), (1, 1))


def _against(bench: Bench) -> Seen:
    bench.take(bench.fact("telnet", ago=timedelta(hours=1)))
    before = bench.stands()
    bench.take(bench.fact("ssh"))
    return same((before, bench.stands()), (("none", "contradicted"), ("partial", "evidence")))


def _weakens(bench: Bench) -> Seen:
    bench.take(bench.fact())
    return same(bench.stands(at=datetime.now(UTC) + LATER), ("none", "expired"))


def _future(bench: Bench) -> Seen:
    bench.take(bench.fact(ago=-LATER))
    (one,) = bench.reader.observations(safeguard="4.6", scope=bench.scope)
    return Seen(one.collected_at <= rows.now(), f"collected {one.collected_at.isoformat()}")


def _no_collector(bench: Bench) -> Seen:
    odd = Fact(bench.marker, bench.scope, rows.now(), "conformance kit", {}, digest({}))
    return refusal(lambda: bench.take(bench.fact(), odd), FactError)


def _unexplained(bench: Bench) -> Seen:
    for reason, by, days in (("", "kit", 30), ("no such thing", "", 30), ("never", "kit", 9_999)):
        seen = refusal(partial(bench.exempt, reason, by, days=days), ExemptionError)
        if not seen.held:
            return seen
    return Seen(held=True, said="compliance.exemption, three times")


def _exempt(bench: Bench) -> Seen:
    bench.exempt("there is no such network", "the kit")
    found = bench.finding()
    words = " ".join(found.because) if found else ""
    held = "the kit" in words and "no such network" in words and bench.stands()[1] == "exempt"
    return Seen(held, words)


def _hostile(bench: Bench) -> Seen:
    return refusal(lambda: bench.results(HOSTILE), ResultsError)


def _results(bench: Bench) -> Seen:
    at = rows.now().isoformat(timespec="seconds")
    found = [bench.results(RESULTS.format(at=at, result=one).encode()) for one in ("pass", "fail")]
    said = [(one.safeguard, one.scope, one.outcome) for looks in found for one in looks]
    return same(said, [("4.3", bench.scope, "met"), ("4.3", bench.scope, "unmet")])


def _unanswered(bench: Bench) -> Seen:
    raw = RESULTS.format(at=rows.now().isoformat(timespec="seconds"), result="notchecked")
    return same(bench.results(raw.encode()), ())


def _assessed(bench: Bench) -> Seen:
    found = bench.assessments()
    held = all(one.kind in WORDS and one.safeguard in IG1 for one in found)
    return Seen(held, f"{len(found)} words")


def _attested(bench: Bench) -> Seen:
    collector: Collector = bench.adapter.Collector()
    faults = collector.collect(()).faults
    found = [one for one in bench.reader.findings(CIS) if one.observations]
    words = [one for one in found if _only_words(bench, one)]
    vain = [one.safeguard for one in words if one.known != "attested"]
    return Seen(not (vain or faults), f"{len(words)} by words alone, {len(vain)} not called so")


def _only_words(bench: Bench, one: Finding) -> bool:
    carries = one.ground in {"evidence", "contradicted"}
    return carries and all(seen.kind in WORDS for seen in bench.reader.by_ids(one.observations))


def _readable(bench: Bench) -> Seen:
    collector: Collector = bench.adapter.Collector()
    return same(collector.collect(()).faults, ())


KIT: Final = Kit(
    "compliance",
    (
        Case("It names the frameworks it has lists of", f"{CIS} among them", _frameworks),
        Case("The list of a framework is whole", "56 safeguards in 15 controls", _list),
        Case("An unknown framework is an error", "compliance.unknown_framework", _unknown),
        Case("Every safeguard has a finding for everything", "one each, in order", _every),
        Case("No finding is a bare pass", "what carries has its dates, all say why", _no_bare_pass),
        Case("What is not looked at again carries nothing", "none in a hundred years", _stale),
        Case("Observations are bounded, newest first", "at most 5", _bounded),
        Case("A fact becomes a finding", "partial, measured, by one look", _carried, "collect"),
        Case("An observation says where it is from", "source, time, digest",
             _reads_back, "collect"),
        Case("A repeat keeps nothing", "(1, 1)", _repeated, "collect"),
        Case("What speaks against it counts until a later look", "none, then partial",
             _against, "collect"),
        Case("A finding weakens by itself", "none, expired", _weakens, "collect"),
        Case("A time ahead of ours is ours", "not in the future", _future, "collect"),
        Case("A fact that nothing reads is refused", "compliance.fact", _no_collector, "collect"),
        Case("No exemption without reason, name and end", "compliance.exemption",
             _unexplained, "exempt"),
        Case("An exemption says why, and who says so", "both, and no strength", _exempt, "exempt"),
        Case("Hostile results are refused", "compliance.results", _hostile, "results"),
        Case("Results of a scanner speak for safeguards", "pass: met, fail: unmet",
             _results, "results"),
        Case("What a scanner did not check says nothing", "()", _unanswered, "results"),
        Case("What scanners laid down can be read", "no fault", _readable, "results"),
        Case("What people judge elsewhere can be read", "their words, of our safeguards",
             _assessed, "assessments"),
        Case("What people judge elsewhere is never measured", "attested at most",
             _attested, "assessments"),
    ),
    Bench,
)  # fmt: skip
