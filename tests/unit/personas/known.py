"""A step that knows of one service and one bad probe, to vary in tests."""

from datetime import UTC, datetime, timedelta

from adapters.cmdb.port import CI
from adapters.graph.port import Cause, Place, Reach, Trust
from adapters.monitoring.port import Probe
from personas.runtime.around import Around
from personas.runtime.facts import Known

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SHOP = CI(
    ref="shop",
    name="The shop",
    ci_class="service",
    attributes={},
    impact=2,
    urgency=2,
    user_facing=False,
    lifeline=False,
    host="web-1",
    source="test",
    managed_by="site",
)
PROBE = Probe(
    "shop-page", "shop", "http", {}, 10.0, 2, 2, "Down", "critical", "", "firing", "refused",
    NOW, NOW - timedelta(seconds=1),
)  # fmt: skip
KNOWN = Known("I-1", "run", "joined", {"symptom": "refused"}, (), SHOP, NOW, probes=(PROBE,))
TRUST = Trust(confidence=100, seen_at=NOW, stale=False, complete=True, known=True)
AROUND = Around(
    Reach((Place("page", 1, "application"),), TRUST),
    Cause("db", ("bank", "shop"), 2, "service"),
    (), (), TRUST, frozenset({"db", "page"}),
)  # fmt: skip
