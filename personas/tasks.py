"""Celery's door to the agents: a wake-up, nothing more."""

from celery import shared_task

from personas.runtime import loop


@shared_task(name="personas.wake")
def wake(work_id: str) -> None:
    """Take steps until there is none; the id only says that there was something."""
    del work_id
    loop.drain()
