"""A stream as its service shows it: shards, iterators, records; and what can go wrong when it is asked.

StreamError
├── StreamMissing    there is no such stream, or no service that has it
├── PositionLost     a position that the shard does not have any more, or a shard that is gone
├── IteratorExpired  an iterator that was not used for too long
├── AnswerTooLarge   more records in one answer than can be taken: ask for fewer
└── StreamBusy       throttled, not reachable, failing, refused: it may succeed later
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

import msgspec

from lambent.http.client import ExchangeFailed
from lambent.neighbours.service_calls import ServiceCall, ServiceMissing, error_of

if TYPE_CHECKING:
    from lambent.events.pollers.streams.record import StreamRecord
    from lambent.neighbours.service_calls import CallService, ServiceAnswer


class StreamError(Exception):
    """Any failure of a request to the stream's service."""


class StreamMissing(StreamError):
    """There is no such stream."""


class PositionLost(StreamError):
    """The shard does not reach back to that position any more, or is gone."""


class IteratorExpired(StreamError):
    """The iterator was not used for too long (5 minutes of Kinesis, 15 of DynamoDB)."""


class AnswerTooLarge(StreamError):
    """The answer has more records than can be taken at once."""


class StreamBusy(StreamError):
    """It may succeed later."""


_ERRORS: Final[dict[str, type[StreamError]]] = {
    "ResourceNotFoundException": StreamMissing,
    "ExpiredIteratorException": IteratorExpired,
    "TrimmedDataAccessException": PositionLost,
    "InvalidArgumentException": PositionLost,
}


class Shard(NamedTuple):
    """A shard of the stream. It is `closed` when nothing is added to it any more."""

    id: str
    parents: tuple[str, ...]
    closed: bool


class Listing(NamedTuple):
    """The shards of a stream, parents before children. `stream` tells one stream from another of the same name."""

    stream: str
    shards: list[Shard]


class Position(NamedTuple):
    """Where to read from: after a record, from a time on (ms since the epoch), or all that there is."""

    after: str | None = None
    since_ms: int | None = None
    latest: bool = False
    """Only what is added from now on."""


class Page(NamedTuple):
    """What one read has found. `iterator` is where to go on, None at the end of a closed shard.

    `at_tip`: whether there was nothing more at that moment.
    """

    records: list[StreamRecord]
    iterator: str | None
    at_tip: bool


class StreamService(Protocol):
    """A stream at its service. Every method raises StreamError."""

    most: int
    """Records that one read may ask for."""

    async def shards(self) -> Listing:
        """The shards that there are now."""

    async def iterator(self, shard: Shard, position: Position) -> str:
        """An iterator at a position."""

    async def records(self, shard: Shard, iterator: str, limit: int) -> Page:
        """What comes next, in order."""


class StreamCalls:
    """Requests to one service, in the name of a role, about things of one account and region."""

    def __init__(self, call_service: CallService, service: str, region: str, account: str) -> None:
        self._call_service = call_service
        self._service = service
        self._region = region
        self._account = account

    async def ask(self, operation: str, parameters: dict[str, Any], role: str = "") -> bytes:
        """The answer's body. Raises StreamError."""
        call = ServiceCall(self._service, operation, parameters, self._region, self._account, role)
        try:
            answer = await self._call_service(call)
        except ServiceMissing as error:
            raise StreamMissing(str(error)) from error
        except (ExchangeFailed, OSError) as error:
            raise StreamBusy(f"{self._service} cannot be reached: {error}") from error
        except ValueError as error:
            raise StreamBusy(f"{self._service} cannot be asked: {error}") from error
        if answer.status >= 300:
            raise _failure(self._service, operation, answer)
        if not answer.body:
            raise AnswerTooLarge(f"the answer of {self._service} to {operation} is too large")
        return answer.body


def decode(body: bytes, kind: type[Any]) -> Any:
    """A JSON answer. Raises StreamBusy for what is none."""
    try:
        return msgspec.json.decode(body, type=kind, strict=False)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise StreamBusy(
            f"the service has answered with something else than was asked for: {error}"
        ) from error


def _failure(service: str, operation: str, answer: ServiceAnswer) -> StreamError:
    code, message = error_of(answer)
    kind = _ERRORS.get(code, StreamBusy)
    if answer.status == 501:
        kind = StreamMissing
    return kind(f"{service} {operation}: {code or answer.status}{': ' if message else ''}{message}")
