"""Listings in pages: a token stands for the last item before it, which may have gone in the meantime."""

from __future__ import annotations

import base64
import binascii
from typing import Any, Final

from lambent.aws.errors import ServiceError

MOST: Final = 100


def after(request: dict[str, Any]) -> str:
    """What a request's page comes after; empty for the first. Raises ServiceError."""
    token = request.get("NextToken")
    if not token:
        return ""
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError):
        raise ServiceError("ValidationException", "The NextToken you specify is not valid.") from None


def token(last: str) -> str:
    """The token of the page after the item `last`."""
    return base64.urlsafe_b64encode(last.encode()).decode()


def size(request: dict[str, Any]) -> int:
    """How many items a page has."""
    return int(request.get("MaxResults") or MOST)
