"""What every kind of effect offers: do it once, and find out whether it was done."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from audit.canonical import JSON
from personas.gate import Claim

Result: TypeAlias = Mapping[str, JSON]
"""What came of an effect; `said` is one plain sentence, `code` names a refusal."""

FindingKind: TypeAlias = Literal["done", "failed", "absent", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What a probe of the world found out about an effect whose outcome nobody reported."""

    kind: FindingKind
    result: Result


class Effect(Protocol):
    """One kind of effect; both methods take the action id as idempotency key."""

    def act(self, claim: Claim) -> Result:
        """Do it and return what came of it.

        Raises:
            FailedError: it certainly did not happen, or is over without success.
            Exception: anything else means that nobody can tell; the lease then runs out.
        """
        ...

    def probe(self, claim: Claim) -> Finding:
        """Find out whether an earlier act happened; must not do it again."""
        ...
