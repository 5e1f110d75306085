"""A small HTTP server on this machine, for what functions send while they are tested."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Answering = Callable[["Asked"], "Reply"]


class Asked(NamedTuple):
    """A request. `target` is as it was sent, encoded and with its query; names of headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """What it is answered."""

    status: int
    body: bytes = b""
    headers: Mapping[str, str] = {}


class Listener:
    """Answers requests at `url`, each in a thread of its own, until it is closed."""

    def __init__(self, answer: Answering) -> None:
        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                reply = answer(Asked(self.command, self.path, headers, body))
                self.send_response(reply.status)
                for name, value in {"content-type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815 - the base class's names

            def log_message(self, *arguments: Any) -> None:
                """Nothing: tests have their own output."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        if sys.is_finalizing():
            return  # Threads do not run any more: the one that listens could not be waited for.
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingTCPServer):
    # Not HTTPServer: it would look up this machine's name.
    daemon_threads = True
    request_queue_size = 64
