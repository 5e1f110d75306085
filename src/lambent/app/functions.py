"""Function-to-function calls: `price = invoke("pricing", order, response_type=Price)`.

Source: the Lambda API's Invoke operation. The size limits are those of "Lambda quotas" in the Developer Guide.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec

from lambent.app.client.errors import PayloadTooLarge
from lambent.app.encoding import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.client.connection import Answer

_T = TypeVar("_T")

LARGEST = 6_291_456
"""Bytes of a synchronous call's payload, and of its answer."""

LARGEST_ASYNC = 1_048_576
"""Bytes of an asynchronous call's payload."""

LONGEST = 900.0
"""Seconds that a function may take."""

CORRELATION = "correlation-id"
"""The member of the client context's `custom` that carries the caller's correlation id."""

_LARGEST_CONTEXT = 3_583
_ENVELOPE = "lambent:call"
_decoders: dict[Any, Callable[[bytes], Any]] = {}


class FunctionCallError(Exception):
    """The called function has raised, timed out or died.

    `name` is the function's, `error_type` (`ValueError`, `Sandbox.Timedout`), `error_message` and `stack_trace` (lines)
    are what Lambda says of it. `payload` is its whole answer in bytes.
    """

    def __init__(
        self, name: str, error_type: str, error_message: str, stack_trace: list[str], payload: bytes = b""
    ) -> None:
        super().__init__(f"{name}: {error_type}: {error_message}")
        self.name = name
        self.error_type = error_type
        self.error_message = error_message
        self.stack_trace = stack_trace
        self.payload = payload

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.name, self.error_type, self.error_message, self.stack_trace, self.payload)


class UnexpectedResult(ValueError):
    """The called function answered something that is not of the type wanted."""


@overload
def invoke(
    name: str, payload: Any = None, *, qualifier: str | None = None, timeout: float | None = None
) -> Any: ...
@overload
def invoke(
    name: str,
    payload: Any = None,
    *,
    response_type: type[_T],
    qualifier: str | None = None,
    timeout: float | None = None,
) -> _T: ...
def invoke(
    name: str,
    payload: Any = None,
    *,
    response_type: Any = Any,
    qualifier: str | None = None,
    timeout: float | None = None,
) -> Any:
    """Call a function and wait for its result.

    `name` is a function's name or ARN; of a function of the same app it is the name in the code, and the variable
    LAMBENT_FUNCTION_<NAME> tells how it is deployed. `payload` is anything that is JSON (a `msgspec.Raw` is sent as it
    is), `timeout` the seconds to wait, 900 without one. The correlation id goes along in the client context, as
    `custom["correlation-id"]`, and the trace in X-Ray's header. What Lambda itself refuses for now is tried again: its
    throttling and 5xx; a call is not, once it was sent and no answer came.

    Raises FunctionCallError when the function failed, UnexpectedResult when its result is not a `response_type`,
    PayloadTooLarge above 6 MB, and AWSError for the rest.
    """
    body = _encoded(name, payload, LARGEST, "a call")
    headers = {"content-type": "application/json"}
    context = _client_context()
    if context is not None:
        headers["x-amz-client-context"] = context
    answer = _post(name, headers, body, qualifier, LONGEST if timeout is None else timeout)
    if answer.headers.get("x-amz-function-error"):
        raise _failure(name, answer.body)
    if response_type is None or not answer.body:
        return None
    return _decoded(name, answer.body, response_type)


def invoke_async(
    name: str, payload: Any = None, *, qualifier: str | None = None, correlated: bool = False
) -> None:
    """Have a function called: returns when Lambda has queued the event, and nobody waits for a result.

    X-Ray's header goes along; a client context does not reach functions that are called so. With `correlated` the event
    is `{"lambent:call": {"correlation_id": …}, "payload": …}`, which the function has to take apart with `unwrap`.

    Raises PayloadTooLarge above 1 MB, and AWSError.
    """
    if correlated:
        from lambent.app.client.propagation import correlation_id

        payload = {_ENVELOPE: {"correlation_id": correlation_id()}, "payload": payload}
    body = _encoded(name, payload, LARGEST_ASYNC, "an asynchronous call")
    _post(name, {"content-type": "application/json", "x-amz-invocation-type": "Event"}, body, qualifier, 60.0)


@overload
async def ainvoke(
    name: str,
    payload: Any = None,
    *,
    qualifier: str | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - invoke's
) -> Any: ...
@overload
async def ainvoke(
    name: str,
    payload: Any = None,
    *,
    response_type: type[_T],
    qualifier: str | None = None,
    timeout: float | None = None,  # noqa: ASYNC109 - invoke's
) -> _T: ...
async def ainvoke(name: str, payload: Any = None, **options: Any) -> Any:
    """`invoke` for `async` handlers: waits in a thread, and others go on meanwhile."""
    import asyncio

    return await asyncio.to_thread(lambda: invoke(name, payload, **options))


async def ainvoke_async(
    name: str, payload: Any = None, *, qualifier: str | None = None, correlated: bool = False
) -> None:
    """`invoke_async` for `async` handlers: Lambda's answer, that it has queued the event, is waited for in a thread."""
    import asyncio

    await asyncio.to_thread(invoke_async, name, payload, qualifier=qualifier, correlated=correlated)


def unwrap(event: Any) -> tuple[Any, str | None]:
    """The payload and the correlation id of an event: of `invoke_async(…, correlated=True)`, or any other (None)."""
    if isinstance(event, dict) and len(event) == 2 and "payload" in event:
        envelope = event.get(_ENVELOPE)
        if isinstance(envelope, dict):
            found = envelope.get("correlation_id")
            return event["payload"], found if isinstance(found, str) else None
    return event, None


def correlation_of(context: Any) -> str | None:
    """The caller's correlation id, out of the context of a function that was called with `invoke`."""
    custom = getattr(getattr(context, "client_context", None), "custom", None)
    found = custom.get(CORRELATION) if isinstance(custom, dict) else None
    return found if isinstance(found, str) else None


def _encoded(name: str, payload: Any, largest: int, what: str) -> bytes:
    body = encode(payload)
    if len(body) > largest:
        raise PayloadTooLarge(
            f"{name}: the payload is {len(body):,} bytes of JSON, and {what} takes {largest:,}: "
            "put it into a bucket and send its key"
        )
    return body


def _client_context() -> str | None:
    """What carries the correlation id; None without one, or with one that Lambda would not take for its size."""
    from binascii import b2a_base64

    from lambent.app.client.propagation import correlation_id

    found = correlation_id()
    if found is None:
        return None
    text = b2a_base64(msgspec.json.encode({"custom": {CORRELATION: found}}), newline=False).decode()
    return text if len(text) <= _LARGEST_CONTEXT else None


def _post(name: str, headers: dict[str, str], body: bytes, qualifier: str | None, timeout: float) -> Answer:
    from urllib.parse import quote

    from lambent.app.client.service import service

    name = _deployed(name)
    parts = name.split(":")
    return service("lambda").request(
        "POST",
        f"/2015-03-31/functions/{quote(name, safe='-._~')}/invocations",
        query="" if qualifier is None else f"Qualifier={quote(qualifier, safe='-._~')}",
        headers=headers,
        body=body,
        region=parts[3] if parts[0] == "arn" and len(parts) > 3 else None,
        timeout=timeout,
        repeatable=False,
    )


def _deployed(name: str) -> str:
    """The name that a function of the app has where it is deployed; others stay as they are."""
    if name.startswith("arn:"):
        return name
    from lambent.app.sources.naming import variable

    own, colon, qualifier = name.partition(":")
    told = os.environ.get(variable("function", own))
    return f"{told}{colon}{qualifier}" if told else name


def _failure(name: str, body: bytes) -> FunctionCallError:
    try:
        said = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        said = {"errorMessage": body[:1000].decode(errors="replace")}
    if not isinstance(said, dict):
        said = {"errorMessage": str(said)}
    trace = said.get("stackTrace")
    return FunctionCallError(
        name,
        str(said.get("errorType") or "Unhandled"),
        str(said.get("errorMessage") or ""),
        [str(line).rstrip("\n") for line in trace] if isinstance(trace, list) else [],
        body,
    )


def _decoded(name: str, body: bytes, response_type: Any) -> Any:
    from lambent.app.conversion import Invalid, NotDecodable, from_json

    decode = _decoders.get(response_type)
    if decode is None:
        decode = _decoders[response_type] = from_json(response_type)
    try:
        return decode(body)
    except Invalid as error:
        told = "; ".join(f"{place}: {reason}" if place else reason for place, reason in error.errors)
    except NotDecodable as error:
        told = str(error)
    wanted = getattr(response_type, "__name__", response_type)
    raise UnexpectedResult(f"{name}: the result is no {wanted}: {told}")
