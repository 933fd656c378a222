"""What facts about everything say of safeguards: lists, people, documents. Pure."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from adapters.compliance.kinds import WRITTEN
from adapters.compliance.of_hosts import Said
from adapters.compliance.port import Fact
from adapters.compliance.values import number, text

WEEK: Final = timedelta(days=7)


def inventory(fact: Fact) -> Iterator[Said]:
    """`cis` and `hosts` that the CMDB lists."""
    cis, hosts = number(fact, "cis"), number(fact, "hosts")
    yield "inventory.kept", "1.1", cis > 0, f"The CMDB lists {cis} CIs and {hosts} hosts."


def unlisted(fact: Fact) -> Iterator[Said]:
    """Hosts that others saw and the CMDB has not: how many wait, since when, and who looks."""
    waiting, days = number(fact, "waiting"), number(fact, "oldest_days")
    watchers = number(fact, "watchers")
    if not watchers:
        return
    said = f"{watchers} watchers see {waiting} hosts that are no CI"
    yield "inventory.compared", "1.1", not waiting, f"{said}."
    late = days > WEEK.days
    yield "unlisted.followed", "1.2", not late, f"{said}; the first waits {days} days."


def idle(fact: Fact) -> Iterator[Said]:
    """How many `people` can come in to the desk, and how many were away too long: `idle`."""
    people, away = number(fact, "people"), number(fact, "idle")
    if people:
        said = f"{away} of {people} open accounts of ethops were not used for 45 days."
        yield "people.here", "5.3", not away, said


def factors(fact: Fact) -> Iterator[Said]:
    """How many people administer or approve at the desk, and how many have a second factor."""
    people, factor = number(fact, "people"), number(fact, "with_factor")
    if people:
        said = f"{factor} of {people} who administer or approve at ethops have a second factor,"
        told = f"{said} which approvals ask for; logins do not."
        yield "factors.held", "6.5", factor == people, told


def roles(fact: Fact) -> Iterator[Said]:
    """How many people have roles (`people`), and how many of those are not `recorded`."""
    people, unrecorded = number(fact, "people"), number(fact, "unrecorded")
    if people:
        said = f"{people - unrecorded} of {people} people have the roles at ethops"
        yield "roles.recorded", "6.1", not unrecorded, f"{said} that the record says."


def contacts(fact: Fact) -> Iterator[Said]:
    """How many `contacts` there are whom a rule tells of incidents, out of how many `named`."""
    named, there = number(fact, "named"), number(fact, "contacts")
    if named:
        said = f"{there} of {named} contacts that rules of notices tell of incidents are there."
        yield "contacts.kept", "17.2", there == named, said


def providers(fact: Fact) -> Iterator[Said]:
    """How many CIs are providers (`rows`), and of how many somebody here is the `owned`."""
    rows, owned = number(fact, "rows"), number(fact, "owned")
    if rows:
        said = f"{owned} of {rows} providers in the CMDB say who here answers for them."
        yield "providers.kept", "15.1", owned == rows, said


def document(fact: Fact) -> Iterator[Said]:
    """How many documents there are for a `safeguard` (`current`), and how many are `overdue`."""
    safeguard = text(fact, "safeguard")
    current, overdue = number(fact, "current"), number(fact, "overdue")
    if safeguard in WRITTEN and current + overdue:
        said = f"{current} documents that were merged speak for it; of {overdue} more"
        yield "documents.kept", safeguard, current > 0, f"{said} the review is overdue."
