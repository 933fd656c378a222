"""The ASGI door of the web process: the GPU's proxy by its paths, Django for everything else."""

import gc

import django
from django.urls import get_resolver

from ethops import env
from ethops.api.handler import OneThread
from ethops.api.limits import FORM_BYTES, App, BodyLimit, Message, Receive, Send

env.enter()
django.setup(set_prefix=False)

# Its rows are Django models, which exist only once the line above has run.
from adapters.conf import largest_attachment_bytes  # noqa: E402
from gpu.proxy import app as proxy  # noqa: E402

_desk = BodyLimit(OneThread(), upload=largest_attachment_bytes() + FORM_BYTES)

_proxy: App = proxy.application

# Every page is loaded now, not by the first who asks, and stays: the collector would walk over all
# of it again with each long list.
_patterns = get_resolver().url_patterns
gc.collect()
gc.freeze()


async def application(scope: Message, receive: Receive, send: Send) -> None:
    """Hand a request to the one whose path it is."""
    if scope["type"] == "http" and proxy.answers(scope["path"]):
        await _proxy(scope, receive, send)
    else:
        await _desk(scope, receive, send)
