"""A record of a stream on its way to a function."""

from __future__ import annotations


class StreamRecord:
    """One record.

    `key`: what keeps records in order where a shard is read by several at once. `json`: the record as functions get
    it. `arrival_ms`: when the stream took it, in ms since the epoch. `done`: whether nothing has to happen with it
    any more.
    """

    __slots__ = ("arrival_ms", "done", "json", "key", "sequence")

    def __init__(self, sequence: str, key: str | bytes, json: bytes, arrival_ms: int) -> None:
        self.sequence = sequence
        self.key = key
        self.json = json
        self.arrival_ms = arrival_ms
        self.done = False
