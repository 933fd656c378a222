"""The policies that may be chosen, by name."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from gpu.policy.best import Best
from gpu.policy.strict import Strict
from gpu.policy.view import Policy

POLICIES: Final[Mapping[str, Policy]] = MappingProxyType(
    {policy.name: policy for policy in (Strict(), Best())}
)


class UnknownPolicyError(LookupError):
    """Nobody knows a policy of this name."""


def named(name: str) -> Policy:
    """Return a policy by its name."""
    try:
        return POLICIES[name]
    except KeyError:
        names = ", ".join(sorted(POLICIES))
        raise UnknownPolicyError(f"There is no policy {name!r}: choose one of {names}.") from None
