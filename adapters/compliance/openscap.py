"""Results of OpenSCAP in a folder of this host, beside what the embedded compliance keeps.

A file is `CI.xml`, or `CI/ANY.xml` where a CI has several; which CI it is of is said by who may
write there, and not by the file.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from adapters import conf
from adapters.compliance import collectors, embedded, scanned, services, xccdf
from adapters.compliance.canonical import digest
from adapters.compliance.errors import ResultsError
from adapters.compliance.kinds import KINDS, SCAN
from adapters.compliance.port import Capability, Collected, Fact, Observation, Outcome
from adapters.rows import select
from adapters.text import one_line

CAPABILITIES: Final[frozenset[Capability]] = embedded.CAPABILITIES | {"results"}

CANNOT: Final = {"assessments": "No person assesses in a scanner; `ciso_assistant` reads who does."}
"""What this adapter has not."""

CI: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,199}")
MOST_FILES: Final = 2_000
MOST_FAULTS: Final = 20
MOST_NAMED: Final = 5
MET: Final = {"pass": True, "fixed": True, "fail": False}
"""What a rule may come to; everything else says nothing."""
_READ_BEFORE: Final = "SELECT DISTINCT raw_sha256 FROM reading.observation WHERE kind = %s"


class Reader(embedded.Reader):
    """What was read of files stands in the same rows."""

    capabilities = CAPABILITIES


class Writer(embedded.Writer):
    """People's words are kept in the same rows."""


class Results:
    """Reads results of `oscap xccdf eval`, as `--results` or `--results-arf` writes them."""

    def read(self, raw: bytes, *, scope: str) -> tuple[Observation, ...]:
        """Return what a file says: one observation per safeguard that any of its rules is of."""
        found = xccdf.read(raw, scanned.SYSTEM)
        by_safeguard: dict[str, dict[str, bool]] = defaultdict(dict)
        for rule, result in found.run.results.items():
            if result in MET:
                for safeguard in scanned.safeguards(rule, found.idents.get(rule, ())):
                    by_safeguard[safeguard][rule] = MET[result]
        content = digest([found.run.benchmark, found.run.profile, found.run.id])[:12]
        return tuple(
            _observation(safeguard, rules, found.run, scope, f"openscap:{content}", _sha256(raw))
            for safeguard, rules in sorted(by_safeguard.items())
        )


class Collector(embedded.Collector):
    """Keeps what facts say, and what files have come since the last round."""

    def collect(self, facts: Sequence[Fact]) -> Collected:
        """Make observations of facts and of new files, and keep what is news."""
        observations = list(collectors.observe(facts))
        found, faults = laid_down()
        return services.keep([*observations, *found], faults=tuple(faults))


def laid_down() -> tuple[list[Observation], list[str]]:
    """Return what files say that were not read before, and what is wrong with which."""
    known = {row["raw_sha256"] for row in select(_READ_BEFORE, [SCAN])}
    found: list[Observation] = []
    faults: list[str] = []
    try:
        files = list(_files(_folder()))
    except ResultsError as fault:
        return [], [str(fault)]
    for path, scope in files:
        try:
            raw = _bytes(path)
            if _sha256(raw) not in known:
                found += Results().read(raw, scope=scope)
        except ResultsError as fault:
            faults.append(f"{one_line(f'{scope}: {path.name}', 200)}: {fault}")
    return found, faults[:MOST_FAULTS]


def _observation(
    safeguard: str, rules: dict[str, bool], run: xccdf.Run, scope: str, source: str, raw: str
) -> Observation:  # fmt: skip
    missed = sorted(rule for rule, met in rules.items() if not met)
    named = [name for rule in missed if (name := scanned.short(rule))][:MOST_NAMED]
    outcome: Outcome = "unmet" if missed else "met"
    said = f"{len(rules) - len(missed)} of {len(rules)} rules hold"
    said += f"; not {', '.join(named)}." if named else "."
    return Observation(
        SCAN, safeguard, scope, outcome, said, source, run.at, run.at + KINDS[SCAN].lasts, raw
    )


def _folder() -> Path:
    named = conf.options("compliance").get("folder")
    if not named:
        raise ResultsError("The settings name no folder of results: set ETHOPS_SCAP_RESULTS.")
    return Path(named)


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of CIs, and of which; links are not followed out of the folder."""
    if not folder.is_dir():
        raise ResultsError(f"There is no folder {folder}.")
    found = sorted([*folder.glob("*.xml"), *folder.glob("*/*.xml")])
    for path in found[:MOST_FILES]:
        scope = path.stem if path.parent == folder else path.parent.name
        if CI.fullmatch(scope) and path.is_file() and not _linked(path, folder):
            yield path, scope


def _linked(path: Path, folder: Path) -> bool:
    return path.is_symlink() or (path.parent != folder and path.parent.is_symlink())


def _sha256(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(xccdf.LARGEST + 1)
    except OSError as error:
        raise ResultsError(f"It cannot be read: {error.strerror}.") from error
