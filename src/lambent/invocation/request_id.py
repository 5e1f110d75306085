"""Request ids and trace headers, from random bytes drawn in bulk.

A call of `os.urandom` per id would cost more than the rest of it.
"""

from __future__ import annotations

import os
import time
from typing import Final

_BLOCK: Final = 4096


class _RandomHex:
    __slots__ = ("_at", "_text")

    def __init__(self) -> None:
        self._text = ""
        self._at = 0

    def take(self, digits: int) -> str:
        at = self._at
        end = at + digits
        if end > len(self._text):
            self._text = os.urandom(_BLOCK).hex()
            at, end = 0, digits
        self._at = end
        return self._text[at:end]


_random = _RandomHex()
_take = _random.take


def random_hex(digits: int) -> str:
    """Random hexadecimal digits, at most 4096."""
    return _take(digits)


def new_request_id() -> str:
    """A version 4 UUID as text."""
    h = _take(32)
    return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"


def new_trace_header(lineage: str) -> str:
    """An X-Ray header of an unsampled trace, as Lambda makes one when the caller sent none.

    `Root=1-{epoch seconds}-{96 bits};Parent={64 bits};Sampled=0;Lineage={see `lineage`}`
    """
    h = _take(40)
    return f"Root=1-{int(time.time()):08x}-{h[:24]};Parent={h[24:]};Sampled=0;Lineage={lineage}"


def forget() -> None:
    """Drop what was drawn: a forked process must not hand out the same ids."""
    _random.__init__()  # type: ignore[misc]


os.register_at_fork(after_in_child=forget)
