"""The front door: finds out what a request is for, and hands it to what serves that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from lambent.gateway.addresses import Address, Addresses, domain_of
from lambent.gateway.call import text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.apis import ApiRegistry
    from lambent.gateway.http_api import Domains, HttpApis
    from lambent.gateway.http_api.domains import Mapped
    from lambent.gateway.rest_api import RestApis
    from lambent.gateway.urls import FunctionUrls
    from lambent.gateway.websocket import WebSocketApis
    from lambent.http import Request


_MAX_HOSTS: Final = 4096


class FrontDoor:
    """Takes the requests that are for function URLs, APIs and custom domain names.

    Requests to hosts that are none of these, and not `is_allowed` (a name in lower case, without port), are refused.
    `rest_apis` may be set when there are any.
    """

    def __init__(
        self,
        registry: ApiRegistry,
        urls: FunctionUrls,
        http_apis: HttpApis,
        websockets: WebSocketApis,
        domains: Domains,
        is_allowed: Callable[[str], bool] | None = None,
        rest_apis: RestApis | None = None,
    ) -> None:
        self._addresses = Addresses()
        self._registry = registry
        self._urls = urls
        self._http_apis = http_apis
        self._websockets = websockets
        self._domains = domains
        self._is_allowed = is_allowed
        self.rest_apis = rest_apis
        self._known: dict[bytes, Address | None] = {}
        self._generation = -1

    def takes(self, request: Request) -> bool:
        """Whether a request, of which the head is there, is for something that is served here."""
        return self._address(request)[0] is not None

    def handle(self, request: Request) -> bool:
        """Answer a request, now or later. False leaves one to the platform itself."""
        address, host = self._address(request)
        if address is None:
            return False
        path = request.path[address.skip :].decode("latin-1")
        name = text_of(host).lower()
        if address.kind == "url":
            self._urls.handle(request, address.id, name, path)
        elif address.kind == "domain":
            self._domain(request, address.id, name, path)
        elif address.kind == "refused":
            _refuse(request, address.id)
        else:
            self._api(request, address.id, name, path, None)
        return True

    def refuses(self, request: Request) -> bool:
        """Whether the request's host is none that is answered; then it has been told."""
        address, _ = self._address(request)
        if address is None or address.kind != "refused":
            return False
        _refuse(request, address.id)
        return True

    def serve(self, request: Request, api_id: str, path: str, stage: str) -> None:
        """Answer a request, now or later, as one to a stage of an API of any kind, whatever its host and path are.

        `path` is what the API is to see, as it was sent and without the stage; that of a WebSocket API is "/".
        """
        host = request.header(b"host") or b""
        self._api(request, api_id, text_of(host).lower(), path, stage)

    def _api(self, request: Request, api_id: str, host: str, path: str, stage: str | None) -> None:
        """Answer a request to an API; without `stage` the path tells it."""
        if self.rest_apis is not None and self.rest_apis.serves(api_id):
            self.rest_apis.handle(request, api_id, host, path, stage_name=stage)
            return
        api = self._registry.api(api_id)
        if api is not None and api.protocol_type == "WEBSOCKET":
            self._websockets.handle(request, api_id, host, path, stage=stage)
        else:
            self._http_apis.handle(request, api_id, host, path, stage_name=stage)

    def _domain(self, request: Request, domain: str, host: str, path: str) -> None:
        mapped = self._domains.mapped(domain, path or "/")
        if mapped is not None and self.rest_apis is not None and self.rest_apis.serves(mapped.api_id):
            self._rest(self.rest_apis, request, mapped, host, path)
            return
        api = self._registry.api(mapped.api_id) if mapped is not None else None
        if mapped is not None and api is not None and api.protocol_type == "WEBSOCKET":
            self._websockets.handle(request, mapped.api_id, host, mapped.path, stage=mapped.stage)
        else:
            self._http_apis.handle_domain(request, domain, host, path)

    @staticmethod
    def _rest(rest_apis: RestApis, request: Request, mapped: Mapped, host: str, path: str) -> None:
        stage, rest = mapped.stage, mapped.path
        if not stage:
            # The mapping leaves the stage to the path.
            stage, slash, rest = rest[1:].partition("/")
            rest = slash + rest
        rest_apis.handle_mapped(request, mapped.api_id, stage, host, rest, path)

    def _address(self, request: Request) -> tuple[Address | None, bytes]:
        host = b""
        for name, value in request.headers:
            if name == b"host":
                host = value
                break
        at_host = self._domain_at(host)
        if at_host is not None and at_host.kind == "refused":
            return at_host, host
        return self._addresses.of(host, request.target) or at_host, host

    def _domain_at(self, host: bytes) -> Address | None:
        """The custom domain name of a host, if it is one; known until a domain name changes."""
        if self._generation != self._registry.generation:
            self._generation = self._registry.generation
            self._known.clear()
        try:
            return self._known[host]
        except KeyError:
            pass
        named = domain_of(host)
        name = self._domains.name_of(named)
        if len(self._known) >= _MAX_HOSTS:
            self._known.clear()
        address = Address("domain", name) if name is not None else None
        if name is None and self._is_allowed is not None and not self._is_allowed(named):
            address = Address("refused", named)
        self._known[host] = address
        return address


def _refuse(request: Request, host: str) -> None:
    """A page of that name may have had it lead here, to do what only this machine's programs may."""
    text = (
        f"Requests to the host {host} are not answered here. To have them answered put it into allowed_hosts."
    )
    body = msgspec.json.encode({"message": text})
    request.respond(403, [("Content-Type", "application/json")], body)
