"""A stand-in for the `llama-server` child of Ollama 0.30 and later: real doors, invented tokens.

Since 0.30 Ollama has no engine of its own: it starts a child by path and speaks HTTP with it.
With this one in its place the real scheduler of today runs anywhere, at a speed of our choice:

    STANDIN_LOAD_S    seconds until a model is loaded (0.1)
    STANDIN_TOKEN_S   seconds between two tokens (0.01)
"""

import argparse
import hashlib
import json
import os
import random
import re
import sys
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LOAD_S = float(os.environ.get("STANDIN_LOAD_S", "0.1"))
TOKEN_S = float(os.environ.get("STANDIN_TOKEN_S", "0.01"))
BEGAN = time.monotonic()
WIDTH = 32
LONGEST = 100_000


def main() -> None:
    """Answer as llama-server does to the few ways in which Ollama calls it."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--list-devices", action="store_true")
    parser.add_argument("--model", default="")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("-c", dest="context", type=int, default=4096)
    known, _ = parser.parse_known_args()
    if known.list_devices:
        sys.stdout.write("Available devices:\n")
        return
    sys.stderr.write("system_info: n_threads = 1 | stand-in\n")
    sys.stderr.flush()
    if not known.model:
        time.sleep(30)  # Ollama has read what it wants and kills us.
        return
    Door.context = known.context
    with ThreadingHTTPServer((known.host, known.port), Door) as server:
        server.serve_forever()


class Door(BaseHTTPRequestHandler):
    """The endpoints that Ollama 0.32 calls."""

    context = 4096

    def do_GET(self) -> None:
        """Serve `/health`."""
        ready = time.monotonic() - BEGAN >= LOAD_S
        status = "ok" if ready else "loading model"
        self._json({"status": status}, 200 if ready else 503)

    def do_POST(self) -> None:
        """Serve what reads a body."""
        length = int(self.headers.get("Content-Length", "0"))
        asked = json.loads(self.rfile.read(length) or b"{}")
        doors = {
            "/completion": self._completion,
            "/v1/chat/completions": self._chat,
            "/v1/embeddings": self._embeddings,
            "/tokenize": self._tokenize,
            "/detokenize": self._detokenize,
            "/apply-template": self._template,
        }
        doors[self.path](asked)

    def _completion(self, asked: dict[str, Any]) -> None:
        prompt = str(asked.get("prompt", ""))
        limit = _limit(asked.get("n_predict"))
        self._events()
        sent = 0
        schema = asked.get("json_schema") or ({} if asked.get("grammar") else None)
        for text in _words(prompt, limit, schema):
            self._event({"content": text, "stop": False})
            sent += 1
            time.sleep(TOKEN_S)
        self._event(
            {
                "content": "",
                "stop": True,
                "stop_type": "eos" if schema is not None else "limit",
                "timings": _timings(prompt, sent),
            }
        )

    def _chat(self, asked: dict[str, Any]) -> None:
        prompt = "\n".join(str(message.get("content", "")) for message in asked["messages"])
        limit = _limit(asked.get("max_tokens", asked.get("n_predict")))
        self._events()
        sent = 0
        for text in _words(prompt, limit, None):
            self._event({"choices": [{"delta": {"content": text}}]})
            sent += 1
            time.sleep(TOKEN_S)
        last = {"delta": {}, "finish_reason": "length"}
        self._event({"choices": [last], "timings": _timings(prompt, sent)})

    def _embeddings(self, asked: dict[str, Any]) -> None:
        text = str(asked["input"])
        if len(text) > self.context:
            problem = {"code": 400, "message": "the input is larger than the context size"}
            self._json({"error": problem}, 400)
            return
        draw = random.Random(hashlib.sha256(text.encode()).digest())  # noqa: S311  no secret
        vector = [draw.gauss(0, 1) for _ in range(WIDTH)]
        used = {"prompt_tokens": len(text), "total_tokens": len(text)}
        self._json({"data": [{"embedding": vector, "index": 0}], "usage": used})

    def _tokenize(self, asked: dict[str, Any]) -> None:
        self._json({"tokens": [ord(character) for character in str(asked.get("content", ""))]})

    def _detokenize(self, asked: dict[str, Any]) -> None:
        self._json({"content": "".join(map(chr, asked["tokens"]))})

    def _template(self, asked: dict[str, Any]) -> None:
        parts = [f"{m.get('role')}: {m.get('content', '')}\n" for m in asked["messages"]]
        self._json({"prompt": "".join(parts)})

    def _events(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()

    def _event(self, body: dict[str, Any]) -> None:
        self.wfile.write(b"data: " + json.dumps(body).encode() + b"\n\n")
        self.wfile.flush()

    def _json(self, body: dict[str, Any], status: int = 200) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: Ollama reads our standard error."""


def _limit(asked: object) -> int:
    return min(asked, LONGEST) if isinstance(asked, int) and asked > 0 else LONGEST


def _words(prompt: str, limit: int, schema: object) -> Iterator[str]:
    """The same prompt has the same answer; no word twice in a row, which Ollama would cut."""
    if schema is not None:
        yield from re.findall(r"\s*\S", json.dumps(_instance(schema)))
        return
    draw = random.Random(hashlib.sha256(prompt.encode()).digest())  # noqa: S311  no secret
    for number in range(limit):
        yield f"{draw.choice('abcdefghij')}{number} "


def _instance(schema: Any) -> Any:
    """The dullest value that a schema of objects, lists, enumerations and scalars admits."""
    if not isinstance(schema, dict):
        return {}
    if schema.get("enum"):
        return schema["enum"][0]
    if "const" in schema:
        return schema["const"]
    kinds = {"string": "a", "integer": 0, "number": 0, "boolean": False, "null": None}
    kind = schema.get("type", "object")
    if kind == "array":
        return [_instance(schema.get("items")) for _ in range(schema.get("minItems", 0))]
    if kind == "object":
        return {name: _instance(part) for name, part in schema.get("properties", {}).items()}
    return kinds[kind]


def _timings(prompt: str, sent: int) -> dict[str, float]:
    words = len(prompt.split())
    return {
        "cache_n": 0,
        "prompt_n": words,
        "prompt_ms": 1.0,
        "predicted_n": sent,
        "predicted_ms": max(1.0, sent * TOKEN_S * 1000),
    }


if __name__ == "__main__":
    main()
