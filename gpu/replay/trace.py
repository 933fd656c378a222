"""A trace: the jobs of some hours, one JSON line each, read back with every fault named."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gpu.tiers import Tier


@dataclass(frozen=True, slots=True)
class TraceJob:
    """A job that arrives at `at`, or `think` seconds after job `after` has finished."""

    id: int
    at: float | None
    after: int | None
    think: float
    tier: Tier
    slot: str
    embeds: bool
    tokens_in: int
    tokens_out: int
    more: bool
    run: str
    """The first job of its chain: the agent's run."""


class BadTraceError(ValueError):
    """The file is no trace; one line for each fault, each with its place and the mend."""


class _Line(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: int = Field(ge=0)
    t: Annotated[float | None, Field(ge=0)] = None
    after: int | None = None
    think: Annotated[float | None, Field(ge=0)] = None
    tier: Literal["ops", "embedding", "research"]
    model: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,19}$")
    kind: Literal["generate", "embed"]
    tokens_in: int = Field(ge=0)
    tokens_out: int = Field(ge=0)
    more: bool = False

    @model_validator(mode="after")
    def _arrives_once(self) -> "_Line":
        if (self.t is None) == (self.after is None):
            raise ValueError("say either t, or after and think")
        if (self.after is None) != (self.think is None):
            raise ValueError("after and think go together")
        return self


def read(path: Path) -> list[TraceJob]:
    """Read a trace file; BadTraceError names every fault with file and line."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadTraceError(f"{path}: cannot be read ({error}). Name a JSONL file.") from None
    return parse(text.splitlines(), path.name)


def parse(lines: Iterable[str], name: str) -> list[TraceJob]:
    """Return the jobs of the lines of a file called `name`."""
    faults: list[str] = []
    found: dict[int, _Line] = {}
    places: dict[int, int] = {}
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        line = _line(text, f"{name}:{number}", faults)
        if line is None:
            continue
        if line.id in found:
            faults.append(
                f"{name}:{number}: job {line.id} is also in line {places[line.id]}."
                " Give each job its own id."
            )
        found[line.id], places[line.id] = line, number
    roots = _roots(found, places, name, faults)
    if not found and not faults:
        faults.append(f"{name}: there is no job in it. Write one JSON object a line.")
    if faults:
        raise BadTraceError("\n".join(faults))
    return [_job(line, roots[line.id]) for line in found.values()]


def _line(text: str, place: str, faults: list[str]) -> _Line | None:
    try:
        said: Any = json.loads(text)
        return _Line.model_validate(said)
    except json.JSONDecodeError as error:
        faults.append(f"{place}: is no JSON ({error.msg}). Write one JSON object a line.")
    except ValidationError as error:
        for fault in error.errors():
            where = ".".join(str(part) for part in fault["loc"]) or "the job"
            faults.append(f"{place}: {where}: {fault['msg']}. Mend the line.")
    return None


def _roots(
    found: Mapping[int, _Line], places: Mapping[int, int], name: str, faults: list[str]
) -> dict[int, int]:
    """Return the first job of each chain; one that ends nowhere or in itself is a fault."""
    roots: dict[int, int] = {}
    for start in found:
        trail: list[int] = []
        at = start
        while at not in roots:
            trail.append(at)
            before = found[at].after
            if before is None:
                roots[at] = at
            elif before not in found or before in trail:
                what = "which is not in the trace" if before not in found else "in a circle"
                faults.append(
                    f"{name}:{places[at]}: job {at} comes after job {before}, {what}."
                    " Name a job that ends before it."
                )
                roots[at] = at
            else:
                at = before
        roots.update(dict.fromkeys(trail, roots[at]))
    return roots


def _job(line: _Line, root: int) -> TraceJob:
    return TraceJob(
        id=line.id,
        at=line.t,
        after=line.after,
        think=line.think or 0.0,
        tier=Tier(line.tier),
        slot=line.model,
        embeds=line.kind == "embed",
        tokens_in=line.tokens_in,
        tokens_out=line.tokens_out,
        more=line.more,
        run=str(root),
    )


def write(path: Path, jobs: Sequence[TraceJob]) -> None:
    """Write a trace that `read` reads."""
    path.write_text("".join(f"{json.dumps(_said(job))}\n" for job in jobs), encoding="utf-8")


def _said(job: TraceJob) -> dict[str, object]:
    when: dict[str, object] = (
        {"t": job.at} if job.after is None else {"after": job.after, "think": job.think}
    )
    said: dict[str, object] = {
        "id": job.id,
        **when,
        "tier": job.tier.value,
        "model": job.slot,
        "kind": "embed" if job.embeds else "generate",
        "tokens_in": job.tokens_in,
        "tokens_out": job.tokens_out,
    }
    return said | {"more": True} if job.more else said
