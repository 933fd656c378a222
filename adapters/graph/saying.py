"""What each place of a copy is to say, by the CMDB: a digest of each, and all of those that differ.

PostgreSQL digests; of places that are in the copy as they should be, nothing else is read.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

from adapters import rows
from adapters.graph import layers
from adapters.graph.port import Layer

EDGE: Final = (
    *("dependent", "support", "kind", "source", "confidence"),
    *("seen_at", "changed_at", "fresh_until", "gone"),
)
"""What a copied edge says, in this order."""
RESTS: Final = tuple(
    f"{way}_{name}" for way in ("up", "down") for name in ("confidence", "seen_at", "fresh_until")
)
"""What the live edges of a place, either way, say at least.

An answer rests on all edges of the places gone from: so it weighs places, of which there are fewer,
and reads no edge."""

_LEAST: Final = ", ".join(
    f"min({name}) FILTER (WHERE NOT gone) AS {{way}}_{name}"
    for name in ("confidence", "seen_at", "fresh_until")
)
_SAYS: Final = f"""
    WITH ci AS (
        SELECT known.ref::text COLLATE "C" AS ref, max(
            CASE WHEN known.attributes ->> 'layer' = ANY(%s) THEN known.attributes ->> 'layer'
                 ELSE of_class.layer END) AS layer
        FROM reading.ci known
        LEFT JOIN unnest(%s::text[], %s::text[]) AS of_class (ci_class, layer)
               ON of_class.ci_class = known.ci_class
        {{of_cis}} GROUP BY 1
    ), edge AS MATERIALIZED (
        SELECT dependent::text COLLATE "C" AS dependent, support::text COLLATE "C" AS support,
               kind::text COLLATE "C" AS kind, source, confidence, seen_at, changed_at, fresh_until,
               gone
        FROM reading.relation {{of_edges}}
    ), up AS (
        SELECT support AS ref, {_LEAST.format(way="up")} FROM edge GROUP BY support
    ), down AS (
        SELECT dependent AS ref, {_LEAST.format(way="down")},
               count(*) FILTER (WHERE NOT gone) AS stands, count(*) FILTER (WHERE gone) AS stood,
               string_agg(ROW(support, kind, source, confidence,
                              extract(epoch FROM changed_at), gone)::text,
                          '' ORDER BY support, kind) AS lasting,
               string_agg(ROW(support, kind, extract(epoch FROM seen_at),
                              extract(epoch FROM fresh_until))::text,
                          '' ORDER BY support, kind) AS moving {{more}}
        FROM edge GROUP BY dependent
    ), place AS (
        SELECT * FROM ci FULL JOIN up USING (ref) FULL JOIN down USING (ref)
    )
    SELECT ref, coalesce(stands, 0) AS stands, coalesce(stood, 0) AS stood,
           {{digest}} AS digest, {{seen}} AS seen {{all}}
    FROM place {{of_places}}
"""
_SHA: Final = "left(encode(sha256(convert_to(ROW({})::text, 'UTF8')), 'hex'), 32)"
_MOVING: Final = ", ".join(
    f"extract(epoch FROM {name})" for name in RESTS if not name.endswith("confidence")
)
_DIGESTS: Final = {
    "digest": _SHA.format("layer, up_confidence, down_confidence, lasting"),
    "seen": _SHA.format(f"{_MOVING}, moving"),
}
_ALL: Final = _SAYS.format(of_cis="", of_edges="", of_places="", more="", all="", **_DIGESTS)
_SOME: Final = _SAYS.format(
    of_cis="WHERE known.ref = ANY(%s)",
    of_edges="WHERE dependent = ANY(%s) OR support = ANY(%s)",
    of_places="WHERE ref = ANY(%s)",
    more="".join(f", array_agg({name} ORDER BY support, kind) AS all_{name}" for name in EDGE),
    all="".join(f", {name}" for name in ("layer", *RESTS, *(f"all_{name}" for name in EDGE))),
    **_DIGESTS,
)


def digests() -> Mapping[str, Mapping[str, Any]]:
    """Return of every place its digests, and how many edges lead down from it."""
    return {row["ref"]: row for row in rows.select(_ALL, _layers())}


def said(refs: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return all that these places say, with their digests at this moment, and their `edges`."""
    asked = list(refs)
    found = rows.select(_SOME, [*_layers(), asked, asked, asked, asked]) if asked else []
    for row in found:
        columns = [row.pop(f"all_{name}") or () for name in EDGE]
        row["edges"] = [list(edge) for edge in zip(*columns, strict=True)]
    return {row["ref"]: row for row in found}


def _layers() -> list[Any]:
    """Return the names of layers, and each class that CIs have with the layer that it means."""
    classes = [row["ci_class"] for row in rows.select("SELECT DISTINCT ci_class FROM reading.ci")]
    return [list(get_args(Layer)), classes, [layers.layer(name) for name in classes]]
