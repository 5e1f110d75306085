"""What can be wrong with a request about queues and messages.

QueueError
├── QueueNotFound           no such queue
├── QueueNameExists         a queue of that name has other attributes
├── PurgeInProgress         purged less than 60 seconds ago
├── InvalidAttributeName    an attribute that does not exist, or not for this kind of queue
├── InvalidAttributeValue   a value that the attribute cannot have
├── InvalidParameter        a value that a parameter cannot have
├── MissingParameter        something that this kind of queue needs
├── ReceiptHandleInvalid    not a receipt handle of this queue
├── MessageNotInFlight      its visibility cannot be changed: nobody holds it
├── OverLimit               too many messages are in flight
└── MoveNotFound            no such queue, or no such move of messages

The words are those of SQS, as it was recorded and as its API reference has them.
"""

from __future__ import annotations


class QueueError(Exception):
    """Any refusal. Its text is complete."""


class QueueNotFound(QueueError):
    """No such queue."""

    def __init__(self) -> None:
        super().__init__("The specified queue does not exist.")


class QueueNameExists(QueueError):
    """A queue of that name has another value for an attribute."""

    def __init__(self, attribute: str) -> None:
        super().__init__(
            f"A queue already exists with the same name and a different value for attribute {attribute}"
        )


class PurgeInProgress(QueueError):
    """Purged less than 60 seconds ago."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Only one PurgeQueue operation on {name} is allowed every 60 seconds.")


class InvalidAttributeName(QueueError):
    """An attribute that does not exist, or not for this kind of queue."""


class InvalidAttributeValue(QueueError):
    """A value that the attribute cannot have."""


class InvalidParameter(QueueError):
    """A value that a parameter cannot have."""


class MissingParameter(QueueError):
    """Something that this kind of queue needs."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The request must contain the parameter {name}.")


class ReceiptHandleInvalid(QueueError):
    """Not a receipt handle of this queue."""

    def __init__(self, receipt: str) -> None:
        super().__init__(f'The input receipt handle "{receipt}" is not a valid receipt handle.')


class MessageNotInFlight(QueueError):
    """Nobody holds the message: its visibility cannot be changed."""

    def __init__(self, receipt: str) -> None:
        super().__init__(
            f"Value {receipt} for parameter ReceiptHandle is invalid."
            " Reason: Message does not exist or is not available for visibility timeout change."
        )


class OverLimit(QueueError):
    """Too many messages are in flight."""

    def __init__(self) -> None:
        super().__init__("Too many messages in flight.")


class MoveNotFound(QueueError):
    """No such queue, or no such move of messages."""
