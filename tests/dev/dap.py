"""A client of the Debug Adapter Protocol, as editors are one: enough to attach, set breakpoints, look and go on.

Source: https://microsoft.github.io/debug-adapter-protocol/specification.
"""

from __future__ import annotations

import json
import queue
import socket
import threading
from typing import Any

SECONDS = 20.0


class DapClient:
    """A session with the adapter at a port of this machine. `children` are the attach requests it is told of."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), SECONDS)
        self._file = self._socket.makefile("rb")
        self._number = 0
        self._answers: dict[int, queue.Queue[dict[str, Any]]] = {}
        self.events: dict[str, queue.Queue[dict[str, Any]]] = {}
        self._lock = threading.Lock()
        threading.Thread(target=self._read, daemon=True).start()

    def send(self, command: str, **arguments: Any) -> queue.Queue[dict[str, Any]]:
        """Send a request; where its answer will be."""
        with self._lock:
            self._number += 1
            number = self._number
            answer = self._answers[number] = queue.Queue()
            message = {"seq": number, "type": "request", "command": command, "arguments": arguments}
            body = json.dumps(message).encode()
            self._socket.sendall(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        return answer

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The body of the answer to a request that has to succeed."""
        answer = self.send(command, **arguments).get(timeout=SECONDS)
        assert answer["success"], answer
        body: dict[str, Any] = answer.get("body") or {}
        return body

    def event(self, name: str) -> dict[str, Any]:
        """The next event of that name."""
        return self._of(name).get(timeout=SECONDS)

    def attach(self, breakpoints: dict[str, list[int]], **arguments: Any) -> None:
        """Attach with breakpoints, as editors do it."""
        self.ask("initialize", clientID="test", adapterID="debugpy", pathFormat="path", linesStartAt1=True)
        attached = self.send("attach", **arguments)
        self.event("initialized")
        for path, lines in breakpoints.items():
            self.ask("setBreakpoints", source={"path": path}, breakpoints=[{"line": line} for line in lines])
        self.ask("configurationDone")
        assert attached.get(timeout=SECONDS)["success"]

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _of(self, name: str) -> queue.Queue[dict[str, Any]]:
        with self._lock:
            return self.events.setdefault(name, queue.Queue())

    def _read(self) -> None:
        try:
            while True:
                length = 0
                while (line := self._file.readline()) not in (b"\r\n", b""):
                    if line.lower().startswith(b"content-length:"):
                        length = int(line.partition(b":")[2])
                if not length:
                    return
                message = json.loads(self._file.read(length))
                if message["type"] == "response":
                    self._answers[message["request_seq"]].put(message)
                elif message["type"] == "event":
                    self._of(message["event"]).put(message.get("body") or {})
        except (OSError, ValueError):
            return
