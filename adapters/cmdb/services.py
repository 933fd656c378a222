"""The one verb that writes the mirror: make a source's rows equal to what it declares."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, fields
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Manager
from django.db.models.functions import Now

from adapters.cmdb import claims, models, relations
from adapters.cmdb.port import CI, Applied, Host, Inventory
from adapters.json_value import JSON
from adapters.rows import select

HOST: Final = tuple(field.name for field in fields(Host))
MIRRORED: Final = frozenset({"itop"})
"""Sources whose relations are kept by doors of their own."""


def apply_inventory(*, inventory: Inventory, source: str) -> Applied:
    """Write hosts, CIs and join rules; retire what this source no longer declares.

    Rows are never deleted, since tickets and the ledger refer to them by ref; rules are, since
    nothing refers to a rule.
    """
    with transaction.atomic():
        one_at_a_time()
        hosts = _Changes("host", models.Host.objects, source)
        for host in inventory.hosts:
            hosts.put(host.name, asdict(host))
        cis = say(source, claims.said(inventory.cis))
        hosts.retire_others(host.name for host in inventory.hosts)
        rewritten = _write_rules(inventory, source)
        _write_relations(source)
    return Applied(
        added=(*hosts.added, *cis["added"]),
        changed=(*hosts.changed, *cis["changed"], *rewritten),
        retired=(*hosts.retired, *cis["retired"]),
    )


def one_at_a_time() -> None:
    """Let whoever writes CIs go one after the other, until the caller's transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE cmdb_ci IN SHARE ROW EXCLUSIVE MODE")


def say(source: str, said: Iterable[Mapping[str, JSON]]) -> dict[str, list[str]]:
    """Make what a source says of CIs exactly this; returns which were added, changed, retired."""
    rows = select("SELECT ci, what FROM cmdb.say(%s, %s::jsonb, NULL)", [source, _text(said)])
    found: dict[str, list[str]] = {"added": [], "changed": [], "retired": []}
    for row in rows:
        found[row["what"]].append(f"CI {row['ci']}")
    return found


def _text(said: Iterable[Mapping[str, JSON]]) -> str:
    return json.dumps(list(said))


def hosts_of(source: str) -> tuple[Host, ...]:
    """Return the hosts that a source declares by now."""
    rows = models.Host.objects.filter(source=source, retired=False).order_by("name")
    return tuple(Host(**{name: getattr(row, name) for name in HOST}) for row in rows)


def words_of(source: str) -> dict[str, dict[str, JSON]]:
    """Return what a source says by now of which CI."""
    found: dict[str, dict[str, JSON]] = {}
    for claim in models.Claim.objects.filter(source=source):
        found.setdefault(claim.ref, {})[claim.field] = claim.value
    return found


def hosts_elsewhere(source: str) -> dict[str, str]:
    """Return which hosts other sources declare: name to source."""
    hosts = models.Host.objects.exclude(source=source).filter(retired=False)
    return dict(hosts.values_list("name", "source"))


class _Changes:
    """Puts the rows of one kind, and collects what happened to which."""

    def __init__(self, kind: str, manager: Manager[Any], source: str) -> None:
        self._kind, self._manager, self._source = kind, manager, source
        self.added: list[str] = []
        self.changed: list[str] = []
        self.retired: list[str] = []

    def put(self, ref: str, declared: dict[str, Any]) -> None:
        values = declared | {"source": self._source, "retired": False}
        row = self._manager.filter(pk=ref).first()
        if row is None:
            self._manager.create(**values)
            self.added.append(f"{self._kind} {ref}")
        elif any(getattr(row, name) != value for name, value in values.items()):
            self._manager.filter(pk=ref).update(**values)
            self.changed.append(f"{self._kind} {ref}")

    def retire_others(self, declared: Iterable[str]) -> None:
        live = self._manager.filter(source=self._source, retired=False)
        gone = sorted(live.exclude(pk__in=list(declared)).values_list("pk", flat=True))
        self._manager.filter(pk__in=gone).update(retired=True)
        self.retired += [f"{self._kind} {ref}" for ref in gone]


def _write_rules(inventory: Inventory, source: str) -> list[str]:
    """Replace the source's rules whole where they differ."""
    rules = models.JoinRule.objects.filter(source=source)
    wanted = [
        (rule.name, number, [asdict(condition) for condition in rule.conditions])
        for number, rule in enumerate(inventory.rules)
    ]
    if list(rules.order_by("ordinal").values_list("name", "ordinal", "conditions")) == wanted:
        return []
    rules.delete()
    models.JoinRule.objects.bulk_create(
        models.JoinRule(name=name, ordinal=ordinal, conditions=conditions, source=source)
        for name, ordinal, conditions in wanted
    )
    return ["join rules"]


def _write_relations(source: str) -> None:
    """Say again what every live CI stands on: a CI of one source may name one of another."""
    live = [_ci(row) for row in models.CI.objects.filter(retired=False)]
    sources = {ci.ref: ci.source for ci in live}
    said = {tuple(relation): sources[relation.dependent] for relation in relations.of(live)}
    rows = {(row.dependent, row.support, row.kind): row for row in models.Relation.objects.all()}
    models.Relation.objects.bulk_create(
        models.Relation(dependent=key[0], support=key[1], kind=key[2], source=by)
        for key, by in said.items()
        if key not in rows
    )
    back = [row.pk for key, row in rows.items() if row.gone and key in said]
    went = [
        row.pk
        for key, row in rows.items()
        if row.source not in MIRRORED and not row.gone and key not in said
    ]
    models.Relation.objects.filter(pk__in=back).update(gone=False, changed_at=Now())
    models.Relation.objects.filter(pk__in=went).update(gone=True, changed_at=Now())
    for by in set(said.values()):
        moved = [row.pk for key, row in rows.items() if said.get(key) == by != row.source]
        models.Relation.objects.filter(pk__in=moved).update(source=by, by_class="")
    models.Relation.objects.filter(source=source, gone=False).update(seen_at=Now())
    # What other systems say of the same places: which of them a CI is may have changed.
    select("SELECT cmdb.match_again()")


def _ci(row: models.CI) -> CI:
    """Return the row as the port's value, as far as relations need it."""
    return CI(
        ref=row.ref,
        name=row.name,
        ci_class=row.ci_class,
        attributes=row.attributes,
        impact=row.impact,
        urgency=row.urgency,
        user_facing=row.user_facing,
        lifeline=row.lifeline,
        host=row.inventory_host_id or "",
        source=row.source,
        managed_by=row.managed_by,
    )
