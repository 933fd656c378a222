"""Which addresses are the proxy's; every other one is the desk's."""

import pytest

from gpu.proxy.app import MANAGEMENT, answers
from gpu.proxy.dialects import Dialect, dialect_of


@pytest.mark.parametrize(
    "path",
    [
        "/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/api/tags", "/api/ps",
        "/api/show", "/api/version", "/api/pull", "/api/create", "/api/push", "/api/copy",
        "/api/delete", "/api/blobs/sha256:abc", "/v1/models", "/v1/models/ops", "/v1/embeddings",
        "/v1/chat/completions", "/v1/completions", "/v1/responses",
    ],
)  # fmt: skip
def test_the_proxy_answers(path):
    assert answers(path)


@pytest.mark.parametrize(
    "path",
    ["/", "/healthz", "/api/", "/api/v1/tickets", "/api/v1/chat", "/api/chat/", "/v1", "/v10"],
)
def test_the_desk_answers(path):
    assert not answers(path)


def test_every_refused_address_is_the_proxys():
    assert all(answers(path) for path in MANAGEMENT if "{" not in path)


def test_the_language_is_that_of_the_address():
    assert dialect_of("/v1/models") is Dialect.OPENAI
    assert dialect_of("/api/tags") is Dialect.OLLAMA
