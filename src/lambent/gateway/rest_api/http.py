"""Other servers behind REST APIs: HTTP_PROXY and HTTP.

"Set up HTTP integrations in API Gateway" of the developer guide: a proxy passes headers, query and body on, and the
answer back; otherwise only what is mapped is sent. Path parameters in the URL come from `integration.request.path.…`.
Headers are marked as API Gateway does (`User-Agent` where there is none, `x-amzn-apigateway-api-id`; recorded in
localstack/localstack, test_apigateway_http.snapshot.json). One that does not answer is answered for with 504.
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from lambent.gateway.call import MAX_BODY
from lambent.gateway.integrations.variables import with_variables
from lambent.gateway.rest_api.refusals import (
    ENDPOINT_TIMED_OUT,
    INTERNAL,
    NETWORK_ERROR,
    UNSUPPORTED_TYPE,
)
from lambent.gateway.rest_api.templating import (
    NoTemplate,
    Replied,
    RequestMapping,
    ResponseMapping,
)
from lambent.gateway.rest_api.velocity_nodes import TemplateRefused
from lambent.http.client import ExchangeFailed
from lambent.http.hops import HOP_BY_HOP

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from lambent.gateway.integrations.origins import Origins
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Integration
    from lambent.gateway.rest_api.served import ServedStage

_PLACE: Final = re.compile(r"\{([^{}+]+)\+?\}")
_HOP_BY_HOP: Final = frozenset({"content-length", *(name.decode() for name in HOP_BY_HOP)})
_NOT_SENT: Final = _HOP_BY_HOP | {
    "host",
    "x-amzn-trace-id",
    "x-forwarded-for",
    "x-forwarded-port",
    "x-forwarded-proto",
}
_NOT_PASSED_BACK: Final = _HOP_BY_HOP | {"date"}
_REMAPPED: Final = frozenset({"server", "date", "connection", "content-md5", "www-authenticate"})
_SAFE: Final = "/!$&'()*+,;=:@~%"

_log = logging.getLogger(__name__)


class HttpIntegration:
    """Sends requests to one URL. `start` runs what has to wait."""

    def __init__(
        self,
        stage: ServedStage,
        integration: Integration,
        origins: Origins,
        start: Callable[[RestExchange, Coroutine[None, None, None]], None],
    ) -> None:
        uri = with_variables(integration.uri or "", stage.variables)
        url = urlsplit(uri)
        self._uri = uri
        self._scheme = url.scheme
        self._host = url.hostname or ""
        self._netloc = url.netloc.rpartition("@")[2]
        try:
            port = url.port
        except ValueError:
            port = None
        self._port = port or (443 if url.scheme == "https" else 80)
        self._path = url.path or "/"
        self._query = url.query
        self._method = (integration.http_method or "ANY").upper()
        self._proxy = integration.type == "HTTP_PROXY"
        self._request = RequestMapping(integration)
        self._response = ResponseMapping(integration)
        self._seconds = integration.timeout_in_millis / 1000
        self._origins = origins
        self._start = start

    def __call__(self, exchange: RestExchange) -> None:
        """Have the server answer."""
        if self._scheme not in ("http", "https") or not self._host:
            _log.warning("%s of API %s leads to %s", exchange.method.key, exchange.stage.api.id, self._uri)
            exchange.refuse(INTERNAL, "Execution failed due to configuration error: Invalid endpoint address")
            return
        exchange.begin()
        self._start(exchange, self._pass_on(exchange))

    async def _pass_on(self, exchange: RestExchange) -> None:
        call = exchange.call
        method = call.method if self._method == "ANY" else self._method
        try:
            target, headers, body = self._sent(exchange)
        except NoTemplate:
            exchange.break_off(UNSUPPORTED_TYPE, "no template is for the request's Content-Type")
            return
        except TemplateRefused as error:
            _log.warning("%s of API %s: its template: %s", exchange.method.key, exchange.stage.api.id, error)
            exchange.break_off(INTERNAL, f"Execution failed due to configuration error: {error}")
            return
        client = self._origins.client(self._scheme, self._host, self._port)
        try:
            async with asyncio.timeout(self._seconds):
                answer = await client.exchange(
                    method.encode("latin-1"), target.encode("latin-1"), headers, body
                )
                content = await answer.read(MAX_BODY)
        except TimeoutError:
            exchange.break_off(ENDPOINT_TIMED_OUT, f"{self._uri} took longer than {self._seconds:g} seconds")
            return
        except ExchangeFailed as error:
            _log.warning("%s of API %s: %s: %s", exchange.method.key, exchange.stage.api.id, self._uri, error)
            exchange.break_off(NETWORK_ERROR, f"{self._uri}: {error}")
            return
        if content is None:
            exchange.break_off(INTERNAL, f"{self._uri} answered more than {MAX_BODY} bytes")
            return
        if not exchange.end():
            return
        exchange.integration_status = answer.status
        passed = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in answer.headers
            if name.decode("latin-1") not in _NOT_PASSED_BACK
        ]
        self._answer(exchange, answer.status, passed, content)

    def _answer(
        self, exchange: RestExchange, status: int, headers: list[tuple[str, str]], content: bytes
    ) -> None:
        if self._proxy:
            exchange.answer(
                status,
                [
                    (f"x-amzn-Remapped-{name}" if name in _REMAPPED else name, value)
                    for name, value in headers
                ],
                content,
            )
            return
        try:
            answer = self._response.of(exchange, Replied(str(status), headers, content))
        except TemplateRefused as error:
            exchange.refuse(INTERNAL, f"Execution failed due to configuration error: {error}")
            return
        if answer is None:
            exchange.refuse(INTERNAL, "No match for output mapping and no default output mapping configured")
        else:
            exchange.answer(*answer)

    def _sent(self, exchange: RestExchange) -> tuple[str, list[tuple[bytes, bytes]], bytes]:
        """Target, headers and body. Raises NoTemplate, TemplateRefused."""
        call = exchange.call
        if self._proxy:
            body: bytes = call.request.body
            overrides: dict[str, Any] = {}
            query = parse_qsl(call.query, keep_blank_values=True)
            headers = {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in call.request.headers
                if name.decode("latin-1") not in _NOT_SENT
            }
        else:
            body, overrides = self._request.body(exchange)
            query = []
            headers = {"content-type": call.header("content-type") or "application/json"}
            if "accept" in call.headers:
                headers["accept"] = call.headers["accept"]
        path = {**self._request.parameters(exchange, "path"), **_texts(overrides.get("path"))}
        for name, value in {
            **self._request.parameters(exchange, "querystring"),
            **_texts(overrides.get("querystring")),
        }.items():
            query = [one for one in query if one[0] != name]
            query.append((name, value))
        for name, value in {
            **self._request.parameters(exchange, "header"),
            **_texts(overrides.get("header")),
        }.items():
            if name.lower() in _HOP_BY_HOP:
                continue  # how the request is framed is not for mappings to say
            headers = {key: one for key, one in headers.items() if key.lower() != name.lower()}
            headers[name] = value
        where = _PLACE.sub(lambda found: quote(path.get(found[1], ""), safe=_SAFE), self._path)
        text = "&".join(part for part in (self._query, urlencode(query)) if part)
        headers.setdefault("user-agent", f"AmazonAPIGateway_{exchange.stage.api.id}")
        for name in ("x-forwarded-for", "x-forwarded-port", "x-forwarded-proto"):
            if self._proxy:
                headers.setdefault(name, call.headers[name])
        headers |= {
            "x-amzn-apigateway-api-id": exchange.stage.api.id,
            "X-Amzn-Trace-Id": call.headers["x-amzn-trace-id"],
        }
        if not any(name.lower() == "host" for name in headers):
            headers["Host"] = self._netloc
        encoded = [(name.encode("latin-1"), _bytes(value)) for name, value in headers.items()]
        return where + (f"?{text}" if text else ""), encoded, body


def _texts(given: dict[str, object] | None) -> dict[str, str]:
    return {name: "" if value is None else str(value) for name, value in (given or {}).items()}


def _bytes(value: str) -> bytes:
    value = value.replace("\r", " ").replace("\n", " ")
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
