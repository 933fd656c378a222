"""A card whose engine has come true often enough to be believed, as the evaluation would say."""

from typing import Any

import psycopg


def calibrate(
    owner: psycopg.Connection[Any], card: str, engine: str = "rules", confidence: float = 0.9
) -> None:
    """Write a thousand outcomes of the evaluation set, all of them sound; run by the owner."""
    owner.execute(
        'INSERT INTO public.autonomy_evaluated (card, engine, "case", confidence, sound)'
        " SELECT %s, %s, 'case ' || n, %s, true FROM generate_series(1, 1000) n",
        [card, engine, confidence],
    )
