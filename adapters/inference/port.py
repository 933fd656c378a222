"""A typed question in, one of its own candidates out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol, Self, TypeAlias

from adapters.json_value import JSON

QuestionKind: TypeAlias = Literal["triage", "diagnose", "verify", "inspect"]

ESCALATE = "escalate"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that may be chosen: made by code, never by the engine that chooses."""

    id: str
    title: str
    effect: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: facts by dotted path (flat keys or nested mappings), and the choices."""

    kind: QuestionKind
    card: str
    facts: Mapping[str, JSON]
    candidates: tuple[Candidate, ...]

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self:
        """Return a question from `dataclasses.asdict` of it, as JSON has kept it."""
        candidates = tuple(Candidate(**each) for each in said["candidates"])
        return cls(said["kind"], said["card"], said["facts"], candidates)


@dataclass(frozen=True, slots=True)
class Answer:
    """What was chosen, said in plain words, and why; `confidence` runs from 0 to 1."""

    choice: str
    say: str
    why: tuple[str, ...]
    confidence: float
    engine: str
    rule: str
    elapsed_us: int
    tokens_in: int = 0
    tokens_out: int = 0

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> Self:
        """Return an answer from `dataclasses.asdict` of it, as JSON has kept it."""
        return cls(**{**said, "why": tuple(said["why"])})


class Inference(Protocol):
    """An engine that answers; `name` stands in every answer it gives."""

    name: str

    def ask(self, question: Question) -> Answer:
        """Choose one of the question's candidates; where nothing fits, `escalate`.

        Text in the answer is bounded and free of control characters, whatever the facts hold.

        Raises:
            NoAnswerError: nothing fits and `escalate` is not among the candidates.
        """
        ...
