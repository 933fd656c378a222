"""One host with one service, and the one entry that fits it."""

import json

from adapters.cmdb.port import CI, Host
from personas.catalogue import EntryDocument

HOST = Host("web-1", "ssh", "192.0.2.7", "deploy", 22, "")
SHOP = CI(
    ref="shop",
    name="The shop",
    ci_class="service",
    attributes={"unit": "shop@1.service"},
    impact=2,
    urgency=2,
    user_facing=False,
    lifeline=False,
    host="web-1",
    source="site",
    managed_by="declaration",
)
RESTART = EntryDocument.model_validate_json(json.dumps({
    "title": "Restart", "folder": "a", "playbook": "p.yaml", "risk": "low",
    "owner": "Shop", "review_by": "2030-01-31", "false_run": "some seconds without it",
    "asks": {"nobody": "nobody is on it"},
    "parameters": {"unit": {"from": "unit", "pattern": "[a-z@0-9,:]+[.]service"}},
    "timeout_s": 60, "max_per_ticket": 1, "max_per_hour": 6,
    "applies_to": {"any_attribute": ["unit"]}, "pre_check": "none",
    "verification": {"window_s": 1, "patience_s": 5}, "rollback": {"none": "none"},
    "as_root": [["/usr/bin/systemctl", "restart", "--", "{unit}"]],
}))  # fmt: skip
