"""What may be asked of a worker over Redis: Flower looks on, and nobody stops or steers."""

from celery.signals import worker_init
from celery.worker.control import Panel


@worker_init.connect
def only_looking(**_: object) -> None:
    """Take away every remote command that changes something, before any can arrive."""
    looking = {name for name, about in Panel.meta.items() if about.type == "inspect"}
    looking |= {
        about.alias for name, about in Panel.meta.items() if name in looking and about.alias
    }
    for name in [*Panel.data]:
        if name not in looking:
            del Panel.data[name]
