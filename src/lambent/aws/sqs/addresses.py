"""Queue URLs: all forms in which clients name a queue, and the one in which it is named to them.

`http://127.0.0.1:4566/000000000000/orders` is what the platform gives out, with the host that the client has used.
Taken are also AWS's hosts, which say the region (`sqs.eu-west-1.amazonaws.com`, `eu-west-1.queue.amazonaws.com`),
`…/queue/eu-west-1/000000000000/orders`, and a name alone, as SQS takes it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.aws.errors import ServiceError

if TYPE_CHECKING:
    from lambent.events.queues import Queue

_URL: Final = re.compile(
    r"(?:https?://(?P<host>[^/?#]*))?(?:/queue/(?P<region>[a-z0-9-]+))?/(?P<account>\d{12})/(?P<name>[^/?#]+)/?"
)
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
_SUBDOMAIN: Final = re.compile(
    r"(?:sqs\.(?P<first>[a-z]{2}(?:-[a-z]+)+-\d)|(?P<second>[a-z]{2}(?:-[a-z]+)+-\d)\.queue)\."
)
_KEPT: Final = 10_000
_LONGEST_KEPT: Final = 300


class Address(NamedTuple):
    """Where a queue is; None is the caller's own account or region."""

    account: str | None
    region: str | None
    name: str


_addresses: dict[str, Address] = {}


def address_of(url: str) -> Address:
    """The address that a queue URL says. ServiceError (InvalidAddress) for what is none."""
    found = _addresses.get(url)
    if found is None:
        found = _parsed(url)
        if len(url) <= _LONGEST_KEPT:
            if len(_addresses) >= _KEPT:
                _addresses.clear()
            _addresses[url] = found
    return found


def _parsed(url: str) -> Address:
    match = _URL.fullmatch(url)
    if match is not None:
        named = _SUBDOMAIN.match(match["host"] or "")
        region = match["region"] or (named and (named["first"] or named["second"])) or None
        return Address(match["account"], region, match["name"])
    if _NAME.fullmatch(url):
        return Address(None, None, url)
    raise ServiceError("InvalidAddress", f"The address {url} is not valid for this endpoint.", status=404)


def url_of(queue: Queue, reached_at: str) -> str:
    """The URL of a queue for somebody who has reached the platform at `reached_at` (`http://host:4566`)."""
    return f"{reached_at}/{queue.account}/{queue.name}"
