"""Hands the knowledge base its model: the site's slot for vectors, asked through the queue."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from adapters.knowledge import conf
from adapters.knowledge.errors import EmbedderAwayError
from adapters.knowledge.port import Embedder
from gpu.embedding import Asker, Asking, Vector, slot_of
from gpu.errors import GpuError
from gpu.models import Slot

PASSAGES: Final = Asker("system:passages", 4, seconds=20.0, lasts_s=3600.0, comes_again=True)
"""Few at once, so that a question is behind little; the schedule comes again each minute."""
QUESTIONS: Final = Asker("system:questions", 16, seconds=3.0, lasts_s=60.0, comes_again=False)
"""Whoever asks waits so long for the card; then words alone answer.

The request itself lasts longer: at its end a call ends, whoever else is in that.
"""


@dataclass(frozen=True, slots=True)
class Before:
    """The words that a model was taught to see before a passage, and before a question."""

    passages: str = ""
    questions: str = ""


BEFORE: Final = {
    "nomic-embed-text": Before("search_document: ", "search_query: "),
    "mxbai-embed-large": Before(
        questions="Represent this sentence for searching relevant passages: "
    ),
}
"""By a model's name without its tag, as its makers say; any other is given the text alone."""


def of_passages() -> Embedder:
    """Return what makes passages into vectors.

    Raises:
        EmbedderAwayError: no slot does that here, or not just now.
    """
    slot = _slot()
    before = _before(slot)
    return _embedder(PASSAGES, slot, before, before.passages)


def of_questions() -> Embedder:
    """Return what makes questions into vectors that can be compared with those of passages.

    Raises:
        EmbedderAwayError: no slot does that here, or not just now.
    """
    slot = _slot()
    before = _before(slot)
    return _embedder(QUESTIONS, slot, before, before.questions)


def _slot() -> Slot:
    wanted = conf.meaning().slot
    if wanted == "":
        raise EmbedderAwayError("The settings name no slot: words alone are to answer.")
    try:
        return slot_of(wanted)
    except GpuError as fault:
        raise EmbedderAwayError(str(fault)) from fault


def _before(slot: Slot) -> Before:
    said = conf.meaning()
    own = BEFORE.get(slot.model.rpartition("/")[2].partition(":")[0], Before())
    return Before(
        own.passages if said.before_passages is None else said.before_passages,
        own.questions if said.before_questions is None else said.before_questions,
    )


def _embedder(asker: Asker, slot: Slot, before: Before, words: str) -> Embedder:
    asking = Asking(asker, slot)

    def embed(texts: Sequence[str]) -> list[Vector | None]:
        try:
            return asking.vectors([words + text for text in texts])
        except GpuError as fault:
            raise EmbedderAwayError(str(fault)) from fault

    return Embedder(_model(slot, before), embed)


def _model(slot: Slot, before: Before) -> str:
    """Return what vectors are known by: other words before passages make others of the same."""
    if not before.passages:
        return slot.digest
    return f"{slot.digest}-{hashlib.sha256(before.passages.encode()).hexdigest()[:12]}"
