"""Identifiers as API Gateway makes them: lower-case letters and digits."""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Container

_ALPHABET = string.ascii_lowercase + string.digits


def new_id(length: int, taken: Container[str] = ()) -> str:
    """A random identifier that is not in `taken`: APIs and API mappings 10 characters, deployments, VPC links,
    authorizers and models 6, all others 7.
    """
    while True:
        number = secrets.randbelow(len(_ALPHABET) ** length)  # imports make hundreds of ids at once
        made = ""
        for _ in range(length):
            number, place = divmod(number, len(_ALPHABET))
            made += _ALPHABET[place]
        if made not in taken:
            return made
