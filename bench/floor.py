"""The floor: the least that answers Invoke over HTTP with forked environments, in Python.

`python -m bench.floor PORT` serves `POST /2015-03-31/functions/f/invocations`: one uvloop process with an
httptools protocol, environments forked from a zygote that has imported the handler, length-prefixed frames on
socket pairs. No routing, quotas, logs, accounting, signatures or durability: what the platform does on top
of it is what it costs. `--width` bounds the environments, further requests wait.

`DELETE /` kills every environment, so that the next request is a cold start.
"""

from __future__ import annotations

import argparse
import array
import asyncio
import gc
import json
import os
import signal
import socket
import struct
import sys
import time
from collections import deque
from typing import Any

import httptools
import uvloop

_REQUEST = struct.Struct(">IQ36s")
_REPLY = struct.Struct(">IB")


def _receive(sock: socket.socket, size: int) -> bytes:
    if size <= 65536:
        return sock.recv(size, socket.MSG_WAITALL)
    data = bytearray(size)
    view = memoryview(data)
    while view:
        view = view[sock.recv_into(view) :]
    return bytes(data)


def _serve_environment(sock: socket.socket) -> None:
    """The child: the handler returns its event."""

    def handler(event: Any, _deadline: float) -> Any:
        return event

    loads, encode = json.loads, json.JSONEncoder(ensure_ascii=False).encode
    while head := sock.recv(_REQUEST.size, socket.MSG_WAITALL):
        size, deadline, _request_id = _REQUEST.unpack(head)
        body = encode(handler(loads(_receive(sock, size)), deadline / 1000)).encode()
        if len(body) < 65536:
            sock.sendall(_REPLY.pack(len(body), 0) + body)
        else:
            sock.sendall(_REPLY.pack(len(body), 0))
            sock.sendall(body)


def _zygote(control: socket.socket) -> None:
    """Forks a child for each socket it is sent, and answers the pid."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    gc.collect()
    gc.disable()
    gc.freeze()
    while True:
        message, ancillary, _, _ = control.recvmsg(1, socket.CMSG_SPACE(4))
        if not message:
            os._exit(0)
        fd = array.array("i", ancillary[0][2])[0]
        pid = os.fork()
        if not pid:
            control.close()
            try:
                _serve_environment(socket.socket(fileno=fd))
            finally:
                os._exit(0)
        os.close(fd)
        control.send(pid.to_bytes(4, "big"))


class _Environment:
    def __init__(self, server: _Floor, sock: socket.socket) -> None:
        self.server = server
        self.sock = sock
        self.answer: Any = None
        self.large: bytearray | None = None
        self.filled = 0
        server.loop.add_reader(sock.fileno(), self.readable)

    def run(self, body: bytes, request_id: bytes, answer: Any) -> None:
        self.answer = answer
        head = _REQUEST.pack(len(body), int(time.time() * 1000) + 3000, request_id)
        self.write(head + body if len(body) < 65536 else head)
        if len(body) >= 65536:
            self.write(body)

    def write(self, data: bytes) -> None:
        view = memoryview(data)
        self.sock.setblocking(len(data) >= 65536)
        while view:
            view = view[self.sock.send(view) :]
        self.sock.setblocking(False)

    def readable(self) -> None:
        try:
            if self.large is not None:
                self.filled += self.sock.recv_into(memoryview(self.large)[self.filled :])
                if self.filled < len(self.large):
                    return
                body, self.large = bytes(self.large), None
            else:
                data = self.sock.recv(65536)
                if not data:
                    self.lost()
                    return
                size, _ = _REPLY.unpack_from(data)
                body = data[_REPLY.size :]
                if len(body) < size:
                    self.large = bytearray(size)
                    self.filled = len(body)
                    self.large[: self.filled] = body
                    return
        except BlockingIOError:
            return
        answer = self.answer
        self.server.free(self)
        answer(body)

    def lost(self) -> None:
        self.server.loop.remove_reader(self.sock.fileno())
        self.sock.close()
        if self in self.server.idle:
            self.server.idle.remove(self)
        self.server.count -= 1


class _Floor:
    def __init__(self, width: int) -> None:
        self.loop = asyncio.get_running_loop()
        self.width = width
        self.count = 0
        self.idle: list[_Environment] = []
        self.waiting: deque[tuple[bytes, bytes, Any]] = deque()
        self.pids: list[int] = []
        self.control: socket.socket

    def invoke(self, body: bytes, request_id: bytes, answer: Any) -> None:
        if self.idle:
            self.idle.pop().run(body, request_id, answer)
            return
        self.waiting.append((body, request_id, answer))
        if self.count < self.width:
            self.grow()

    def grow(self) -> None:
        self.count += 1
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self.control.sendmsg(
            [b"F"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [theirs.fileno()]))]
        )
        theirs.close()
        self.free(_Environment(self, ours))

    def free(self, environment: _Environment) -> None:
        if self.waiting:
            environment.run(*self.waiting.popleft())
        else:
            self.idle.append(environment)

    def kill(self) -> None:
        for pid in self.pids:
            os.kill(pid, signal.SIGKILL)
        self.pids.clear()

    def born(self) -> None:
        pid = self.control.recv(4)
        if pid:
            self.pids.append(int.from_bytes(pid, "big"))


class _Http(asyncio.Protocol):
    floor: _Floor

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self.parser = httptools.HttpRequestParser(self)
        self.body = b""

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self.body = self.body + body if self.body else body

    def on_message_complete(self) -> None:
        body, self.body = self.body, b""
        if self.parser.get_method() == b"DELETE":
            self.floor.kill()
            self.answer(b"")
            return
        h = os.urandom(16).hex().encode()
        self.floor.invoke(body, b"%s-%s-%s-%s-%s" % (h[:8], h[8:12], h[12:16], h[16:20], h[20:]), self.answer)

    def answer(self, body: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body)
                + body
            )


async def _main(port: int, width: int, control: socket.socket) -> None:
    floor = _Floor(width)
    floor.control = control
    _Http.floor = floor
    floor.loop.add_reader(control.fileno(), floor.born)
    await floor.loop.create_server(_Http, "127.0.0.1", port)
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        floor.loop.add_signal_handler(number, stopped.set)
    gc.freeze()
    await stopped.wait()
    floor.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("--width", type=int, default=16)
    arguments = parser.parse_args()
    mine, theirs = socket.socketpair()
    if not os.fork():
        mine.close()
        _zygote(theirs)
    theirs.close()
    sys.setswitchinterval(1)
    uvloop.run(_main(arguments.port, arguments.width, mine))
