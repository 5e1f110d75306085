"""Listings in pages: a token stands for the last item before it, which may have gone in the meantime."""

from __future__ import annotations

from typing import Any, Final

from lambent.aws.errors import ServiceError
from lambent.aws.page_tokens import key_of

MOST: Final = 100


def after(request: dict[str, Any]) -> str:
    """What a request's page comes after; empty for the first. Raises ServiceError."""
    token = request.get("NextToken")
    if not token:
        return ""
    try:
        return key_of(token)
    except ValueError:
        raise ServiceError("ValidationException", "The NextToken you specify is not valid.") from None


def size(request: dict[str, Any]) -> int:
    """How many items a page has."""
    return int(request.get("MaxResults") or MOST)
