"""Messages as they are handed out."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lambent.events.queues import receipts
from lambent.events.queues.message import Received, details_of
from lambent.events.queues.numbering import sequence_number

if TYPE_CHECKING:
    from lambent.events.queues.message import Message


def handed_out(message: Message, *, fifo: bool) -> Received:
    """What somebody gets who receives a message now; its body is in memory."""
    body, row = message.body or "", message.row
    details = details_of(message)
    if not message.md5:
        message.md5 = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
    return Received(
        message.message_id,
        receipts.receipt(row, message.count, int(message.message_id[:8], 16)),
        body,
        details.attributes,
        message.md5,
        details.md5_attributes,
        message.sent_ms,
        message.first_ms,
        message.count,
        message.group,
        message.deduplication_id,
        sequence_number(row) if fifo else None,
        message.sender,
        details.trace,
        details.lineage,
        details.source_arn,
    )
