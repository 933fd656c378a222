"""Vectors that mean a little: texts which share words lie near each other."""

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Final

WORDS_COUNTED: Final = 512
"""Different words of one text that count; a long one costs no more."""


def vector(text: str, dimensions: int, cut_to: int = 0) -> list[float]:
    """Return a vector of length one; with `cut_to`, its first numbers, made length one again."""
    found = [0.0] * dimensions
    counted = Counter(text.lower().split())
    for word, times in list(counted.items())[:WORDS_COUNTED]:
        place = zlib.crc32(word.encode("utf-8", "replace"))
        weight = 1.0 + math.log(times)
        for turn in range(4):
            sign = 1.0 if place >> (28 + turn) & 1 else -1.0
            found[(place >> (turn * 7)) % dimensions] += sign * weight
    if 0 < cut_to < dimensions:
        del found[cut_to:]
    return normal(found)


def normal(numbers: Sequence[float]) -> list[float]:
    """Return the numbers as a vector of length one; nothing at all points along the first axis."""
    length = math.sqrt(sum(each * each for each in numbers))
    if not length:
        return [1.0, *[0.0] * (len(numbers) - 1)]
    return [each / length for each in numbers]
