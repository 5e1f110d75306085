"""What stands before the platform on the port: finds out whom a request is for, and holds it while code is loaded."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, Protocol

import msgspec

from lambent.dev.addressing import begins_invocations, is_for_platform
from lambent.dev.connections import HELD_SECONDS, Connections
from lambent.http.request import Request

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.http.request import Headers, ResponseStream
    from lambent.http.upgrades import UpgradedProtocol
    from lambent.node.platform import Platform

_JSON: Final = [("Content-Type", "application/json")]


class Served(msgspec.Struct, frozen=True, kw_only=True):
    """The APIs of the app as they are deployed: ids and stages. `channels` are by name."""

    http: tuple[str, str] | None = None
    channels: dict[str, tuple[str, str]] = {}
    urls: dict[str, str] = {}
    """Function URLs by the names of their functions."""


class Code(Protocol):
    """Who loads the code."""

    busy: bool
    """Whether code is being loaded."""

    def look(self) -> None:
        """See whether files have changed, and begin to load them; then `busy` says so."""


class Front:
    """Takes the requests from outside. `answered(method, target, status, seconds)` is told of those for the app."""

    def __init__(self, code: Code, answered: Callable[[str, str, int, float], None]) -> None:
        self.request_type: type[Request] = WatchedRequest
        self._code = code
        self._answered = answered
        self._held: list[tuple[Request, asyncio.TimerHandle]] = []
        self._connections = Connections(self._loading)
        self.platform: Platform | None = None
        self.served = Served()
        self.failure = ""
        """Why there is no app, while there is none."""

    # ------------------------------------------------------------ requests

    def takes(self, request: Request) -> bool:
        """Whether a request with a large body is for an API."""
        return not is_for_platform(request)

    def handle(self, request: Request) -> bool:
        """Take a request for the app; False leaves one to the platform."""
        platform = self.platform
        addressed = platform is not None and platform.gateway.door.takes(request)
        is_platform_s = not addressed and is_for_platform(request)
        if is_platform_s and not begins_invocations(request):
            return False
        mine = not addressed and not is_platform_s
        if not is_platform_s and isinstance(request, WatchedRequest):
            request.watch(self._tell, self._connections)
        if self._loading() or platform is None:
            timer = asyncio.get_running_loop().call_later(HELD_SECONDS, self.release)
            self._held.append((request, timer))
            return True
        if mine:
            self._serve(request, platform)
        return mine

    def _loading(self) -> bool:
        self._code.look()
        return self._code.busy

    def release(self) -> None:
        """Hand on what is held: the code is loaded."""
        self._connections.release()
        held, self._held = self._held, []
        for request, timer in held:
            timer.cancel()
            platform = self.platform
            if request.abandoned:
                continue
            if platform is None:
                _answer(request, 503, {"message": "The app is not running yet."})
            elif platform.gateway.door.takes(request) or is_for_platform(request):
                platform.handle(request)
            else:
                self._serve(request, platform)

    def _serve(self, request: Request, platform: Platform) -> None:
        served = self.served
        if request.upgrade == b"websocket":
            found = self._channel(request.path)
            if found is not None:
                platform.gateway.door.serve(request, found[0], "/", found[1])
                return
            _answer(request, 404, self._no_channel())
        elif served.http is not None:
            platform.gateway.door.serve(
                request, served.http[0], request.path.decode("latin-1"), served.http[1]
            )
        elif self.failure:
            _answer(request, 503, {"message": f"The app is not running: {self.failure}"})
        else:
            _answer(request, 404, self._no_routes())

    def _channel(self, path: bytes) -> tuple[str, str] | None:
        channels = self.served.channels
        name = path.decode("latin-1").strip("/").partition("/")[0]
        if name in channels:
            return channels[name]
        return next(iter(channels.values())) if len(channels) == 1 else None

    def _no_channel(self) -> dict[str, Any]:
        if not self.served.channels:
            return {"message": self.failure or "The app has no channel for WebSockets."}
        return {
            "message": f"The app's channels are {', '.join('/' + name for name in self.served.channels)}."
        }

    def _no_routes(self) -> dict[str, Any]:
        message = "The app has no routes."
        if self.served.channels:
            message += f" WebSockets: {', '.join('/' + name for name in self.served.channels)}."
        return {"message": message}

    # ------------------------------------------------------------ what becomes of them

    def _tell(self, request: Request, seconds: float, status: int) -> None:
        method, target = request.method.decode("latin-1"), request.target.decode("latin-1")
        self._answered(method, target, status, seconds)


class WatchedRequest(Request):
    """A request that says how it is answered, and whose connection is held like itself, once it is `watch`ed."""

    __slots__ = ("_began", "_connections", "_tell")

    _tell: Callable[[Request, float, int], None] | None

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._tell = None

    def watch(self, tell: Callable[[Request, float, int], None], connections: Connections) -> None:
        """Have `tell` called with the seconds that it takes from now on, and the answer's status."""
        self._tell = tell
        self._connections = connections
        self._began = time.perf_counter()

    def send(self, head: bytes, body: bytes, status: int = 200) -> None:
        """As its base."""
        super().send(head, body, status)
        self._told(int(head[9:12]) if head[:5] == b"HTTP/" else status)

    def stream(self, status: int, headers: Headers, length: int | None = None) -> ResponseStream:
        """As its base."""
        answer = super().stream(status, headers, length)
        self._told(status)
        return answer

    def switch(self, head: bytes, protocol: UpgradedProtocol) -> bool:
        """As its base."""
        if self._tell is None:
            return super().switch(head, protocol)
        switched = super().switch(head, self._connections.of(protocol))
        self._told(101)
        return switched

    def _told(self, status: int) -> None:
        if self._tell is not None:
            self._tell(self, time.perf_counter() - self._began, status)


def _answer(request: Request, status: int, document: dict[str, Any]) -> None:
    request.respond(status, _JSON, msgspec.json.encode(document) + b"\n")
