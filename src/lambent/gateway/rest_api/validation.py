"""What request validators check: required parameters and bodies.

"Request validation for REST APIs" of the developer guide: schemas are of draft 4, references lead to other models of
the API. The message for missing parameters is recorded (localstack/localstack, test_apigateway_common.snapshot.json).
"""

from __future__ import annotations

import asyncio
import logging
from importlib import import_module
from itertools import islice
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

import msgspec

from lambent.gateway.rest_api.refusals import BAD_BODY, BAD_PARAMETERS, INTERNAL
from lambent.gateway.rest_api.time_limit import LONGEST_S, TimeLimit, TookTooLong

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.rest_api.exchange import RestExchange
    from lambent.gateway.rest_api.records import Method, Model, RequestValidator
    from lambent.gateway.rest_api.refusals import Refusal

_JSON: Final = "application/json"
_MOST_PROBLEMS: Final = 10
_LARGE: Final = 16_384
_BYTES_A_SECOND: Final = 500_000

Problem = tuple["Refusal", str]

_log = logging.getLogger(__name__)


class RequestValidation:
    """The checks of one method."""

    def __init__(self, validator: RequestValidator, method: Method, models: Mapping[str, Model]) -> None:
        required = [name for name, needed in (method.request_parameters or {}).items() if needed]
        self._required = [
            tuple(name.split(".", 3)[2:])
            for name in (required if validator.validate_request_parameters else ())
        ]
        named = (method.request_models or {}) if validator.validate_request_body else {}
        self._names = {kind.lower(): name for kind, name in named.items() if name in models}
        self._models = models
        self._schemas: dict[str, Any] | None = None if self._names else {}
        # Whoever writes expressions that never end has them run where time is limited.
        self._has_expressions = any('"pattern' in (model.schema or "") for model in models.values())

    def waits(self, exchange: RestExchange) -> bool:
        """Whether a request is for `acheck`: schemas have to be read, or a large body to be gone through."""
        return self._schemas is None or (
            len(exchange.call.request.body) > _LARGE and bool(self._names) and not self._has_expressions
        )

    async def acheck(self, exchange: RestExchange) -> Problem | None:
        """`check`, in a thread where that takes long."""
        if self._schemas is None:
            self._schemas = await asyncio.to_thread(self._read)
        if self.waits(exchange):
            return await asyncio.to_thread(self.check, exchange)
        return self.check(exchange)

    def check(self, exchange: RestExchange) -> Problem | None:
        """What is wrong with a request, and why, if anything is."""
        missing = [name for place, name in self._required if not _given(exchange, place, name)]
        if missing:
            message = f"Missing required request parameters: [{', '.join(missing)}]"
            return BAD_PARAMETERS.saying(message), message
        return self._check_body(exchange) if self._schemas else None

    def _check_body(self, exchange: RestExchange) -> Problem | None:
        assert self._schemas is not None
        kind = (exchange.call.header("content-type") or _JSON).partition(";")[0].strip().lower()
        validator = self._schemas.get(kind)
        if validator is None:
            return None
        body = exchange.call.request.body or b"{}"
        try:
            value = msgspec.json.decode(body)
            with TimeLimit(LONGEST_S + len(body) / _BYTES_A_SECOND):
                problems = [error.message for error in islice(validator.iter_errors(value), _MOST_PROBLEMS)]
        except (msgspec.DecodeError, RecursionError) as error:
            problems = [str(error)]
        except TookTooLong:
            _log.warning("a model of %s: checking a body against it takes too long", exchange.method.key)
            return INTERNAL, "The request body could not be validated in time"
        except Exception as flaw:  # noqa: BLE001 - schemas may be wrong in any way, and only show it when they are used
            _log.warning("a model of %s cannot be used: %s", exchange.method.key, flaw)
            return None
        return (BAD_BODY, f"[{', '.join(problems)}]") if problems else None

    def _read(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for kind, name in self._names.items():
            try:
                found[kind] = _validator(self._models[name], self._models)
            except Exception as flaw:  # noqa: BLE001 - schemas may be wrong in any way
                _log.warning("the model %s cannot be used: %s", name, flaw)
        return found


def _given(exchange: RestExchange, place: str, name: str) -> bool:
    if place == "header":
        return bool(exchange.call.header(name))
    if place == "path":
        return bool(exchange.parameters.get(name))
    return any(key == name and value for key, value in parse_qsl(exchange.call.query, keep_blank_values=True))


def _validator(model: Model, models: Mapping[str, Model]) -> Any:
    # Imported where they are needed: few APIs validate bodies, and it takes 100 ms. They have no types that agree.
    jsonschema: Any = import_module("jsonschema")
    referencing: Any = import_module("referencing")
    draft4: Any = import_module("referencing.jsonschema").DRAFT4

    def retrieve(uri: str) -> Any:
        found = models.get(uri.rpartition("/")[2])
        if found is None:
            raise referencing.exceptions.NoSuchResource(uri)
        return draft4.create_resource(msgspec.json.decode(found.schema or "{}"))

    schema = msgspec.json.decode(model.schema or "{}")
    return jsonschema.Draft4Validator(schema, registry=referencing.Registry(retrieve=retrieve))
