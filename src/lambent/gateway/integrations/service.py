"""Services behind HTTP APIs: `SQS-SendMessage`, `EventBridge-PutEvents` and the others of their kind.

"Integration subtype reference" of the developer guide. The integration's request parameters are the members of the
service's operation, as texts or expressions; what the service answers is passed to the client as it is.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.gateway.http_api.expressions import Expression, Values
from lambent.http.client import ExchangeFailed
from lambent.neighbours.service_calls import ServiceCall, ServiceMissing

if TYPE_CHECKING:
    from lambent.gateway.apis.records import Integration
    from lambent.gateway.http_api.exchange import Exchange
    from lambent.gateway.integrations.tasks import Tasks
    from lambent.neighbours.service_calls import CallService


_SERVICES: Final = {
    "AppConfig": "appconfig",
    "EventBridge": "events",
    "Kinesis": "kinesis",
    "SQS": "sqs",
    "StepFunctions": "stepfunctions",
}
_NUMBERS: Final = frozenset({"DelaySeconds", "MaxNumberOfMessages", "VisibilityTimeout", "WaitTimeSeconds"})
_DOCUMENTS: Final = frozenset(
    {"AttributeNames", "MessageAttributeNames", "MessageAttributes", "MessageSystemAttributes", "Resources"}
)
_LISTS: Final = frozenset({"AttributeNames", "MessageAttributeNames", "Resources"})
_PASSED_BACK: Final = frozenset({"content-type", "x-amzn-requestid", "x-amzn-errortype"})

# Members of botocore's that are spelled differently from the guide's.
_CAMEL: Final = frozenset({"stepfunctions"})

_log = logging.getLogger(__name__)


class ServiceIntegration:
    """Asks one service for one thing."""

    def __init__(
        self,
        integration: Integration,
        account: str,
        region: str,
        call_service: CallService | None,
        tasks: Tasks,
    ) -> None:
        name, _, self._operation = (integration.integration_subtype or "").partition("-")
        self._service = _SERVICES.get(name, "")
        self._subtype = integration.integration_subtype
        given = dict(integration.request_parameters or {})
        region_given = given.pop("Region", None)
        self._region = Expression(region_given or region)
        self._parameters = {key: Expression(value) for key, value in given.items()}
        self._account = account
        self._role = integration.credentials_arn or ""
        self._seconds = integration.timeout_in_millis / 1000
        self._call_service = call_service
        self._tasks = tasks

    def __call__(self, exchange: Exchange) -> None:
        """Have the service answer."""
        exchange.begin()
        self._tasks.start(exchange, self._ask(exchange))

    async def _ask(self, exchange: Exchange) -> None:
        try:
            if self._call_service is None or not self._service:
                raise ServiceMissing(f"nothing here serves {self._subtype}")
            call = self._call(exchange)
            async with asyncio.timeout(self._seconds):
                answer = await self._call_service(call)
        except ServiceMissing as error:
            _log.warning("route %s: %s", exchange.route.key, error)
            exchange.break_off(500, "Internal Server Error", str(error))
        except TimeoutError:
            exchange.break_off(
                503, "Service Unavailable", f"{self._subtype} took longer than {self._seconds:g} seconds"
            )
        except ExchangeFailed as error:
            _log.warning("route %s: %s: %s", exchange.route.key, self._subtype, error)
            exchange.break_off(503, "Service Unavailable", str(error))
        except ValueError as error:
            _log.warning("route %s: %s: %s", exchange.route.key, self._subtype, error)
            exchange.break_off(400, "Bad Request", str(error))
        else:
            if not exchange.end():
                return
            exchange.integration_status = exchange.backend_status = answer.status
            headers = [pair for pair in answer.headers if pair[0].lower() in _PASSED_BACK]
            if answer.status >= 400:
                exchange.integration_error = answer.body[:1024].decode("utf-8", "replace")
            exchange.integrated(answer.status, headers, answer.body)

    def _call(self, exchange: Exchange) -> ServiceCall:
        values = Values(exchange)
        found: dict[str, Any] = {}
        for name, expression in self._parameters.items():
            value = _member(name, expression, values)
            if value is not None:
                found[name] = value
        region = self._region.text(values) or exchange.stage.deployed.api.region
        return ServiceCall(
            self._service, self._operation, self._input(found), region, self._account, self._role
        )

    def _input(self, found: dict[str, Any]) -> dict[str, Any]:
        if self._service == "events":
            return {"Entries": [found]}
        if self._service in _CAMEL:
            return {name[:1].lower() + name[1:]: value for name, value in found.items()}
        if self._service == "kinesis" and "Data" in found:
            return {**found, "Data": _blob(found["Data"])}
        return found


def _member(name: str, expression: Expression, values: Values) -> Any:
    """The value of a member. Raises ValueError."""
    if name in _DOCUMENTS:
        value = expression.value(values)
        if isinstance(value, str):
            try:
                value = msgspec.json.decode(value)
            except msgspec.DecodeError:
                if name not in _LISTS:
                    raise ValueError(f"{name} is not JSON") from None
                value = [one.strip() for one in value.split(",")]
        return value
    text = expression.text(values)
    if text is None:
        return None
    if name in _NUMBERS:
        try:
            return int(text)
        except ValueError:
            raise ValueError(f"{name} is no number: {text}") from None
    return text


def _blob(text: str) -> bytes:
    """A blob is in base64; what is not is taken as it is."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return text.encode()
