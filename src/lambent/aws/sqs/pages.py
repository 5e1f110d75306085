"""Lists of queues in pages."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final

from lambent.aws.sqs.errors import invalid, invalid_value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.events.queues import Queue

_MOST: Final = 1_000


def page(queues: Sequence[Queue], most: int | None, token: str | None) -> tuple[list[Queue], str | None]:
    """At most `most` of queues that are sorted by name, from where `token` says, and the token of the next page.

    Without `most` there are 1,000 and no token, as in SQS. A token is the name of the last queue of a page, so what is
    created and deleted meanwhile moves nothing. ServiceError.
    """
    if most is not None and not 1 <= most <= _MOST:
        raise invalid_value(most, "MaxResults", f"Must be between 1 and {_MOST}, if provided.")
    if token:
        after = _name(token)
        queues = [queue for queue in queues if queue.name > after]
    found = list(queues[: most or _MOST])
    if most is None or len(queues) <= most:
        return found, None
    return found, base64.b64encode(found[-1].name.encode()).decode()


def _name(token: str) -> str:
    try:
        return base64.b64decode(token, validate=True).decode()
    except (binascii.Error, ValueError):
        raise invalid("Invalid or expired next token.") from None
