"""Celery's doors: a message only wakes, what is to be done stands in the database."""

from celery import shared_task

from ethops.executor import worker


@shared_task(name="executor.wake_light")
def wake_light(work_id: str) -> None:  # noqa: ARG001 - nothing in a message is trusted
    """Do ticket writes and notices until none is left."""
    worker.drain_light()


@shared_task(name="executor.wake_plays")
def wake_plays(work_id: str) -> None:  # noqa: ARG001 - nothing in a message is trusted
    """Run playbooks until none is left."""
    worker.drain_plays()
