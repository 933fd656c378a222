"""Faults that can be ordered at run time: once, some times, or until they are cleared."""

import asyncio
from collections import Counter
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal[
    "hang",  # after so many tokens nothing comes any more
    "drip",  # the next line comes byte by byte
    "cut",  # the connection ends without a last line
    "error_line",  # {"error": ...} within the stream, which ends properly
    "garbage",  # a line that is no JSON
    "wrong_json",  # a line that is JSON of another shape
    "wrong_answer",  # a proper stream whose text keeps to no schema
    "busy",  # 503
    "load_failure",  # the runner dies while it loads
    "load_hang",  # the load never ends, whoever leaves
    "half_load",  # while it stands, models lie on the card by half, and are as quick
    "digest_change",  # the name means another model from now on
]
IN_STREAM: Final[tuple[Kind, ...]] = (
    "hang",
    "drip",
    "cut",
    "error_line",
    "garbage",
    "wrong_json",
    "wrong_answer",
)
EVERY = "*"


class Fault(BaseModel):
    """One fault, for one model or for every; `times` 0 is always."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind
    model: Annotated[str, Field(max_length=200)] = EVERY
    times: Annotated[int, Field(ge=0, le=1_000_000)] = 1
    after_tokens: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    seconds: Annotated[float, Field(ge=0, le=60)] = 0.05
    """Real seconds between the bytes of a drip."""


class Faults:
    """The faults that stand, in the order in which they were set."""

    def __init__(self) -> None:
        self.standing: list[Fault] = []
        self.versions: Counter[str] = Counter()
        """How often the digest of a model was changed, by its full name."""
        self._changed = asyncio.Condition()

    async def set(self, fault: Fault) -> None:
        """Add a fault; a change of digest is done at once and stands nowhere."""
        if fault.kind == "digest_change":
            self.versions[fault.model] += 1
            return
        async with self._changed:
            self.standing.append(fault)

    async def clear(self) -> None:
        """Take every fault away; hung loads go on."""
        async with self._changed:
            self.standing.clear()
            self._changed.notify_all()

    def take(self, model: str, *kinds: Kind) -> Fault | None:
        """Return the first fault of these kinds for a model, and use it up by one."""
        for fault in self.standing:
            if fault.kind in kinds and fault.model in {EVERY, model}:
                if fault.times == 1:
                    self.standing.remove(fault)
                elif fault.times:
                    fault.times -= 1
                return fault
        return None

    def stands(self, model: str, kind: Kind) -> bool:
        """Tell whether a fault stands, without using it up."""
        return any(f.kind == kind and f.model in {EVERY, model} for f in self.standing)

    def version(self, model: str) -> int:
        """Return which model a name means now."""
        return self.versions[model] + self.versions[EVERY]

    async def cleared(self) -> None:
        """Wait until the faults are cleared."""
        async with self._changed:
            await self._changed.wait()
