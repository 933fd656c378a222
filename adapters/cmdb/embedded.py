"""The CMDB mirror in our database: the default behind the CMDB contract."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from adapters.cmdb import joins, relations, services
from adapters.cmdb.errors import CINotFoundError
from adapters.cmdb.port import CI, Applied, Condition, Host, Inventory, Join, JoinRule
from adapters.rows import select

_CI = """
    SELECT ref, name, ci_class, attributes, impact, urgency, user_facing, lifeline, host, source,
           managed_by, retired
    FROM reading.ci WHERE managed AND
"""
_CALLED = """
    NOT retired AND (ref = ANY(%s) OR name = ANY(%s) OR attributes ->> 'hostname' = ANY(%s))
    ORDER BY ref
"""
_FIELDS: Final[Mapping[str, str]] = {
    "ref": "ref = %s", "name": "name = %s", "ci_class": "ci_class = %s", "host": "host = %s",
}  # fmt: skip
# More than a rule lets through, never less: a rule tells 1 from true.
_IN_ATTRIBUTE = """
    lower(%s) = ANY(
        CASE jsonb_typeof(attributes -> %s)
        WHEN 'array' THEN ARRAY(SELECT lower(jsonb_array_elements_text(attributes -> %s)))
        ELSE ARRAY[lower(attributes ->> %s)] END)
"""
_HOST = 'SELECT name, connection, address, "user", port, python, retired FROM reading.host'


class Reader:
    """Reads the views of schema `reading`, which every role may."""

    def get(self, ref: str) -> CI:
        """Return the CI, retired or not."""
        found = _cis("ref = %s", [ref])
        if not found:
            raise CINotFoundError(f"No CI {ref!r}.")
        return found[0]

    def by_refs(self, refs: Sequence[str]) -> tuple[CI, ...]:
        """Return the CIs with these refs in ref order."""
        return _cis("ref = ANY(%s) AND NOT retired ORDER BY ref", [list(refs)])

    def search(self, text: str, *, limit: int = 50) -> tuple[CI, ...]:
        """Return CIs whose ref, name or class contains the text."""
        return _cis(
            "NOT retired AND position(lower(%s) IN lower(ref || ' ' || name || ' ' ||"
            " ci_class)) > 0 ORDER BY ref LIMIT %s",
            [text, limit],
        )

    def host(self, name: str) -> Host | None:
        """Return the inventory host of this name."""
        found = self.hosts([name])
        return found[0] if found else None

    def hosts(self, names: Sequence[str]) -> tuple[Host, ...]:
        """Return the inventory hosts of these names, by name."""
        asked = f"{_HOST} WHERE name = ANY(%s) AND NOT retired ORDER BY name"
        return tuple(Host(**row) for row in select(asked, [list(names)]))

    def host_of(self, ref: str) -> Host | None:
        """Return the inventory host a CI runs on."""
        return self.host(self.get(ref).host)

    def hosts_named(self, names: Sequence[str]) -> Mapping[str, str]:
        """Return which CI is the host of which name."""
        asked = list(names)
        found = relations.hosts(_cis(_CALLED, [asked, asked, asked]))
        return {name: found[name] for name in asked if name in found}

    def join(self, labels: Mapping[str, str]) -> Join:
        """Decide by the declared rules which CI and host an alert's labels mean."""
        rules = _rules()
        return joins.join(labels, _candidates(labels, rules), rules)


class Writer:
    """Writes the mirror; the owner's role alone has the right to."""

    def apply(self, inventory: Inventory, *, source: str) -> Applied:
        """Make the rows of this source equal to the inventory."""
        return services.apply_inventory(inventory=inventory, source=source)


def _candidates(labels: Mapping[str, str], rules: Sequence[JoinRule]) -> tuple[CI, ...]:
    """Return the CIs for which some rule's first condition may hold; the rules decide."""
    first = [rule.conditions[0] for rule in rules if rule.conditions]
    asked = [(one, labels[one.label]) for one in first if labels.get(one.label)]
    if not asked:
        return ()
    tests = [_IN_ATTRIBUTE if one.attribute else _FIELDS[one.field] for one, _ in asked]
    params: list[object] = []
    for one, value in asked:
        params += [value, one.field, one.field, one.field] if one.attribute else [value]
    return _cis(f"NOT retired AND ({' OR '.join(tests)}) ORDER BY ref", params)


def _cis(where: str, params: list[object]) -> tuple[CI, ...]:
    return tuple(_ci(row) for row in select(f"{_CI} {where}", params))


def _ci(row: dict[str, Any]) -> CI:
    return CI(**row | {"attributes": json.loads(row["attributes"])})


def _rules() -> tuple[JoinRule, ...]:
    rows = select("SELECT name, conditions FROM reading.join_rule ORDER BY ordinal, name")
    return tuple(
        JoinRule(row["name"], tuple(Condition(**item) for item in json.loads(row["conditions"])))
        for row in rows
    )
