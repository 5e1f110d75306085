"""One line for each invocation."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

from lambent.app.errors import AppError
from lambent.app.middleware.http import REQUESTS, header

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lambent.app.request import Request
    from lambent.app.response import Response

_FOR_REQUESTS: dict[str, Callable[[Request, Response], Any]] = {
    "method": lambda request, response: request.method,
    "path": lambda request, response: request.path,
    "route": lambda request, response: request.route or None,
    "status": lambda request, response: response.status,
    "request_bytes": lambda request, response: _request_bytes(request.event),
    "response_bytes": lambda request, response: _bytes(response.body),
    "source_ip": lambda request, response: request.source_ip,
    "user_agent": lambda request, response: header(request, "user-agent"),
    "error": lambda request, response: None if response.error is None else type(response.error).__name__,
}
_FOR_EVENTS: dict[str, Callable[[Any, BaseException | None], Any]] = {
    "kind": lambda invocation, error: invocation.kind,
    "resource": lambda invocation, error: resource_of(invocation),
    "outcome": lambda invocation, error: "ok" if error is None else "failed",
    "error": lambda invocation, error: None if error is None else type(error).__name__,
}
_FIELDS = (
    "method",
    "path",
    "route",
    "status",
    "duration_ms",
    "request_bytes",
    "response_bytes",
    "kind",
    "resource",
    "outcome",
    "error",
)


class RequestLog:
    """Logs a line for each request and each other invocation or record, when it has ended.

    fields      the keys of the lines. For requests: method, path, route, status, request_bytes, response_bytes,
                source_ip, user_agent; for other events: kind, resource (the queue, rule, bucket, … that it is from) and
                outcome ("ok" or "failed"); for all: duration_ms, and error, the class of an exception. source_ip and
                user_agent are left out by default.
    headers     names of request headers to log. None are by default: they carry secrets.
    extra       further keys, each with a function from the invocation.
    skip        routes and paths that are not logged, such as a health check's, unless they fail with 5xx.
    logger      a Logger; by default the app's for requests, and for other events one with the default settings.
    level       of the lines: "debug", "info", …. Answers of 5xx and failures are logged as "error".

    Bodies and query parameters are never logged. Exceptions become answers here, as the app gives them, and pass for
    other events.
    """

    def __init__(
        self,
        *,
        fields: Iterable[str] = _FIELDS,
        headers: Iterable[str] = (),
        extra: Mapping[str, Callable[[Any], Any]] | None = None,
        skip: Iterable[str] = (),
        logger: Any = None,
        level: str = "info",
    ) -> None:
        fields = tuple(fields)
        unknown = [
            name
            for name in fields
            if name not in _FOR_REQUESTS and name not in _FOR_EVENTS and name != "duration_ms"
        ]
        if unknown:
            raise AppError(
                f"RequestLog: there is no field {', '.join(unknown)}: use extra for those of your own"
            )
        self._for_requests = [(name, _FOR_REQUESTS[name]) for name in fields if name in _FOR_REQUESTS]
        self._for_events = [(name, _FOR_EVENTS[name]) for name in fields if name in _FOR_EVENTS]
        self._duration = "duration_ms" in fields
        self._headers = tuple(name.lower() for name in headers)
        self._extra = dict(extra or {})
        self._skip = frozenset(skip)
        self._logger = logger
        self._level = level.lower()
        if self._level not in ("debug", "info", "warning", "error", "critical"):
            raise AppError(f"RequestLog: there is no level {level!r}")

    def __call__(self, invocation: Any, call_next: Callable[[Any], Any]) -> Any:
        """Around what is synchronous."""
        began = perf_counter()
        try:
            result = call_next(invocation)
        except Exception as error:  # noqa: BLE001 - raised again, or answered as the app does
            return self._failed(invocation, error, began)
        self._ended(invocation, result, began)
        return result

    async def acall(self, invocation: Any, call_next: Callable[[Any], Any]) -> Any:
        """Around what is asynchronous."""
        began = perf_counter()
        try:
            result = await call_next(invocation)
        except Exception as error:  # noqa: BLE001 - raised again, or answered as the app does
            return await self._afailed(invocation, error, began)
        self._ended(invocation, result, began)
        return result

    def _ended(self, invocation: Any, result: Any, began: float) -> None:
        if invocation.kind in REQUESTS:
            self._request(invocation, result, began)
        else:
            self._event(invocation, None, began)

    def _failed(self, invocation: Any, error: Exception, began: float) -> Any:
        """The answer to a request. Raises the error for other events, and where the app does."""
        if invocation.kind not in REQUESTS:
            self._event(invocation, error, began)
            raise error
        try:
            response = invocation.app.http.failed(error, invocation)
        except Exception:
            self._event(invocation, error, began)
            raise
        self._request(invocation, response, began)
        return response

    async def _afailed(self, invocation: Any, error: Exception, began: float) -> Any:
        if invocation.kind not in REQUESTS:
            self._event(invocation, error, began)
            raise error
        try:
            response = await invocation.app.http.afailed(error, invocation)
        except Exception:
            self._event(invocation, error, began)
            raise
        self._request(invocation, response, began)
        return response

    def _request(self, request: Request, response: Response, began: float) -> None:
        status = response.status
        if status < 500 and self._skip and (request.route in self._skip or request.path in self._skip):
            return
        keys = {name: find(request, response) for name, find in self._for_requests}
        for name in self._headers:
            keys[name] = header(request, name)
        logger = self._logger or request.app.logger  # type: ignore[union-attr] # requests have their app here
        self._write(
            logger,
            f"{request.method} {request.route or request.path} {status}",
            keys,
            request,
            began,
            status >= 500,
        )

    def _event(self, invocation: Any, error: BaseException | None, began: float) -> None:
        if self._logger is None:
            if invocation.app is not None:
                self._write_event(invocation.app.logger, invocation, error, began)
                return
            from lambent.app.logger import Logger

            self._logger = Logger()
        self._write_event(self._logger, invocation, error, began)

    def _write_event(self, logger: Any, invocation: Any, error: BaseException | None, began: float) -> None:
        keys = {name: find(invocation, error) for name, find in self._for_events}
        outcome = "ok" if error is None else "failed"
        self._write(logger, f"{invocation.kind} {outcome}", keys, invocation, began, error is not None)

    def _write(
        self, logger: Any, text: str, keys: dict[str, Any], invocation: Any, began: float, failed: bool
    ) -> None:
        if self._duration:
            keys["duration_ms"] = round((perf_counter() - began) * 1000, 3)
        for name, find in self._extra.items():
            keys[name] = find(invocation)
        # What is not there is no key.
        keys = {name: value for name, value in keys.items() if value is not None}
        getattr(logger, "error" if failed else self._level)(text, extra=keys)


def resource_of(invocation: Any) -> str | None:
    """What an event is from: the name of a queue, stream, table, topic, bucket or rule, a trigger, a log group."""
    record = getattr(invocation, "record", None)
    event = invocation.event
    if not isinstance(record, dict):
        records = event.get("Records") if isinstance(event, dict) else None
        record = records[0] if isinstance(records, list) and records else event
    if not isinstance(record, dict):
        return None
    if "eventSourceARN" in record:
        arn: str = record["eventSourceARN"]
        name = arn.split(":", 5)[-1]
        return name.split("/")[1] if "/" in name else name
    if "Sns" in record:
        return str(record["Sns"].get("TopicArn", "")).rpartition(":")[2]
    if "s3" in record:
        return str(record["s3"]["bucket"]["name"])
    if "detail-type" in record:
        resources = record.get("resources") or ()
        rules = [one for one in resources if ":rule/" in one]
        return rules[0].rpartition("/")[2] if rules else str(record["detail-type"])
    for name in ("triggerSource", "methodArn", "alarmArn"):
        if name in record:
            return str(record[name])
    about = record.get("requestContext")
    return about.get("routeKey") if isinstance(about, dict) else None


def _bytes(body: str | bytes | None) -> int:
    if body is None:
        return 0
    return len(body.encode()) if isinstance(body, str) and not body.isascii() else len(body)


def _request_bytes(event: dict[str, Any]) -> int:
    body: str = event.get("body") or ""
    if event.get("isBase64Encoded"):
        return len(body) * 3 // 4 - body[-2:].count("=")
    return _bytes(body)
