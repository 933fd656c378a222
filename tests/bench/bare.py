"""The peer of the webhook: a Django view that inserts the body and does nothing else."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from ethops.settings import *  # noqa: F403  the same database, the same server

ROOT_URLCONF = "tests.bench.bare"
MIDDLEWARE = []


@csrf_exempt
def insert(request: HttpRequest) -> HttpResponse:
    """Insert."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO public.bench_bare (raw) VALUES (%s)", [request.body])
    return HttpResponse(status=202, headers={"Content-Length": "0"})


urlpatterns = [path("bare", insert)]
