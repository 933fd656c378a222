"""The wall: on every answer."""

from django.http import HttpResponse
from django.test import RequestFactory

from ethops.api.csp import POLICY, ContentSecurityPolicy

REQUEST = RequestFactory().get("/")


def test_an_answer_carries_the_policy():
    def at_once(request):
        return HttpResponse()

    answer = ContentSecurityPolicy(at_once)(REQUEST)
    assert answer["Content-Security-Policy"] == POLICY


def test_nothing_inline_and_nothing_evaluated_is_let_through():
    assert "unsafe" not in POLICY
    assert "default-src 'self'" in POLICY


def test_a_header_that_a_view_has_set_stays():
    def strict(request):
        return HttpResponse(headers={"Referrer-Policy": "no-referrer"})

    assert ContentSecurityPolicy(strict)(REQUEST)["Referrer-Policy"] == "no-referrer"
