"""URLs of functions: their configuration. Serving them is the HTTP front door's.

Rules are AWS's (recorded: `TestLambdaUrl`). A URL belongs to a function or to one of its aliases, never to a
version.
"""

from __future__ import annotations

import secrets
import string
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.functions.attachments import FunctionUrl
from lambent.functions.errors import FunctionUrlExists, NoFunctionUrl, NoSuchFunction
from lambent.functions.transitions import now_ms

if TYPE_CHECKING:
    from lambent.functions.record import FunctionRecord

_ALPHABET = string.ascii_lowercase + string.digits
_ID_LENGTH = 32


def check_alias(record: FunctionRecord, alias: str) -> None:
    """Raise NoSuchFunction unless `alias` is "" or an alias of the function."""
    if alias and alias not in record.aliases:
        raise NoSuchFunction


def created(record: FunctionRecord, alias: str, **members: Any) -> FunctionRecord:
    """The record with a URL for the function (alias "") or an alias; members of FunctionUrl.

    Raises NoSuchFunction, FunctionUrlExists.
    """
    check_alias(record, alias)
    if alias in record.urls:
        raise FunctionUrlExists(f"{record.arn}:{alias}" if alias else record.arn)
    now = now_ms()
    url_id = "".join(secrets.choice(_ALPHABET) for _ in range(_ID_LENGTH))
    url = FunctionUrl(url_id=url_id, created_ms=now, modified_ms=now, **members)
    return replace(record, urls={**record.urls, alias: url})


def updated(record: FunctionRecord, alias: str, **members: Any) -> FunctionRecord:
    """The record with a changed URL. Raises NoSuchFunction, NoFunctionUrl."""
    check_alias(record, alias)
    url = record.urls.get(alias)
    if url is None:
        raise NoFunctionUrl
    return replace(record, urls={**record.urls, alias: replace(url, modified_ms=now_ms(), **members)})


def deleted(record: FunctionRecord, alias: str) -> FunctionRecord:
    """The record without a URL. Raises NoFunctionUrl."""
    if alias not in record.urls:
        raise NoFunctionUrl
    return replace(record, urls={name: url for name, url in record.urls.items() if name != alias})
