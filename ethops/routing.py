"""Which task wakes which queue: the whole routing table."""

QUEUES: dict[str, str] = {
    "control": "desk.wake",
    "agent": "personas.wake",
    "executor.light": "executor.wake_light",
    "executor.plays": "executor.wake_plays",
}
"""Queue (also the value of `work.queue`) -> the one task that drains it."""
