"""Waits are counted on the database's clock, whatever is done to the clocks of hosts."""

import time
from types import SimpleNamespace

import pytest

from adapters.inference.ollama import Server
from gpu.policy.chosen import named
from gpu.policy.view import CardFacts
from gpu.worker import knowing
from gpu.worker.current import Clock, Held

HOUR = 3600.0


def held_with(clock: Clock) -> Held:
    facts = CardFacts(vram_mb=0, slots={}, single=True)
    server = Server("http://127.0.0.1:9")
    return Held(
        name="none", fence=0, server=server, policy=named("best"), facts=facts, slots={},
        clock=clock,
    )  # fmt: skip


@pytest.mark.django_db
def test_the_card_goes_with_a_clock_that_was_set():
    held = held_with(Clock(ahead_s=knowing.clock().ahead_s - HOUR))
    knowing.refresh(held)
    assert held.clock.now() == pytest.approx(time.time(), abs=5.0)


@pytest.mark.django_db
def test_a_slow_look_is_no_step_of_the_clock(monkeypatch):
    slow = knowing.clock()
    monkeypatch.setattr(knowing, "clock", lambda: slow)
    mine = Clock(ahead_s=slow.ahead_s + knowing.CLOCK_STEP_SECONDS / 2)
    held = held_with(mine)
    knowing.refresh(held)
    assert held.clock is mine


@pytest.mark.django_db
def test_a_look_in_which_the_machine_stood_still_is_no_step_of_the_clock(monkeypatch):
    mine, step = knowing.clock(), knowing.CLOCK_STEP_SECONDS
    now = [0.0]

    def halted():
        now[0] += 2.2 * step
        return Clock(ahead_s=mine.ahead_s + 1.1 * step)

    monkeypatch.setattr(knowing, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setattr(knowing, "clock", halted)
    held = held_with(mine)
    knowing.refresh(held)
    assert held.clock is mine
