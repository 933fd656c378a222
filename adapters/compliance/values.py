"""The values of a fact, each as its collector needs it. Pure."""

from adapters.compliance.errors import FactError
from adapters.compliance.port import Fact


def number(fact: Fact, name: str) -> int:
    """Return a count.

    Raises:
        FactError: it is none.
    """
    value = fact.values.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise FactError(f"The fact {fact.name} has no number `{name}`: {value!r}.")
    return value


def text(fact: Fact, name: str) -> str:
    """Return a text.

    Raises:
        FactError: it is none.
    """
    value = fact.values.get(name)
    if not isinstance(value, str):
        raise FactError(f"The fact {fact.name} has no text `{name}`: {value!r}.")
    return value


def flag(fact: Fact, name: str) -> bool:
    """Return whether something is so.

    Raises:
        FactError: nobody says.
    """
    value = fact.values.get(name)
    if not isinstance(value, bool):
        raise FactError(f"The fact {fact.name} does not say whether `{name}`: {value!r}.")
    return value


def texts(fact: Fact, name: str) -> frozenset[str]:
    """Return a list of texts, as a set.

    Raises:
        FactError: it is none.
    """
    value = fact.values.get(name)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise FactError(f"The fact {fact.name} has no list of texts `{name}`: {value!r}.")
    return frozenset(str(one) for one in value)
