"""What the layers for HTTP have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.onion import Layer

if TYPE_CHECKING:
    from lambent.app.request import Request
    from lambent.app.response import Response

REQUESTS = frozenset({"http.v1", "http.v2", "alb"})
"""The kinds of invocations that are HTTP requests."""


def is_asked(invocation: Any) -> bool:
    """Whether somebody asks to be let in: with a request, or to connect to a WebSocket."""
    return invocation.kind in REQUESTS or (invocation.kind == "websocket" and invocation.action == "$connect")


class AnswerLayer(Layer):
    """A layer that completes answers, those to exceptions included. Other events pass.

    Answers are completed by `complete`.
    """

    def complete(self, request: Request, response: Response) -> Response:
        """The answer to send."""
        raise NotImplementedError

    def after(self, invocation: Any, result: Any) -> Any:
        """Completes the answer."""
        return self.complete(invocation, result) if invocation.kind in REQUESTS else result

    def failed(self, invocation: Any, error: Exception) -> Any:
        """Completes the answer to an exception, as the app would give it. Raises it for other events."""
        if invocation.kind not in REQUESTS:
            raise error
        return self.complete(invocation, invocation.app.http.failed(error, invocation))

    async def afailed(self, invocation: Any, error: Exception) -> Any:
        """As `failed`, on the loop."""
        if invocation.kind not in REQUESTS:
            raise error
        return self.complete(invocation, await invocation.app.http.afailed(error, invocation))


def header(request: Request, name: str) -> str | None:
    """A header field, its name in lower case: for layers that look at one or two, without reading them all."""
    event = request.event
    if request.kind == "http.v2":
        headers = event.get("headers")
        return headers.get(name) if headers else None
    fields = event.get("multiValueHeaders") or event.get("headers") or {}
    found = fields.get(name)
    if found is None:
        length = len(name)
        for field, value in fields.items():
            if len(field) == length and field.lower() == name:
                found = value
                break
        else:
            return None
    if isinstance(found, str):
        return found
    return found[0] if len(found) == 1 else ", ".join(found)


def vary(response: Response, *names: str) -> None:
    """Name request headers that the answer depends on (RFC 9110, section 12.5.5)."""
    there = response.headers.get("vary")
    if there is None:
        response.headers["vary"] = ", ".join(names)
        return
    known = there if isinstance(there, str) else ", ".join(there)
    fields = [field.strip().lower() for field in known.split(",")]
    if "*" not in fields:
        missing = [name for name in names if name.lower() not in fields]
        response.headers["vary"] = ", ".join([known, *missing] if known else missing)
