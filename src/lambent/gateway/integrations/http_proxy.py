"""Other servers behind HTTP APIs: the request is passed on, and so is the answer.

"Create HTTP proxy integrations for HTTP APIs" and "Working with the $default route" of the developer guide: the
integration's URL with path parameters in it, and of the `$default` route the whole path behind it. Headers are those of
the client, but for the Host, and with `Forwarded` and `Via`, as HTTP APIs send them instead of X-Forwarded-*. One that
does not answer in time, or at all, is answered for with 503 (captured: cortexlabs/cortex#1225).
"""

from __future__ import annotations

import asyncio
import logging
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from lambent.gateway.call import MAX_BODY
from lambent.gateway.http_api.mapping import RequestMapping
from lambent.gateway.integrations.variables import with_variables
from lambent.http.client import ExchangeFailed
from lambent.http.hops import HOP_BY_HOP

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.apis.records import Integration
    from lambent.gateway.http_api.exchange import Exchange
    from lambent.gateway.integrations.origins import Origins
    from lambent.gateway.integrations.tasks import Tasks

_PLACE: Final = re.compile(r"\{([^{}+]+)\+?\}")
_HOP_BY_HOP: Final = frozenset({"content-length", *(name.decode() for name in HOP_BY_HOP)})
_NOT_SENT: Final = _HOP_BY_HOP | {"host", "forwarded", "via", "x-amzn-trace-id"}
# The server says the date itself.
_NOT_PASSED_BACK: Final = _HOP_BY_HOP | {"date", "apigw-requestid"}
_VIA: Final = "HTTP/1.1 AmazonAPIGateway"
# What may stand in a path as it is.
_SAFE: Final = "/!$&'()*+,;=:@~"

_log = logging.getLogger(__name__)


class HttpProxyIntegration:
    """Passes requests on to one URL."""

    def __init__(
        self, integration: Integration, variables: Mapping[str, str], origins: Origins, tasks: Tasks
    ) -> None:
        uri = with_variables(integration.integration_uri or "", variables)
        # Braces of path parameters may stand in the name of the host as well, but then there is no one origin.
        url = urlsplit(uri)
        self._uri = uri
        self._scheme = url.scheme
        self._host = url.hostname or ""
        self._netloc = url.netloc.rpartition("@")[2]
        self._port = url.port or (443 if url.scheme == "https" else 80)
        self._path = url.path
        self._query = url.query
        self._method = (integration.integration_method or "ANY").upper()
        self._private = integration.connection_type == "VPC_LINK"
        parameters = integration.request_parameters
        self._mapping = RequestMapping(parameters) if parameters else None
        self._seconds = integration.timeout_in_millis / 1000
        self._origins = origins
        self._tasks = tasks

    def __call__(self, exchange: Exchange) -> None:
        """Have the server answer."""
        if self._scheme not in ("http", "https") or not self._host:
            kind = "a VPC link leads" if self._private else "the integration leads"
            _log.warning("route %s: %s to %s, which is no URL", exchange.route.key, kind, self._uri)
            exchange.fail(503, "Service Unavailable", f"{self._uri} cannot be reached")
            return
        exchange.begin()
        self._tasks.start(exchange, self._pass_on(exchange))

    async def _pass_on(self, exchange: Exchange) -> None:
        call = exchange.call
        method = call.method if self._method == "ANY" else self._method
        target, headers = self._request(exchange)
        client = self._origins.client(self._scheme, self._host, self._port)
        try:
            async with asyncio.timeout(self._seconds):
                answer = await client.exchange(
                    method.encode("latin-1"), target.encode("latin-1"), headers, call.request.body
                )
                body = await answer.read(MAX_BODY)
        except TimeoutError:
            exchange.break_off(
                503, "Service Unavailable", f"{self._uri} took longer than {self._seconds:g} seconds"
            )
            return
        except ExchangeFailed as error:
            _log.warning("route %s: %s: %s", exchange.route.key, self._uri, error)
            exchange.break_off(503, "Service Unavailable", f"{self._uri}: {error}")
            return
        if body is None:
            _log.warning("route %s: %s answered more than %d bytes", exchange.route.key, self._uri, MAX_BODY)
            exchange.break_off(
                500, "Internal Server Error", f"{self._uri} answered more than {MAX_BODY} bytes"
            )
            return
        if not exchange.end():
            return
        exchange.integration_status = exchange.backend_status = answer.status
        passed = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in answer.headers
            if name.decode("latin-1") not in _NOT_PASSED_BACK
        ]
        exchange.integrated(answer.status, passed, body)

    def _request(self, exchange: Exchange) -> tuple[str, list[tuple[bytes, bytes]]]:
        """The target and the headers."""
        call = exchange.call
        headers = [
            (name.decode("latin-1"), value.decode("latin-1"))
            for name, value in call.request.headers
            if name.decode("latin-1") not in _NOT_SENT
        ]
        path = _PLACE.sub(lambda found: quote(exchange.parameters.get(found[1], ""), safe=_SAFE), self._path)
        if exchange.route.key == "$default":
            path = path.rstrip("/") + quote(exchange.path, safe=_SAFE)
        query = call.query
        if self._mapping is not None:
            pairs = parse_qsl(query, keep_blank_values=True)
            headers, changed, mapped = self._mapping.apply(exchange, headers, list(pairs))
            if changed != pairs:
                query = urlencode(changed)
            if mapped is not None:
                path = quote(mapped, safe=_SAFE + "%")
        query = "&".join(part for part in (self._query, query) if part)
        target = (path if path.startswith("/") else f"/{path}") + (f"?{query}" if query else "")
        scheme = "https" if call.request.secure else "http"
        server = call.request.connection.transport.get_extra_info("sockname")
        by = f"by={server[0]};" if server else ""
        earlier = call.headers.get("forwarded")
        forwarded = f"{by}for={call.source_ip};host={call.host};proto={scheme}"
        via = call.headers.get("via")
        if not any(name.lower() == "host" for name, _ in headers):
            headers.append(("Host", self._netloc))
        headers += [
            ("Forwarded", f"{earlier}, {forwarded}" if earlier else forwarded),
            ("Via", f"{via}, {_VIA}" if via else _VIA),
            ("X-Amzn-Trace-Id", call.headers["x-amzn-trace-id"]),
        ]
        return target, [(name.encode("latin-1"), _bytes(value)) for name, value in headers]


def _bytes(value: str) -> bytes:
    try:
        return value.encode("latin-1")
    except UnicodeEncodeError:
        return value.encode()
