"""The ASGI door of the web process."""

from django.core.asgi import get_asgi_application

from ethops import env
from ethops.api.limits import BodyLimit

env.enter()
application = BodyLimit(get_asgi_application())
