"""Queues as SQS has them: standard and FIFO, durable, with dead letters and moves of messages.

What people send is on disk before they are told so; what they receive is chosen in memory. Imports lambent.store,
lambent.clock, lambent.functions (names) and lambent.invocation (ids); it knows nothing of AWS wire formats.
"""

from lambent.events.queues.errors import (
    InvalidAttributeName,
    InvalidAttributeValue,
    InvalidParameter,
    MessageNotInFlight,
    MissingParameter,
    MoveNotFound,
    OverLimit,
    PurgeInProgress,
    QueueError,
    QueueNameExists,
    QueueNotFound,
    ReceiptHandleInvalid,
)
from lambent.events.queues.limits import Limits
from lambent.events.queues.message import NewMessage, Received, Sent
from lambent.events.queues.moves import Move
from lambent.events.queues.queue import Queue
from lambent.events.queues.queues import Queues
from lambent.events.queues.settings import QueueSettings, RedriveAllowPolicy, RedrivePolicy
from lambent.events.queues.waiting import Cancellable

__all__ = [
    "Cancellable",
    "InvalidAttributeName",
    "InvalidAttributeValue",
    "InvalidParameter",
    "Limits",
    "MessageNotInFlight",
    "MissingParameter",
    "Move",
    "MoveNotFound",
    "NewMessage",
    "OverLimit",
    "PurgeInProgress",
    "Queue",
    "QueueError",
    "QueueNameExists",
    "QueueNotFound",
    "QueueSettings",
    "Queues",
    "ReceiptHandleInvalid",
    "Received",
    "RedriveAllowPolicy",
    "RedrivePolicy",
    "Sent",
]
