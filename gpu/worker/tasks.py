"""Celery's door to the card: one message, one job."""

from uuid import UUID

from celery import Task
from celery.exceptions import Reject
from django.db import connection

from gpu.celery import app
from gpu.relay import TASK
from gpu.worker import current, working
from gpu.worker.working import Outcome


class OnTheCard(Task[..., None]):
    """A task whose message goes back to the head of its queue."""

    Request = "gpu.worker.request:HeadRequest"


@app.task(name=TASK, bind=True, base=OnTheCard)
def run(self: "Task[..., None]", job_id: str) -> None:
    """Do one job; the id says which, and nothing in the message is trusted."""
    held = current.card()
    if held is None or held.leaving:
        raise Reject("this worker serves no card", requeue=True)
    tag = str((self.request.properties or {}).get("delivery_tag", ""))
    held.tags.add(tag)
    try:
        outcome = working.work(held, UUID(job_id))
    finally:
        held.tags.discard(tag)
        connection.close_if_unusable_or_obsolete()
    if outcome is Outcome.TO_HEAD:
        raise Reject("it gave way", requeue=True)
