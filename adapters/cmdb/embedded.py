"""The CMDB mirror in our database: the default behind the CMDB contract."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from adapters.cmdb import joins, services
from adapters.cmdb.errors import CINotFoundError
from adapters.cmdb.port import CI, Applied, Condition, Host, Inventory, Join, JoinRule
from adapters.rows import select

_CI = """
    SELECT ref, name, ci_class, attributes, impact, urgency, user_facing, lifeline, host, source,
           managed_by, retired
    FROM reading.ci WHERE managed AND
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
        rows = select(f"{_HOST} WHERE name = %s AND NOT retired", [name])
        return Host(**rows[0]) if rows else None

    def host_of(self, ref: str) -> Host | None:
        """Return the inventory host a CI runs on."""
        return self.host(self.get(ref).host)

    def join(self, labels: Mapping[str, str]) -> Join:
        """Decide by the declared rules which CI and host an alert's labels mean."""
        return joins.join(labels, _cis("NOT retired ORDER BY ref", []), _rules())


class Writer:
    """Writes the mirror; the owner's role alone has the right to."""

    def apply(self, inventory: Inventory, *, source: str) -> Applied:
        """Make the rows of this source equal to the inventory."""
        return services.apply_inventory(inventory=inventory, source=source)


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
