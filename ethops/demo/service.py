"""The demo's small real HTTP service: `GET /` says that it is well and for how long."""

import argparse
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

WELL = "ethops demo: well"


class Page(BaseHTTPRequestHandler):
    """Answers every GET with one line."""

    started: ClassVar[float] = time.monotonic()

    def do_GET(self) -> None:
        """Answer."""
        body = f"{WELL}, up {time.monotonic() - self.started:.1f} s\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: the probe asks every second."""


def main() -> None:
    """Serve until somebody ends the process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True, help="shown in the list of processes")
    parser.add_argument("--port", type=int, required=True)
    said = parser.parse_args()
    ThreadingHTTPServer.allow_reuse_address = True
    ThreadingHTTPServer(("127.0.0.1", said.port), Page).serve_forever()


if __name__ == "__main__":
    main()
