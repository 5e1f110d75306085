"""A small HTTP server on this machine, for what functions send while they are tested."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Answering = Callable[[str, str, bytes], tuple[int, bytes]]


class Listener:
    """Answers requests at `url` in a thread of its own until it is closed.

    `answer` is given method, target and body, and gives status and body.
    """

    def __init__(self, answer: Answering) -> None:
        class Handler(BaseHTTPRequestHandler):
            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                status, content = answer(self.command, self.path, body)
                self.send_response(status)
                self.send_header("content-length", str(len(content)))
                self.send_header("content-type", "application/json")
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815 - the base class's names

            def log_message(self, *arguments: Any) -> None:
                """Nothing: tests have their own output."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingTCPServer):
    # Not HTTPServer: it would look up this machine's name.
    daemon_threads = True
    request_queue_size = 64
