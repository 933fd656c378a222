"""`cmdb proposals`: what was seen and is no CI, as it stands or after a look right now."""

import json
from argparse import ArgumentParser
from collections.abc import Mapping
from typing import Any

from django.core.management.base import OutputWrapper

from adapters.cmdb import proposing
from adapters.cmdb.models import PROPOSED, Proposal
from ethops.desk import discovery


def options(parser: ArgumentParser) -> None:
    """Declare what may be said with it."""
    parser.add_argument(
        "--look", action="store_true", help="look now, and not only every 5 minutes"
    )
    parser.add_argument("--state", choices=PROPOSED, default="proposed", help="default: proposed")
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def run(out: OutputWrapper, said: Mapping[str, Any]) -> None:
    """List them."""
    if said["look"]:
        found = discovery.look()
        if not said["json"]:
            out.write(
                f"Looked: {found.proposed} kept, {found.withdrawn} withdrawn,"
                f" {found.left_out} left out, {found.unfit} without a fit name."
            )
    rows = list(proposing.of_state(said["state"]))
    if said["json"]:
        out.write(json.dumps([_said(one) for one in rows], default=str))
        return
    for one in rows:
        out.write(
            f"{one.pk}  {one.key}  {one.times} x by {one.source}, last {one.last_seen_at:%F %T}"
        )
    if not rows:
        out.write("Nothing.")


def _said(one: Proposal) -> dict[str, Any]:
    names = (
        *("id", "key", "kind", "name", "about", "ref", "said", "source", "seen", "times"),
        *("first_seen_at", "last_seen_at", "state", "decided_by", "decided_at", "why"),
    )
    return {name: getattr(one, name) for name in names}
