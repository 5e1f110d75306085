"""What answers the requests of an HTTP API: functions, other servers, services of the platform.

May import what the gateway may.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.gateway.http_api.exchange import Exchange

Integrate: TypeAlias = "Callable[[Exchange], None]"
"""Answers an exchange, now or later; within its time limit or not. Does not raise."""

Respond: TypeAlias = (
    "Callable[[Exchange, int, list[tuple[str, str]], bytes], tuple[int, list[tuple[str, str]]]]"
)
"""Changes status and headers of what an integration has answered: parameter mapping."""
