"""The one verb that writes the mirror: make a source's rows equal to what it declares."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.db import transaction
from django.db.models import Manager

from adapters.cmdb import models
from adapters.cmdb.port import Applied, Inventory


def apply_inventory(*, inventory: Inventory, source: str) -> Applied:
    """Write hosts, CIs and join rules; retire what this source no longer declares.

    Rows are never deleted, since tickets and the ledger refer to them by ref; rules are, since
    nothing refers to a rule.
    """
    with transaction.atomic():
        hosts = _Changes("host", models.Host.objects, source)
        for host in inventory.hosts:
            hosts.put(host.name, asdict(host))
        cis = _Changes("CI", models.CI.objects, source)
        for ci in inventory.cis:
            values = asdict(ci)
            values["inventory_host_id"] = values.pop("host") or None
            cis.put(ci.ref, values)
        cis.retire_others(ci.ref for ci in inventory.cis)
        hosts.retire_others(host.name for host in inventory.hosts)
        rewritten = _write_rules(inventory, source)
    return Applied(
        added=(*hosts.added, *cis.added),
        changed=(*hosts.changed, *cis.changed, *rewritten),
        retired=(*hosts.retired, *cis.retired),
    )


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
