"""What stands before a document: its id, what it is, for whom, and what it is about. Pure."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

from pydantic import Field

from adapters.declared import Declaration, Read, checked
from adapters.knowledge.port import Fault
from adapters.yaml_tree import Limits, RefusalError, parse

FENCE: Final = "---"
LONGEST_FENCE: Final = 8
"""With the blanks behind it: the first signs of a document hold its front matter."""
LIMITS: Final = Limits(bytes=16 * 1024, nodes=500)
BEGIN: Final = "Begin with front matter between two lines of `---`, as docs/reference/knowledge.md."

Ref = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{1,99}$")]
Slug = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,59}$")]
Line = Annotated[str, Field(pattern=r"^[^\n]*\S[^\n]*$", max_length=200)]
Safeguard = Annotated[str, Field(pattern=r"^(?:[1-9]|1[0-8])\.[1-9][0-9]?$")]
"""Of CIS Controls v8.1, by number: a list of those that there are is not this room's."""
Function = Annotated[
    str, Field(pattern=r"^(?:GOVERN|MAP|MEASURE|MANAGE) [1-9][0-9]?(?:\.[1-9][0-9]?)?$")
]
CIRef = Annotated[str, Field(pattern=r"^[!-~]{1,64}$")]

Kind = Literal[
    "runbook", "asset-sheet", "postmortem", "architecture", "evidence", "policy", "health-report",
    "model-card", "research-report",
]  # fmt: skip
Status = Literal["draft", "current", "retired"]


class FrontMatter(Declaration):
    """The keys that a document may have; it must have the first four and an owner."""

    id: Ref
    title: Line
    type: Kind
    audience: Literal["agent", "human", "both"]
    owner: Line
    status: Status = "current"
    domains: tuple[Slug, ...] = Field(default=(), max_length=20)
    frameworks: tuple[Slug, ...] = Field(default=(), max_length=20)
    cis: tuple[Safeguard, ...] = Field(default=(), max_length=60)
    ai_rmf: tuple[Function, ...] = Field(default=(), max_length=80)
    ci_refs: tuple[CIRef, ...] = Field(default=(), max_length=200)
    supersedes: tuple[Ref, ...] = Field(default=(), max_length=20)
    author_instance: Line | None = None
    """The incarnation of an agent that wrote it, and the entry that says so."""
    ledger_seq: Annotated[int, Field(ge=1)] | None = None
    reviewed_by: Line | None = None
    reviewed_at: date | None = None
    review_due: date | None = None
    licence: Line | None = None


@dataclass(frozen=True, slots=True)
class Parted:
    """A document's front matter and its body, whose first line is this one of the file."""

    front: FrontMatter
    body: str
    first_line: int
    lines: Read[FrontMatter]

    def line(self, *loc: str | int) -> int:
        """Return the line of the file where a key stands."""
        return self.lines.line(*loc) + 1


def part(path: str, text: str) -> Parted | tuple[Fault, ...]:
    """Part a document, or say what is wrong with what stands before it."""
    lines = text.split("\n")
    if not _is_fence(lines[0]):
        return (Fault(path, 1, "It has no front matter.", BEGIN),)
    end = next((n for n, line in enumerate(lines[1:], 1) if _is_fence(line)), None)
    if end is None:
        return (Fault(path, 1, "Its front matter has no end.", BEGIN),)
    said = "\n".join(lines[1:end])
    if len(said.encode()) > LIMITS.bytes:
        what = f"Its front matter is larger than {LIMITS.bytes} bytes."
        return (Fault(path, 1, what, "Say the rest in the document."),)
    try:
        data, places = parse(said, LIMITS)
    except RefusalError as refusal:
        return (Fault(path, refusal.line + 1, refusal.what, refusal.mend),)
    read = checked(path, data, places, FrontMatter)
    if read.value is None:
        return tuple(Fault(path, one.line + 1, one.what, one.mend) for one in read.faults)
    return Parted(read.value, "\n".join(lines[end + 1 :]), end + 2, read)


def _is_fence(line: str) -> bool:
    return len(line) <= LONGEST_FENCE and line.rstrip() == FENCE


def tags(front: FrontMatter) -> tuple[str, ...]:
    """Return by what a document is found; one for both audiences has the tag of each."""
    audiences = ("agent", "human") if front.audience == "both" else (front.audience,)
    named = (
        ("type", (front.type,)), ("status", (front.status,)), ("audience", audiences),
        ("domain", front.domains), ("framework", front.frameworks), ("cis", front.cis),
        ("ai_rmf", front.ai_rmf), ("ci", front.ci_refs),
    )  # fmt: skip
    return tuple(sorted({f"{kind}:{value}" for kind, values in named for value in values}))
