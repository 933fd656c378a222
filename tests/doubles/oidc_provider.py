"""A real OpenID provider in a process of its own: `oidc-provider-mock`, and PKCE, which it lacks.

`python -m tests.doubles.oidc_provider PORT`. It takes a person's claims by PUT /users/NAME.
"""

import base64
import hashlib
import io
import sys
import threading
import warnings
from typing import Any
from urllib.parse import parse_qs, urlsplit
from wsgiref.headers import Headers
from wsgiref.simple_server import WSGIRequestHandler, make_server

CHALLENGES: dict[str, str] = {}
"""Code -> the challenge with which it was asked for."""


def with_pkce(app: Any) -> Any:
    """Refuse a code whose verifier does not fit the challenge, as RFC 7636 has it."""

    def inner(environ: dict[str, Any], start: Any) -> Any:
        if environ["PATH_INFO"] == "/oauth2/token":
            body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
            environ["wsgi.input"] = io.BytesIO(body)
            said = {name: values[0] for name, values in parse_qs(body.decode()).items()}
            digest = hashlib.sha256(said.get("code_verifier", "").encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
            if CHALLENGES.pop(said.get("code", ""), None) != challenge:
                start("400 Bad Request", [("Content-Type", "application/json")])
                return [b'{"error": "invalid_grant"}']

        def noted(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            asked = parse_qs(environ.get("QUERY_STRING", ""))
            to = parse_qs(urlsplit(Headers(headers).get("Location") or "").query)
            if "code" in to and asked.get("code_challenge_method") == ["S256"]:
                CHALLENGES[to["code"][0]] = asked["code_challenge"][0]
            return start(status, headers, *more)

        return app(environ, noted)

    return inner


class Quiet(WSGIRequestHandler):
    """Says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def main() -> None:
    """Serve until stdin is closed, so that no provider outlives its test."""
    warnings.simplefilter("ignore")
    import oidc_provider_mock

    server = make_server(
        "127.0.0.1", int(sys.argv[1]), with_pkce(oidc_provider_mock.app()), handler_class=Quiet
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
