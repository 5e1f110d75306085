"""Tokens of pages: the key of the last item of the page before, in letters that URLs and forms leave as they are."""

from __future__ import annotations

import base64
import binascii


def token_of(key: str) -> str:
    """A token."""
    return base64.urlsafe_b64encode(key.encode()).decode()


def key_of(token: str) -> str:
    """What a token stands for. Raises ValueError for what `token_of` has not made."""
    try:
        return base64.b64decode(token.encode(), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeError) as error:
        raise ValueError(f"no token: {error}") from None
