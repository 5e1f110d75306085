"""MOCK integrations: answers that a configuration has in it.

"Set up mock integrations in API Gateway" of the developer guide: the request template says the status by which the
integration response is chosen, `{"statusCode": 200}`. What cannot be read as that is answered 500, as on AWS; names and
texts without quotes can (`{statusCode:200}`, which frameworks write for CORS).
"""

from __future__ import annotations

import json
import logging
import re
from typing import TYPE_CHECKING, Final

from lambent.gateway.rest_api.refusals import INTERNAL, UNSUPPORTED_TYPE
from lambent.gateway.rest_api.templating import (
    NoTemplate,
    Replied,
    RequestMapping,
    ResponseMapping,
)
from lambent.gateway.rest_api.velocity_nodes import TemplateRefused

if TYPE_CHECKING:
    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Integration

_BARE_NAME: Final = re.compile(r"([{,]\s*)'?([A-Za-z_][A-Za-z0-9_]*)'?\s*:")

_log = logging.getLogger(__name__)


class MockIntegration:
    """Answers by itself."""

    def __init__(self, integration: Integration) -> None:
        self._request = RequestMapping(integration)
        self._response = ResponseMapping(integration)

    def __call__(self, exchange: RestExchange) -> None:
        """Answer."""
        try:
            body, _ = self._request.body(exchange)
            status = _status(body)
            exchange.integration_status = 200
            answer = None if status is None else self._response.of(exchange, Replied(str(status), [], b""))
        except NoTemplate:
            exchange.refuse(UNSUPPORTED_TYPE)
        except TemplateRefused as error:
            _log.warning("%s of API %s: its template: %s", exchange.method.key, exchange.stage.api.id, error)
            exchange.refuse(INTERNAL, f"Execution failed due to configuration error: {error}")
        else:
            if answer is None:
                reason = (
                    "Unable to parse statusCode. It should be an integer that is defined in the request template."
                    if status is None
                    else "No match for output mapping and no default output mapping configured"
                )
                exchange.refuse(INTERNAL, f"Execution failed due to configuration error: {reason}")
            else:
                exchange.answer(*answer)


def _status(body: bytes) -> int | None:
    """The status that a request template says; None where it says none."""
    text = body.decode("utf-8", "replace").strip()
    if not text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        try:
            value = json.loads(_BARE_NAME.sub(r'\1"\2":', text))
        except (ValueError, RecursionError):
            return None
    status = value.get("statusCode") if isinstance(value, dict) else None
    if isinstance(status, str) and status.isdigit():
        status = int(status)
    return status if isinstance(status, int) and not isinstance(status, bool) else None
