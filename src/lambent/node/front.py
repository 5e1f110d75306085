"""The seam before the platform: a program that embeds one sees every request from outside first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lambent.http import Request


class Front(Protocol):
    """What `Platform.start` can be given. Requests of functions and of the platform itself do not come by here: they go
    to a listener of their own (`Platform.inside_url`). Nor do those to hosts that are not answered.
    """

    request_type: type[Request]
    """What requests from outside are: `Request`, or a kind of it that tells more of what becomes of them."""

    def handle(self, request: Request) -> bool:
        """Take a request: answer it, now or later, or hand it on: `Platform.handle`, `Platform.gateway.door.serve`.

        False leaves it to the platform. Called on the event loop; may be called before `Platform.start` has returned.
        """

    def takes(self, request: Request) -> bool:
        """Whether a request with a large body, of which the head alone is there, is for an API that `handle` will have
        serve it: it is then read whole and has an API's limit, where it would have a service's.
        """
