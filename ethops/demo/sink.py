"""The demo's inbox: takes notifications by HTTP POST and appends each as one JSON line."""

import argparse
import json
import os
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

LONGEST = 64 * 1024


class Inbox(BaseHTTPRequestHandler):
    """Keeps what is posted; a repeated Idempotency-Key is kept once."""

    box: ClassVar[Path]
    seen: ClassVar[set[str]] = set()

    def do_POST(self) -> None:
        """Keep one message on disk before saying so."""
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= LONGEST:
            self.send_error(413)
            return
        text = self.rfile.read(length).decode("utf-8", "replace")
        key = self.headers.get("Idempotency-Key", "")
        if not key or key not in self.seen:
            self._keep(key, text)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _keep(self, key: str, text: str) -> None:
        line = {
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "key": key,
            # The library reads headers as latin-1, whatever was sent.
            "title": self.headers.get("Title", "").encode("latin-1").decode("utf-8", "replace"),
            "text": text,
        }
        handle = os.open(self.box, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(json.dumps(line) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        self.seen.add(key)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the box tells all."""


def main() -> None:
    """Serve until somebody ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--box", type=Path, required=True)
    said = parser.parse_args()
    Inbox.box = said.box
    ThreadingHTTPServer.allow_reuse_address = True
    ThreadingHTTPServer(("127.0.0.1", said.port), Inbox).serve_forever()


if __name__ == "__main__":
    main()
