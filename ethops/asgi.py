"""The ASGI door of the web process."""

from django.core.asgi import get_asgi_application

from ethops import env

env.enter()
application = get_asgi_application()
