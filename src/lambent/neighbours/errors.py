"""What can go wrong with a neighbour.

NeighbourError
├── NeighbourDown       nobody answers there, or the answer broke off
├── NeighbourLacks      it does not serve this service or operation
└── NeighbourFaulty     it met an error of its own
ObjectError             an object in S3 cannot be had
├── ObjectRefused       S3 says no: with its code and message
└── ObjectTooLarge      it is larger than the caller takes
NetworkRefused          EC2 says no, to a question about networks: with its code and message
"""

from __future__ import annotations


class NeighbourError(Exception):
    """A request got no proper answer. The text is for the client: it names the service and what to do."""


class NeighbourDown(NeighbourError):
    """Nobody answers, or the answer broke off. `status` is what HTTP calls it: 502, 503 or 504."""

    def __init__(self, message: str, status: int = 503) -> None:
        super().__init__(message)
        self.status = status


class NeighbourLacks(NeighbourError):
    """The neighbour does not serve this."""


class NeighbourFaulty(NeighbourError):
    """The neighbour met an error of its own."""


class ObjectError(Exception):
    """An object in S3 cannot be had."""


class ObjectRefused(ObjectError):
    """S3's own refusal: its error code and message."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message


class ObjectTooLarge(ObjectError):
    """The object is larger than the caller takes; no more than that much of it was read."""


class NetworkRefused(Exception):
    """EC2's own refusal of `operation`: its error code and message."""

    def __init__(self, operation: str, code: str, message: str) -> None:
        super().__init__(f"{operation}: {code}: {message}")
        self.operation = operation
        self.code = code
        self.message = message
