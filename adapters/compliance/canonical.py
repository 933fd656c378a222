"""One text for one value, so that equal things have equal digests and exports. Pure."""

import hashlib
import json
from datetime import UTC, datetime

from adapters.compliance.port import Observation
from adapters.json_value import JSON


def text(value: JSON) -> str:
    """Return a value as JSON with sorted keys and nothing between."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(value: JSON) -> str:
    """Return the SHA-256 of a value's text."""
    # A lone surrogate has no bytes of its own, and must not stop who counts what hosts wrote.
    return hashlib.sha256(text(value).encode("utf-8", "surrogatepass")).hexdigest()


def moment(at: datetime) -> str:
    """Return a time as UTC, whatever zone it came in."""
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def identity(one: Observation) -> str:
    """Return the id of an observation: the digest of all that it says."""
    return digest(
        [
            *(one.kind, one.safeguard, one.scope, one.outcome, one.said, one.source),
            *(moment(one.collected_at), moment(one.expires_at), one.raw_sha256),
        ]
    )
