"""What a model makes of texts, held to what can be compared."""

import math
from collections.abc import Sequence
from typing import Final

from adapters.knowledge.errors import EmbedderAwayError
from adapters.knowledge.port import Embedder

MOST: Final = 16_000


def of(embedder: Embedder, texts: Sequence[str]) -> list[list[float] | None]:
    """Return one vector for each text, all of one length; None where a text has none.

    Raises:
        EmbedderAwayError: the model cannot be asked, or answers what is no vector.
    """
    said = embedder.embed(texts)
    made = [None if one is None else [float(number) for number in one] for one in said]
    there = [one for one in made if one is not None]
    lengths = {len(one) for one in there}
    alike = len(lengths) <= 1 and all(1 <= one <= MOST for one in lengths)
    if len(made) != len(texts) or not alike:
        raise EmbedderAwayError(
            f"{embedder.model} makes {len(there)} vectors of {sorted(lengths)} numbers"
            f" of {len(texts)} texts."
        )
    if not all(any(one) and all(map(math.isfinite, one)) for one in there):
        raise EmbedderAwayError(f"{embedder.model} makes what is no direction at all.")
    return made


def of_one(embedder: Embedder, text: str) -> list[float]:
    """Return the vector of one text.

    Raises:
        EmbedderAwayError: as `of`, or the model does not take the text.
    """
    (made,) = of(embedder, [text])
    if made is None:
        raise EmbedderAwayError(f"{embedder.model} does not take this text.")
    return made
