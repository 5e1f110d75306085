"""The kinds of exchanges: what is done with a request's body, and with its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.execution.runtime_api.connection import Connection


class Ignored:
    """A request whose answer is clear from its head."""

    __slots__ = ("_answer", "_connection")

    def __init__(self, connection: Connection, answer: bytes) -> None:
        self._connection = connection
        self._answer = answer

    def body(self, data: bytes) -> None:
        """Drop it."""

    def complete(self, trailers: dict[bytes, bytes]) -> None:
        """Answer."""
        self._connection.answer(self._answer)

    def cut(self) -> None:
        """Nobody waits."""


class LongPoll:
    """A request that is answered when there is an invocation."""

    __slots__ = ("_abandoned", "_asked", "connection")

    def __init__(
        self, connection: Connection, asked: Callable[[LongPoll], None], abandoned: Callable[[LongPoll], None]
    ) -> None:
        self.connection = connection
        self._asked = asked
        self._abandoned = abandoned

    def body(self, data: bytes) -> None:
        """Drop it."""

    def complete(self, trailers: dict[bytes, bytes]) -> None:
        """Wait."""
        self._asked(self)

    def cut(self) -> None:
        """The runtime has given up."""
        self._abandoned(self)


class Collected:
    """A request whose body is wanted whole, up to `limit` bytes.

    `done` gets the body. With more, `exceeded` is called at once with the number of bytes, the rest is dropped
    and `done` gets None. `lost` is called when it was cut before either.
    """

    __slots__ = ("_done", "_exceeded", "_limit", "_lost", "_pieces", "_size")

    def __init__(
        self,
        limit: int,
        done: Callable[[bytes | None], None],
        exceeded: Callable[[int], None],
        lost: Callable[[], None],
    ) -> None:
        self._limit = limit
        self._done = done
        self._exceeded = exceeded
        self._lost = lost
        self._pieces: list[bytes] = []
        self._size = 0

    def body(self, data: bytes) -> None:
        """Keep it."""
        before, self._size = self._size, self._size + len(data)
        if self._size <= self._limit:
            self._pieces.append(data)
        elif before <= self._limit:
            self._pieces.clear()
            self._exceeded(self._size)

    def complete(self, trailers: dict[bytes, bytes]) -> None:
        """Hand it over."""
        pieces = self._pieces
        if self._size > self._limit:
            self._done(None)
        else:
            self._done(pieces[0] if len(pieces) == 1 else b"".join(pieces))

    def cut(self) -> None:
        """It will never be whole."""
        if self._size <= self._limit:
            self._lost()


class Streamed:
    """A request whose body is passed on piece by piece."""

    __slots__ = ("_chunk", "_ended", "_lost")

    def __init__(
        self,
        chunk: Callable[[bytes], None],
        ended: Callable[[dict[bytes, bytes]], None],
        lost: Callable[[], None],
    ) -> None:
        self._chunk = chunk
        self._ended = ended
        self._lost = lost

    def body(self, data: bytes) -> None:
        """Pass it on."""
        self._chunk(data)

    def complete(self, trailers: dict[bytes, bytes]) -> None:
        """Tell how it ended."""
        self._ended(trailers)

    def cut(self) -> None:
        """It ends in the middle."""
        self._lost()
