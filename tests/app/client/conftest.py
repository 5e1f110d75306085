"""A service on a real socket, which answers as a test says and remembers what it was asked."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from lambent.app import current
from lambent.app.client import connection, credentials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


class Asked(NamedTuple):
    """A request; names of headers are in lower case, `port` is the client's."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    port: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Say(NamedTuple):
    """An answer. `hang_up`: close the connection after it; with last words, only they are under way yet."""

    body: Any
    status: int
    headers: dict[str, str]
    hang_up: bytes | None


class Drop(NamedTuple):
    """No answer, or not a whole one: the connection is closed."""

    begun: bytes = b""


class Backend:
    """Answers with `answers` in turn, the last again and again; a function answers what it returns for a request."""

    def __init__(self, wrap: Callable[[socket.socket], socket.socket] | None = None) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Say | Drop | Callable[[Asked], Say | Drop]] = [self.say({})]
        self.read = threading.Event()  # by the client, after which it may be hung up on
        self.hung_up = threading.Event()
        backend = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def handle(self) -> None:
                with contextlib.suppress(ConnectionError):
                    super().handle()

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, body, self.client_address[1])
                backend.asked.append(asked)
                answer = backend.answers.pop(0) if len(backend.answers) > 1 else backend.answers[0]
                if callable(answer):
                    answer = answer(asked)
                if isinstance(answer, Drop):
                    self.wfile.write(answer.begun)
                    self.close_connection = True
                    return
                content = answer.body if isinstance(answer.body, bytes) else json.dumps(answer.body).encode()
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)
                if answer.hang_up is not None:
                    backend.read.wait(5)
                    self.wfile.write(answer.hang_up)
                    self.close_connection = not answer.hang_up
                    if answer.hang_up:
                        backend.hung_up.set()

            do_GET = do_POST = do_DELETE = answer  # noqa: N815 - names of http.server

            def finish(self) -> None:
                super().finish()
                with contextlib.suppress(OSError):
                    self.connection.shutdown(socket.SHUT_RDWR)
                self.connection.close()
                backend.hung_up.set()

            def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 - its name
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, *_of: Any) -> None:
                pass  # clients that do not trust it

        self._server = Server(("127.0.0.1", 0), Handler)
        if wrap is not None:
            self._server.socket = wrap(self._server.socket)
        self.port: int = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    @staticmethod
    def say(
        body: Any = b"",
        status: int = 200,
        headers: dict[str, str] | None = None,
        *,
        hang_up: bytes | None = None,
    ) -> Say:
        """An answer; what is not bytes becomes JSON."""
        return Say(body, status, headers or {}, hang_up)

    drop = Drop()

    @staticmethod
    def cut_short(begun: bytes) -> Drop:
        """The first bytes of an answer that has more."""
        return Drop(begun)

    def close(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def backend(variables: pytest.MonkeyPatch) -> Iterator[Backend]:
    """A service that all calls go to."""
    backend = Backend()
    variables.setenv("AWS_ENDPOINT_URL", backend.url)
    yield backend
    connection.close()
    backend.close()


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """The environment of a function, in which nothing of this machine's is set."""
    import os

    for name in list(os.environ):
        if name.startswith(("AWS_", "_X_AMZN", "QUEUE_URL_")) or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    credentials.forget()
    yield monkeypatch
    connection.close()


@pytest.fixture
def correlation() -> Iterator[str]:
    """A correlation id that this work has."""
    token = current.correlation_id.set("order-7")
    yield "order-7"
    current.correlation_id.reset(token)


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """One for localhost and sqs.internal that signs itself, with its key."""
    file = tmp_path / "localhost.pem"
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
            ),
            *(
                "-subj",
                "/CN=localhost",
                "-addext",
                "subjectAltName=DNS:localhost,DNS:sqs.internal",
                "-days",
                "2",
            ),
            *("-keyout", str(tmp_path / "key.pem"), "-out", str(file)),
        ],
        check=True,
        capture_output=True,
    )
    file.write_text((tmp_path / "key.pem").read_text() + file.read_text())
    return file
