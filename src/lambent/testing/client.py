"""The client: calls a function as its triggers do, in this process."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.testing import events
from lambent.testing.answers import Answer, answer_of
from lambent.testing.gateway import gateway
from lambent.testing.triggers import Triggers
from lambent.testing.verbs import Verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from http.cookiejar import CookieJar
    from typing import Self

    from lambent.testing.answers import Source
    from lambent.testing.events.fields import Cookies, Headers, Query

_FACTORIES: dict[str, Callable[..., dict[str, Any]]] = {
    "http.v2": events.http_v2,
    "http.v1": events.http_v1,
    "function_url": events.function_url,
    "alb": events.alb,
    "alb_multi": events.alb,
}


class Client(Verbs, Triggers):
    """Calls `app`, an App or any other handler of Lambda, with events as AWS delivers them.

    `source` is what requests come through: an HTTP API or a REST API ("http.v2", "http.v1"), a function URL, a load
    balancer ("alb", and "alb_multi" if its target group has multi-value headers). `context` is Lambda's context object
    for all calls, or a function that makes one for each; without it each has a fresh `LambdaContext`. With
    `raise_errors` exceptions that would be answered with 500 are raised instead. With `keep_cookies` the cookies of
    answers are sent with later requests, as browsers do.

    Events and results go through JSON as in Lambda: TypeError is raised for a result that it could not send.

    At the end of a `with` block the environment ends: an App's services are closed, and so is its event loop. Both are
    made anew when it is called again.
    """

    def __init__(
        self,
        app: Callable[[Any, Any], Any],
        source: Source = "http.v2",
        context: Any = None,
        *,
        raise_errors: bool = False,
        keep_cookies: bool = False,
    ) -> None:
        if source not in _FACTORIES:
            raise ValueError(f"there is no source {source!r}; there are {', '.join(_FACTORIES)}")
        self.app: Any = app
        self.source: Source = source
        self.cookies: CookieJar | None = None
        if keep_cookies:
            from http.cookiejar import CookieJar

            self.cookies = CookieJar()
        self._context = context
        self._raise_errors = raise_errors

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        """End the environment. Raises what services raise when they are closed."""
        if hasattr(self.app, "services"):
            try:
                self.app.services.shut_down()
            finally:
                self.app.loop.close()

    def invoke(self, payload: Any = None, *, context: Any = None) -> Any:
        """A direct invocation with anything that msgspec encodes, or with an event of `lambent.testing.events`.

        Its result as the caller decodes it. Raises what the app raises.
        """
        event = msgspec.json.decode(msgspec.json.encode(payload))
        if context is None:
            context = self._context() if callable(self._context) else self._context
        if context is None:
            context = events.LambdaContext()
        with self._raising():
            result = self.app(event, context)
        gateway.hang_up()
        return _sent(result)

    @contextmanager
    def override(self, service: Any, instance: Any) -> Iterator[Any]:
        """Give `instance` to handlers that ask for the type `service`, within the `with` block.

        Raises AppError for what nobody provides.
        """
        restore = self.app.services.replace(service, instance)
        try:
            yield instance
        finally:
            restore()

    @contextmanager
    def _raising(self) -> Iterator[None]:
        if not self._raise_errors or not hasattr(self.app, "reraise"):
            yield
            return
        before, self.app.reraise = self.app.reraise, True
        try:
            yield
        finally:
            self.app.reraise = before

    # ------------------------------------------------------------ HTTP

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        headers: Headers | None = None,
        cookies: Cookies | None = None,
        json: Any = None,
        body: str | bytes | None = None,
        **options: Any,
    ) -> Answer:
        """A request; the answer as its caller sees it.

        `path` is as a client sends it, percent-encoded, and may have a query. `json` is anything that msgspec encodes.
        Values of `query` and `headers` may be lists. Other options are those of the source's event, such as
        `authorizer` or `stage`. Raises NoAnswer for a result that is no answer.
        """
        fields = _fields(headers)
        if json is not None:
            if body is not None:
                raise TypeError("a request has one body: give json or body")
            body = msgspec.json.encode(json).decode()
            if not any(name.lower() == "content-type" for name, _ in fields):
                fields.append(("content-type", "application/json"))
        if self.source == "alb_multi":
            options["multi_value"] = True
        make = _FACTORIES[self.source]
        members = {"query": query, "body": body, **options}
        if self.cookies is not None:
            cookies = [*_kept(self.cookies, make(method, path, headers=fields, **members)), *_texts(cookies)]
        event = make(method, path, headers=fields, cookies=cookies, **members)
        answer = answer_of(self.source, method, self.invoke(event))
        if self.cookies is not None:
            _keep(self.cookies, event, answer)
        return answer


def _sent(result: Any) -> Any:
    """A result as Lambda's runtime for Python sends it, decoded again (awslambdaric's lambda_runtime_marshaller)."""
    import json

    if isinstance(result, bytes):
        return result
    return json.loads(json.dumps(result, default=_decimal))


def _decimal(value: Any) -> Any:
    from decimal import Decimal

    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"Lambda cannot send {type(value).__name__} as JSON: {value!r}")


def _fields(headers: Any) -> list[tuple[str, str]]:
    pairs = headers.items() if hasattr(headers, "items") else headers or ()
    return [
        (name, each)
        for name, value in pairs
        for each in (value if isinstance(value, (list, tuple)) else (value,))
    ]


def _texts(cookies: Any) -> list[str]:
    if hasattr(cookies, "items"):
        return [f"{name}={value}" for name, value in cookies.items()]
    return list(cookies or ())


def _asked(event: dict[str, Any]) -> Any:
    """The request as `http.cookiejar` wants to see it."""
    from urllib.request import Request

    headers = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
    several = event.get("multiValueHeaders") or {}
    host = headers.get("host") or next(
        values[-1] for name, values in several.items() if name.lower() == "host"
    )
    return Request(f"https://{host}{event.get('rawPath') or event['path']}")


def _kept(jar: CookieJar, event: dict[str, Any]) -> list[str]:
    request = _asked(event)
    jar.add_cookie_header(request)
    return [pair.strip() for pair in (request.get_header("Cookie") or "").split(";") if pair.strip()]


def _keep(jar: CookieJar, event: dict[str, Any], answer: Answer) -> None:
    from email.message import Message

    message = Message()
    for cookie in answer.set_cookies:
        message["Set-Cookie"] = cookie

    class Received:
        def info(self) -> Message:
            return message

    jar.extract_cookies(Received(), _asked(event))  # type: ignore[arg-type]  # all that it asks of an answer
