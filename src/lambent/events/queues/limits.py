"""How much of the queues is kept in memory."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """The defaults make a million queued messages cost no more than some thousand.

    `window`: so many messages of a queue are kept before what is sent is only counted. `low`: with fewer than so many
    at hand more are loaded, `chunk` at a time. `bodies`: bytes of bodies that all queues together keep.
    """

    window: int = 2000
    low: int = 250
    chunk: int = 250
    bodies: int = 64_000_000
