"""What a model makes of texts, held to what can be compared."""

import math
from collections.abc import Sequence
from typing import Final

from adapters.knowledge.errors import EmbedderAwayError
from adapters.knowledge.port import Embedder

MOST: Final = 16_000


def of(embedder: Embedder, texts: Sequence[str]) -> list[list[float]]:
    """Return one vector for each text, all of one length.

    Raises:
        EmbedderAwayError: the model cannot be asked, or answers what is no vector.
    """
    made = [[float(number) for number in one] for one in embedder.embed(texts)]
    lengths = {len(one) for one in made}
    if len(made) != len(texts) or len(lengths) != 1 or not 1 <= min(lengths) <= MOST:
        raise EmbedderAwayError(
            f"{embedder.model} makes {len(made)} vectors of {sorted(lengths)} numbers"
            f" of {len(texts)} texts."
        )
    if not all(any(one) and all(map(math.isfinite, one)) for one in made):
        raise EmbedderAwayError(f"{embedder.model} makes what is no direction at all.")
    return made
