"""How much a connection may do."""

from __future__ import annotations

from typing import NamedTuple


class ConnectionLimits(NamedTuple):
    """Source: "Quotas for configuring and running a WebSocket API" of the API Gateway developer guide.

    What comes without a source is this platform's own.
    """

    message_bytes: int = 131_072
    frame_bytes: int = 32_768
    idle_s: float = 600.0
    """How long a connection may be without any frame."""
    duration_s: float = 7_200.0
    integration_s: float = 29.0
    """How long a function or another server may take."""
    calls: int = 32
    """How many messages of one connection may be at work; the next ones are not read until some of them are done."""
    buffered_bytes: int = 1_048_576
    """How much may wait for a client that does not read."""
    closing_s: float = 5.0
    """How long a client may take to answer a close frame."""
    sweep_s: float = 1.0
    """How often idle and old connections are looked for."""
