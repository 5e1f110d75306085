"""The front door: finds out what a request is for, and hands it to what serves that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.gateway.addresses import Addresses
from lambent.gateway.call import text_of

if TYPE_CHECKING:
    from lambent.gateway.urls import FunctionUrls
    from lambent.http import Request


class FrontDoor:
    """Takes the requests that are for function URLs and APIs. False from `handle` leaves one to the platform itself."""

    def __init__(self, urls: FunctionUrls) -> None:
        self._addresses = Addresses()
        self._urls = urls

    def handle(self, request: Request) -> bool:
        """Answer a request, now or later, if it is for something that is served here."""
        host = b""
        for name, value in request.headers:
            if name == b"host":
                host = value
                break
        address = self._addresses.of(host, request.target)
        if address is None:
            return False
        path = request.path[address.skip :].decode("latin-1")
        if address.kind == "url":
            self._urls.handle(request, address.id, text_of(host), path)
            return True
        return False
