"""When a limited answer ends at the latest, which spares it from being stopped just before."""

import pytest

from gpu.tiers import Tier
from gpu.worker import current
from gpu.worker.watch import Watch
from tests.unit.gpu.scene import claim, held

CODE_SPEED, PREFILL = 26.0, 1000.0


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """The card's clock stands: what passes between two looks at it is no part of an answer."""
    monkeypatch.setattr(current, "monotonic", lambda: 1000.0)


def ends_in(limit: int | None, *, done: int = 0, tokens: int = 0) -> float | None:
    """Return in how many seconds a chat ends at the latest, after so many tokens."""
    sampling = {} if limit is None else {"num_predict": limit}
    made = claim({"sampling": sampling}, kind="chat", slot="code", tier=Tier.RESEARCH,
                 tokens_asked=500, tokens_done=done)  # fmt: skip
    card = held()
    watch = Watch(card, made, card.clock.now(), tokens=tokens)
    by = watch.running().ends_by
    return None if by is None else by - card.clock.now()


def test_without_a_limit_nobody_knows() -> None:
    assert ends_in(None) is None


def test_before_the_first_token_the_prompt_is_read() -> None:
    found = ends_in(260)
    assert found is not None
    assert abs(found - (500 / PREFILL + 260 / CODE_SPEED)) < 0.1


def test_what_was_said_is_behind_us() -> None:
    found = ends_in(260, tokens=208)
    assert found is not None
    assert abs(found - 52 / CODE_SPEED) < 0.1


def test_a_continued_answer_reads_its_own_words_first() -> None:
    found = ends_in(260, done=130, tokens=130)
    assert found is not None
    assert abs(found - (630 / PREFILL + 130 / CODE_SPEED)) < 0.1
