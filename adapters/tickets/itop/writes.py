"""One write to a ticket as it is told to iTop, now or later."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias
from uuid import UUID

Kind: TypeAlias = Literal["create", "line", "move", "set", "attach"]


@dataclass(frozen=True, slots=True)
class Write:
    """What is told: a line with its mark, and by the kind of write what goes with it.

    `values` are ours; what they are called in iTop, and which ids names have there, is found when
    the write is carried out.
    """

    key: UUID
    kind: Kind
    comment: str
    visibility: str
    line: str
    stimulus: str = ""
    values: Mapping[str, Any] = field(default_factory=dict)

    def kept(self) -> dict[str, Any]:
        """Return the write as it is stored."""
        return {
            "key": str(self.key),
            "kind": self.kind,
            "comment": self.comment,
            "visibility": self.visibility,
            "line": self.line,
            "stimulus": self.stimulus,
            "values": dict(self.values),
        }


def read(kept: Mapping[str, Any]) -> Write:
    """Return a stored write."""
    return Write(**{**kept, "key": UUID(kept["key"])})
