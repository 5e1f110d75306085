"""Integrations that are not served here: services of AWS without a function before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.gateway.rest_api.refusals import INTERNAL

if TYPE_CHECKING:
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Integration


class UnservedIntegration:
    """Says that it is not served."""

    def __init__(self, integration: Integration) -> None:
        self._message = (
            f"Integrations of type {integration.type} with {integration.uri} are not served by this platform"
        )

    def __call__(self, exchange: RestExchange) -> None:
        """Answer 500."""
        exchange.refuse(INTERNAL.saying(self._message), self._message)
