"""The Date header, made once a second."""

from __future__ import annotations

import time
from email.utils import formatdate

_second = -1
_line = b""


def http_date() -> bytes:
    """`Date: Sat, 21 Nov 2026 02:43:59 GMT` and CRLF, for now."""
    global _second, _line
    second = int(time.time())
    if second != _second:
        _second = second
        _line = b"Date: " + formatdate(second, usegmt=True).encode() + b"\r\n"
    return _line
