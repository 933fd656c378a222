"""The other side of the ledger: what hosts saw of our keys is joined to what was permitted.

Uses are read before permits: a permit is claimed before its play begins, so that whatever is seen
has its permit in the database already.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, ParamSpec

from django.db import DatabaseError, transaction
from django.utils import timezone

from adapters import registry
from adapters.cmdb.errors import CmdbError
from adapters.cmdb.port import Host
from adapters.errors import AdapterError
from adapters.telemetry.port import Observer, Use
from audit.canonical import JSON
from audit.ledger import pending
from ethops.desk import dispatch
from ethops.desk.housekeeping import begin_occasion
from ethops.desk.key_use import (
    MISMATCHES,
    NEAR,
    Finding,
    Permit,
    World,
    judge_end,
    judge_permit,
    judge_use,
)
from ethops.desk.models import KeyUse
from personas import permits

log = logging.getLogger(__name__)

INTERVAL_SECONDS: Final = 30
LOOK_BACK: Final = timedelta(days=7)
"""So long a permit waits for the observer of its host to come so far."""
MAY_GO_ON: Final = 800
"""Characters of a sudo line after which the rest may come in a line of its own."""
GOES_ON_WITHIN: Final = timedelta(seconds=10)


def sweep() -> None:
    """Collect and join, once per half minute whoever asks."""
    if not begin_occasion("join the use of keys", INTERVAL_SECONDS):
        return
    registry.collector().collect()
    join_all()


def join_all() -> int:
    """Join everything that can be told now; returns how many mismatches are new."""
    found = 0
    tried: set[int] = set()
    while uses := [use for use in _ready() if use.id not in tried]:
        tried.update(use.id for use in uses)
        found += _join(uses, _world(uses))
    return found + _join_permits(_world(()))


def _ready() -> list[Use]:
    """Return uses that can be joined; a sudo line that may go on waits for a moment."""
    before = timezone.now() - GOES_ON_WITHIN
    return [
        use
        for use in registry.collector().unjoined()
        if len(use.line) < MAY_GO_ON or use.kind != "elevation" or use.seen_at < before
    ]


def _join(uses: Sequence[Use], world: World) -> int:
    """Judge uses and their ends; a use counts as joined in the transaction that says how."""
    said = [(use, judge_use(use, world), judge_end(use, world)) for use in uses]
    wrong = [one for one in said if one[1].is_mismatch or one[2] is not None]
    plain = [(use, finding) for use, finding, end in said if not finding.is_mismatch and not end]
    with transaction.atomic():
        rows = (_row(f"use:{use.id}", finding, use.host, use.at, {}) for use, finding in plain)
        KeyUse.objects.bulk_create(rows, ignore_conflicts=True)
        registry.collector().joined([use for use, _ in plain])
    return sum(_unhindered(_join_wrong, use, finding, end) for use, finding, end in wrong)


P = ParamSpec("P")


def _unhindered(act: Callable[P, int], *args: P.args, **kwargs: P.kwargs) -> int:
    """Let one that cannot be told now wait for the next round, and not hold up the others."""
    try:
        with transaction.atomic():
            return act(*args, **kwargs)
    except (AdapterError, DatabaseError):
        log.exception("a mismatch could not be given to a person, and is tried again")
        return 0


def _join_wrong(use: Use, finding: Finding, end: Finding | None) -> int:
    new = _keep(f"use:{use.id}", finding, use.host, use.at, _evidence(use))
    if end is not None:
        new += _keep(f"end:{use.id}", end, use.host, use.at, _evidence(use))
    registry.collector().joined([use])
    return new


def _join_permits(world: World) -> int:
    """Judge the permits that have ended and were not judged before."""
    over = [
        permit
        for host in world.permits.values()
        for permit in host
        if permit.shows and permit.end is not None
    ]
    subjects = {f"permit:{permit.id}": permit for permit in over}
    known = KeyUse.objects.filter(subject__in=subjects).values_list("subject", flat=True)
    waiting = {name: permit for name, permit in subjects.items() if name not in set(known)}
    if not waiting:
        return 0
    logins = _logins(min(permit.begin for permit in waiting.values()) - LOOK_BACK)
    new = 0
    for subject, permit in waiting.items():
        finding = judge_permit(permit, logins[permit.host], world)
        if finding is not None and permit.end is not None:
            evidence = {"claimed_at": permit.begin.isoformat(), "account": permit.account}
            new += _unhindered(_keep, subject, finding, permit.host, permit.end, evidence)
    return new


def _logins(since: datetime) -> Mapping[str, list[Use]]:
    by_host: dict[str, list[Use]] = defaultdict(list)
    for login in registry.reader("telemetry").logins(since):
        by_host[login.host].append(login)
    return by_host


# ---------------------------------------------------------------- what is looked at
def _world(uses: Sequence[Use]) -> World:
    reader = registry.reader("telemetry")
    now = timezone.now()
    since = min([now - LOOK_BACK, *(use.at - 2 * NEAR for use in uses)])
    by_host: dict[str, list[Permit]] = defaultdict(list)
    hosts: dict[str, Host | None] = {}
    for used in permits.used_since(since, now=now):
        permit = _permit(used, hosts)
        by_host[permit.host].append(permit)
    observers: dict[str, Observer] = {one.host: one for one in reader.observers()}
    return World(keys=reader.keys(), observers=observers, permits=by_host)


def _permit(used: permits.Used, hosts: dict[str, Host | None]) -> Permit:
    name = used.host or _host_of(used.target)
    if name not in hosts:
        hosts[name] = registry.reader("cmdb").host(name)
    host = hosts[name]
    return Permit(
        id=used.id,
        ticket_ref=used.ticket_ref,
        ci=used.target,
        host=name,
        account=host.user if host else "",
        begin=used.claimed_at,
        end=used.ended_at,
        # Where nobody knows any more how a host was reached, a login may have been the play's.
        is_remote=host is None or host.connection == "ssh",
        shows=used.is_done and host is not None and host.connection == "ssh",
        commands=used.sudo,
    )


def _host_of(ci_ref: str) -> str:
    try:
        host = registry.reader("cmdb").host_of(ci_ref)
    except CmdbError:
        return ""
    return host.name if host else ""


# ---------------------------------------------------------------- what is said
def _keep(
    subject: str, finding: Finding, host: str, at: datetime, evidence: Mapping[str, JSON]
) -> int:
    """Write down what was found, once; a mismatch goes to a person and into the ledger as well."""
    if KeyUse.objects.filter(subject=subject).exists():
        return 0
    body = _body(finding, host, at, evidence)
    ref = _tell(subject, finding, host, body) if finding.is_mismatch else ""
    row = _row(subject, finding, host, at, body)
    row.ticket_ref = ref
    row.save(force_insert=True)
    if finding.is_mismatch:
        pending.note(kind="event.key_use", subject=subject, body=body, ticket_ref=ref)
    return int(finding.is_mismatch)


def _row(
    subject: str, finding: Finding, host: str, at: datetime, evidence: Mapping[str, JSON]
) -> KeyUse:
    return KeyUse(
        subject=subject,
        verdict=finding.verdict,
        faults=list(finding.faults),
        host=host,
        happened_at=at,
        permit=finding.permit.id if finding.permit else None,
        evidence=evidence,
    )


def _tell(subject: str, finding: Finding, host: str, body: Mapping[str, JSON]) -> str:
    kind = finding.faults[0]
    lines = [f"{MISMATCHES[fault].capitalize()}." for fault in finding.faults]
    return dispatch.open_for_person(
        occasion=f"key_use:{subject}",
        cause=f"key_use:{host}:{kind}",
        title=f"Ethops's keys on {host}: {MISMATCHES[kind]}",
        description="\n".join([*lines, "", *(f"{name}: {body[name]}" for name in sorted(body))]),
        facts={"subject": subject, "mismatch": kind},
    )


def _body(
    finding: Finding, host: str, at: datetime, evidence: Mapping[str, JSON]
) -> dict[str, JSON]:
    body: dict[str, JSON] = {
        **evidence,
        "verdict": finding.verdict,
        "faults": list(finding.faults),
        "host": host,
        "at": at.isoformat(),
    }
    if finding.permit is not None:
        body["permit"] = str(finding.permit.id)
        body["cis"] = [finding.permit.ci]
    return body


def _evidence(use: Use) -> dict[str, JSON]:
    said: dict[str, JSON] = {
        "kind": use.kind,
        "account": use.account,
        "granted": use.granted,
        "fingerprint": use.fingerprint,
        "authority": use.authority,
        "address": use.address,
        "run_as": use.run_as,
        "command": use.command[:1000],
        "line": use.line[:1000],
        "seen_at": use.seen_at.isoformat(),
        "ended_at": use.ended_at.isoformat() if use.ended_at else "",
    }
    return {name: value for name, value in said.items() if value != ""}
