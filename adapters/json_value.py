"""The type of a value that came from, or goes to, JSON."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

# Within quotes, since a name joins a union at run time only with types, not with itself.
JSON: TypeAlias = "bool | int | float | str | Sequence[JSON] | Mapping[str, JSON] | None"
