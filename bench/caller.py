"""One client that invokes."""

from __future__ import annotations

import http.client
import time

from bench import load


class Caller:
    """One keep-alive connection that invokes."""

    def __init__(self, port: int, path: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._path = path

    def __call__(self, body: bytes = load.BODY.encode()) -> float:
        """Milliseconds that an invocation takes."""
        begin = time.perf_counter()
        self._connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        content = response.read()
        elapsed = (time.perf_counter() - begin) * 1000
        assert response.status == 200, content[:500]
        assert response.headers.get("X-Amz-Function-Error") is None, content[:500]
        return elapsed

    def delete(self) -> None:
        """End the floor's environment."""
        self._connection.request("DELETE", "/")
        self._connection.getresponse().read()
