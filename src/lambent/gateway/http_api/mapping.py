"""Parameter mapping: what requests to integrations and answers from them are changed to.

"Transform API requests and responses for HTTP APIs" of the developer guide: keys are `append|overwrite|remove:` and
`header.name`, `querystring.name`, `path`, `statuscode`. What a value is not there for is left as it is.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from lambent.gateway.http_api.expressions import Expression, Values

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.http_api.exchange import Exchange

# "Reserved headers" of the same page: mappings do not touch these.
RESERVED: Final = frozenset(
    {
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-location",
        "forwarded",
        "keep-alive",
        "origin",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailers",
        "transfer-encoding",
        "upgrade",
        "via",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
    }
)
RESERVED_PREFIXES: Final = ("access-control-", "apigw-", "x-amz-", "x-amzn-")

_log = logging.getLogger(__name__)


class _Change:
    """One key with its value."""

    __slots__ = ("action", "name", "place", "value")

    def __init__(self, key: str, value: str) -> None:
        self.action, _, target = key.partition(":")
        self.place, _, self.name = target.partition(".")
        self.value = Expression(value)

    @property
    def reserved(self) -> bool:
        """Whether it is about a header that is not to be touched."""
        name = self.name.lower()
        return self.place == "header" and (name in RESERVED or name.startswith(RESERVED_PREFIXES))


def _changes(parameters: Mapping[str, str]) -> list[_Change]:
    found = [_Change(key, value) for key, value in parameters.items()]
    for change in found:
        if change.reserved:
            _log.warning("parameter mappings leave %s alone: it is reserved", change.name)
    return [change for change in found if not change.reserved]


class RequestMapping:
    """The request parameters of an integration."""

    def __init__(self, parameters: Mapping[str, str]) -> None:
        self._changes = _changes(parameters)

    def apply(
        self, exchange: Exchange, headers: list[tuple[str, str]], query: list[tuple[str, str]]
    ) -> tuple[list[tuple[str, str]], list[tuple[str, str]], str | None]:
        """Headers and query parameters as they are to be sent, and the path if it is to be another one."""
        values, path = Values(exchange), None
        for change in self._changes:
            value = None if change.action == "remove" else change.value.text(values)
            if change.place == "path":
                path = value
            elif change.place == "header":
                headers = _changed(headers, change, value, fold=True)
            elif change.place == "querystring":
                query = _changed(query, change, value, fold=False)
        return headers, query, path


class ResponseMapping:
    """The response parameters of an integration, by the status that it answers."""

    def __init__(self, parameters: Mapping[str, Mapping[str, str]]) -> None:
        self._changes = {status: _changes(changes) for status, changes in parameters.items()}

    def __call__(
        self, exchange: Exchange, status: int, headers: list[tuple[str, str]], body: bytes
    ) -> tuple[int, list[tuple[str, str]]]:
        """Status and headers as the client gets them."""
        changes = self._changes.get(str(status))
        if not changes:
            return status, headers
        values = Values(exchange, (headers, body))
        for change in changes:
            value = None if change.action == "remove" else change.value.text(values)
            if change.place == "statuscode":
                if value is not None and value.isdigit() and 200 <= int(value) <= 599:
                    status = int(value)
            elif change.place == "header":
                headers = _changed(headers, change, value, fold=True)
        return status, headers


def _changed(
    pairs: list[tuple[str, str]], change: _Change, value: str | None, *, fold: bool
) -> list[tuple[str, str]]:
    if value is None and change.action != "remove":
        return pairs
    if value is not None and ("\r" in value or "\n" in value or "\0" in value):
        return pairs
    if change.action != "append":
        name = change.name.lower() if fold else change.name
        pairs = [pair for pair in pairs if (pair[0].lower() if fold else pair[0]) != name]
    return pairs if value is None else [*pairs, (change.name, value)]
