"""What one request may be at most, and how its tokens are estimated before it runs."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Final

from adapters.inference.rendering import estimate
from gpu.proxy.errors import RefusedError

LARGEST_BODY: Final = 8 * 1024 * 1024
"""Bytes of one request."""
MOST_INPUTS: Final = 2048
"""Texts of one embedding request."""
MOST_PARTS: Final = 50_000
"""Objects and lists of one body, texts that look like some included."""
MOST_COMMAS: Final = 500_000
DEEPEST: Final = 100
"""Levels of one request's JSON."""
IMAGE_TOKENS: Final = 1024
"""What an image is taken for."""
BYTES_PER_TOKEN: Final = 3


def tokens_of_messages(messages: Iterable[Mapping[str, Any]]) -> int:
    """Return how many tokens a conversation takes at most."""
    total = 0
    for message in messages:
        calls = message.get("tool_calls")
        text = f"{message.get('content') or ''}{message.get('thinking') or ''}{calls or ''}"
        total += estimate(text) + IMAGE_TOKENS * len(message.get("images") or ())
    return total


def tokens_of_text(*texts: str) -> int:
    """Return how many tokens some texts take at most, without what is put around a message."""
    return math.ceil(sum(len(text.encode()) for text in texts) / BYTES_PER_TOKEN)


def check_fits(tokens: int, slot: str, context: int) -> None:
    """Refuse a prompt that leaves no room in the slot's context.

    Raises:
        RefusedError: 400, with the estimate and the limit.
    """
    if tokens <= context:
        return
    raise RefusedError(
        400,
        f"the prompt has about {tokens} tokens ({BYTES_PER_TOKEN} bytes each),"
        f" the slot {slot} takes {context} for prompt and answer (num_ctx): send less",
        kind="context_length_exceeded",
    )
