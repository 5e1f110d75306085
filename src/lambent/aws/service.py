"""What the dispatcher expects of a service."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, ClassVar, NamedTuple

from lambent.aws.context import RequestContext
from lambent.aws.model import snake_case

Method = Callable[[RequestContext, dict[str, Any]], Awaitable["dict[str, Any] | None"]]


class Service:
    """Base of the services: a public async method per operation, in the operation's name turned to
    snake_case.

    A method takes `(context, request)`. `request` holds the members that the client sent, parsed and
    validated: blobs as bytes, timestamps as aware datetimes in UTC. The result holds output members; those
    that are None stay off the wire. Blobs are bytes, timestamps aware datetimes or epoch seconds. A streaming
    blob may be an async iterator of bytes; an event stream is an async iterator of `{event name: {member:
    value}}`. Errors are raised as ServiceError.
    """

    name: ClassVar[str]
    """botocore's service name: `lambda`, `logs`."""

    def method(self, operation: str) -> Method | None:
        """The method that answers `operation` (`CreateFunction`), or None where this service has none."""
        found: Method | None = getattr(self, snake_case(operation), None)
        return found


class LaterService(NamedTuple):
    """A service that is made when it is first asked; `make` gives the same one to all who call it at once."""

    name: str
    """botocore's name for it."""
    make: Callable[[], Awaitable[Service]]
