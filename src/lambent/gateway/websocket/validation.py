"""Messages that a route checks before it hands them on: JSON schemas.

Source: "Request validation for WebSocket APIs" of the developer guide. Schemas are of draft 4; references lead to other
models of the same API and nowhere else.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.gateway.websocket.selection import selector

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.gateway.apis.deployed import Deployed
    from lambent.gateway.apis.records import Route

_log = logging.getLogger(__name__)


class Validation:
    """The models of a route, and the expression that chooses among them."""

    def __init__(self, deployed: Deployed, route: Route) -> None:
        self._select = selector(route.model_selection_expression or "$default")
        schemas = {name: msgspec.json.decode(model.schema) for name, model in deployed.models.items()}
        self._validators: dict[str, Any] = {}
        try:
            for key, name in (route.request_models or {}).items():
                if name in schemas:
                    self._validators[key] = _validator(schemas[name], schemas)
        except ImportError as error:
            _log.error(
                "route %s takes no message, as its models cannot be checked: %s", route.route_key, error
            )

    def accepts(self, message: str) -> bool:
        """Whether a message is as its model wants it; without a model for it, it is not."""
        key = self._select(message)
        validator = self._validators.get(key or "$default") or self._validators.get("$default")
        if validator is None:
            return False
        try:
            return bool(validator.is_valid(msgspec.json.decode(message)))
        except (msgspec.DecodeError, RecursionError):
            return False
        except Exception as flaw:  # noqa: BLE001 - schemas may be wrong in any way, and only show it when they are used
            _log.warning("a model cannot be used: %s", flaw)
            return False


def _validator(schema: Any, models: Mapping[str, Any]) -> Any:
    # Imported where they are needed: few APIs have models, and it takes 100 ms. They have no types that agree.
    jsonschema: Any = import_module("jsonschema")
    referencing: Any = import_module("referencing")
    draft4: Any = import_module("referencing.jsonschema").DRAFT4

    def retrieve(uri: str) -> Any:
        try:
            return draft4.create_resource(models[uri.rpartition("/")[2]])
        except KeyError:
            raise referencing.exceptions.NoSuchResource(uri) from None

    return jsonschema.Draft4Validator(schema, registry=referencing.Registry(retrieve=retrieve))


def validation_of(deployed: Deployed, route: Route) -> Validation | None:
    """What checks the messages of a route; None where nothing does."""
    return None if route.model_selection_expression is None else Validation(deployed, route)
