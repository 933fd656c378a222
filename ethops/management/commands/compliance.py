"""Compliance from the command line: collect evidence, see how each safeguard stands, hand it on."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from django.core.management.base import CommandError

from adapters import registry
from adapters.compliance import oscal
from adapters.compliance.canonical import moment
from adapters.compliance.port import WHOLE, Finding, Safeguard
from adapters.compliance.safeguards import CIS
from adapters.errors import AdapterError
from adapters.rows import now
from ethops.desk import evidence
from ethops.management.commands import _compliance_attest
from ethops.management.quiet import QuietCommand
from ethops.world import evidence as compared

WRONG: Final = ("changed", "unrecorded", "missing")
MOST_NAMED: Final = 20
MARKS: Final = {"strong": "strong ", "partial": "partial", "none": "none   "}


class Command(QuietCommand):
    """`manage.py compliance collect|findings|attest|export|verify`."""

    help = "What speaks for the safeguards of the CIS Controls: collected, and judged as it stands."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """One subcommand per thing."""
        parts = parser.add_subparsers(dest="part", required=True)
        collect = parts.add_parser("collect", help="read every source now, and not only each hour")
        findings = parts.add_parser("findings", help="how far each safeguard is carried, and why")
        findings.add_argument("--scopes", action="store_true", help="each CI too")
        attest = parts.add_parser("attest", help="say what was done, with your second factor")
        _compliance_attest.add_arguments(attest)
        export = parts.add_parser("export", help="print OSCAL assessment results, as JSON")
        export.add_argument(
            "--catalog", action="store_true", help="the catalog instead that they refer to"
        )
        verify = parts.add_parser("verify", help="hold what was kept against the ledger")
        for part in (collect, findings, attest, verify):
            part.add_argument("--json", action="store_true", help="print the result as JSON")
        for part in (findings, export):
            part.add_argument(
                "--at", type=_moment, help="as of this time (ISO 8601, UTC where it has no zone)"
            )

    def handle(self, *, part: str, **options: Any) -> None:
        """Do one of them."""
        try:
            done = PARTS[part](options)
        except AdapterError as fault:
            raise CommandError(f"{fault}\n{fault.hint}") from fault
        if part == "export":
            self.stdout.write(json.dumps(done, indent=2, ensure_ascii=False))
        elif options["json"]:
            self.stdout.write(json.dumps(done))
        else:
            self.stdout.write("\n".join(_words(done)))
        if not done.get("agrees", True):
            raise SystemExit(1)


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise ArgumentTypeError(
            f"{text[:40]!r} is no time; write one as 2026-11-28 or 2026-11-28T06:30+01:00"
        ) from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _collect(_: Mapping[str, Any]) -> Mapping[str, Any]:
    done = evidence.collect()
    return {"kept": done.kept, "repeated": done.repeated, "faults": list(done.faults)}


def _findings(options: Mapping[str, Any]) -> Mapping[str, Any]:
    reader = registry.reader("compliance")
    safeguards = {one.id: one for one in reader.safeguards(CIS)}
    found = reader.findings(CIS, at=options["at"])
    shown = [one for one in found if one.scope == WHOLE or options["scopes"]]
    return {"framework": CIS, "findings": [_said(one, safeguards) for one in shown]}


def _export(options: Mapping[str, Any]) -> Mapping[str, Any]:
    reader, at = registry.reader("compliance"), options["at"] or now()
    safeguards = reader.safeguards(CIS)
    if options["catalog"]:
        return oscal.catalog(CIS, safeguards, at)
    found = reader.findings(CIS, at=at)
    named = sorted({key for one in found for key in one.observations})
    return oscal.results(oscal.Assessed(CIS, safeguards, reader.by_ids(named), found, at))


def _verify(_: Mapping[str, Any]) -> Mapping[str, Any]:
    found = compared.compare()
    named = {name: list(getattr(found, name)) for name in WRONG}
    return {"checked": found.checked, "agrees": found.agrees, **named}


PARTS: Final = {
    "collect": _collect,
    "findings": _findings,
    "attest": _compliance_attest.attest,
    "export": _export,
    "verify": _verify,
}


def _said(one: Finding, safeguards: Mapping[str, Safeguard]) -> Mapping[str, Any]:
    return {
        "safeguard": one.safeguard,
        "title": safeguards[one.safeguard].title,
        "mode": safeguards[one.safeguard].mode,
        "scope": one.scope,
        "strength": one.strength,
        "ground": one.ground,
        "known": one.known,
        "collected_at": moment(one.collected_at) if one.collected_at else None,
        "expires_at": moment(one.expires_at) if one.expires_at else None,
        "because": list(one.because),
        "observations": list(one.observations),
    }


def _words(done: Mapping[str, Any]) -> Sequence[str]:
    if "agrees" in done:
        return _agreement(done)
    if "attested" in done:
        kept = f"your word is kept, until {done['until']}."
        said = kept if done["holds"] else "what people have said is taken back."
        return [f"{done['attested']}: {said}"]
    if "findings" not in done:
        faults = [f"  {fault}" for fault in done["faults"]]
        return [f"Kept {done['kept']}, found again {done['repeated']}.", *faults]
    lines: list[str] = []
    for one in done["findings"]:
        place = f" {one['scope']}" if one["scope"] else ""
        known = f", {one['known']}" if one["known"] != "none" else ""
        until = f", until {one['expires_at'][:16]}Z" if one["expires_at"] else ""
        lines.append(
            f"{one['safeguard']:>5}  {MARKS[one['strength']]}  {one['ground']}{known}{until}"
            f"  {one['title']}{place}"
        )
        if one["ground"] != "nothing":
            lines += [f"         {said}" for said in one["because"]]
    return lines


def _agreement(done: Mapping[str, Any]) -> Sequence[str]:
    said = "as the ledger says" if done["agrees"] else "NOT as the ledger says"
    lines = [f"{done['checked']} observations, {said}."]
    for name in WRONG:
        lines += [f"  {name} {one}" for one in done[name][:MOST_NAMED]]
        more = len(done[name]) - MOST_NAMED
        lines += [f"  {name}: {more} more"] if more > 0 else []
    return lines
