"""Receipt handles: which message, and which of its receives.

Opaque to people. They hold after a restart, because they say everything themselves.
"""

from __future__ import annotations

import struct
from binascii import a2b_base64, b2a_base64
from typing import Final, NamedTuple

from lambent.events.queues.errors import ReceiptHandleInvalid

# Version, the row's id (queue and sequence), number of the receive, the beginning of the message's id.
_FORMAT: Final = struct.Struct(">BQIQ")
_VERSION: Final = 1

_pack = _FORMAT.pack


class Receipt(NamedTuple):
    """A receipt handle that has been read. `row`: of the message; `receive`: which of its receives, from 1."""

    row: int
    receive: int
    nonce: int

    def fits(self, message_id: str) -> bool:
        """Whether it was given out for the message with this id."""
        return self.nonce == _nonce(message_id)


def receipt(row: int, receive: int, message_id: str) -> str:
    """A receipt handle. It holds a part of the message's id, so that nobody makes one up."""
    return b2a_base64(_pack(_VERSION, row, receive, _nonce(message_id)), newline=False).decode()


def read(handle: str) -> Receipt:
    """What a receipt handle says. Raises ReceiptHandleInvalid."""
    try:
        version, row, receive, nonce = _FORMAT.unpack(a2b_base64(handle, strict_mode=True))
    except (ValueError, struct.error):
        raise ReceiptHandleInvalid(handle) from None
    if version != _VERSION:
        raise ReceiptHandleInvalid(handle)
    return Receipt(row, receive, nonce)


def _nonce(message_id: str) -> int:
    return int(message_id[:8], 16)
