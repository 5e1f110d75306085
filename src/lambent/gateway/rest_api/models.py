"""Models and request validators of an API.

Messages are API Gateway's own, recorded in localstack/localstack,
tests/aws/services/apigateway/test_apigateway_api.snapshot.json.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from lambent.gateway.apis import records as shared
from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.models import template as shared_template
from lambent.gateway.rest_api import patches
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import Model, RequestValidator

if TYPE_CHECKING:
    from lambent.gateway.rest_api.definition import Definition
    from lambent.gateway.rest_api.patches import Operation

_NAME: Final = re.compile(r"[a-zA-Z0-9]+")
_LENGTH: Final = 400_000
_EMPTY: Final = "Model schema must have at least 1 property or array items defined"
_DRAFT: Final = "http://json-schema.org/draft-04/schema#"
_DEFAULTS: Final[dict[str, dict[str, Any]]] = {
    "Empty": {"$schema": _DRAFT, "title": "Empty Schema", "type": "object"},
    "Error": {
        "$schema": _DRAFT,
        "title": "Error Schema",
        "type": "object",
        "properties": {"message": {"type": "string"}},
    },
}
_NO_VALIDATOR: Final = "Invalid Request Validator identifier specified"


def default_models() -> list[Model]:
    """The models that each new API has."""
    return [
        Model(
            id=new_id(6),
            name=name,
            content_type="application/json",
            description=f"This is a default {name.lower()} schema model",
            schema=msgspec.json.format(msgspec.json.encode(schema)).decode(),
        )
        for name, schema in _DEFAULTS.items()
    ]


def get(definition: Definition, name: str) -> Model:
    """One model. Raises ApiNotFound."""
    model = definition.models.get(name)
    if model is None:
        raise ApiNotFound(f"Invalid model name specified: {name}")
    return model


def create(definition: Definition, members: dict[str, Any]) -> tuple[Definition, Model]:
    """Add a model. Raises BadApiRequest, ApiConflict."""
    name = members.get("name") or ""
    if not name:
        raise BadApiRequest("Model name must be non-empty")
    if not _NAME.fullmatch(name):
        raise BadApiRequest(f"Model name must be alphanumeric: {name}")
    if name in definition.models:
        raise ApiConflict("Model name already exists for this REST API")
    given = {key: value for key, value in members.items() if value is not None}
    given.setdefault("content_type", "application/json")
    model = Model(id=new_id(6), **given)
    _check(model)
    return replace(definition, models={**definition.models, name: model}), model


def update(definition: Definition, name: str, operations: list[Operation]) -> tuple[Definition, Model]:
    """Change a model. Raises ApiNotFound, BadApiRequest."""
    model = _MODEL.apply(get(definition, name), operations)
    _check(model)
    return replace(definition, models={**definition.models, name: model}), model


def delete(definition: Definition, name: str) -> tuple[Definition, None]:
    """Remove a model that no method uses. Raises ApiNotFound, ApiConflict."""
    get(definition, name)
    for resource in definition.resources.values():
        for method in resource.methods.values():
            place = f"{resource.path}/{method.http_method}"
            if name in (method.request_models or {}).values():
                raise ApiConflict(f"Cannot delete model '{name}', is referenced in method request: {place}")
            for response in (method.method_responses or {}).values():
                if name in (response.response_models or {}).values():
                    raise ApiConflict(
                        f"Cannot delete model '{name}', is referenced in method response: {place}"
                    )
    rest = {key: value for key, value in definition.models.items() if key != name}
    return replace(definition, models=rest), None


def template(model: Model) -> str:
    """A mapping template that makes a sample of the model."""
    return shared_template(shared.Model(model_id=model.id, name=model.name, schema=model.schema or "{}"))


def _check(model: Model) -> None:
    if not (model.schema or "").strip():
        raise BadApiRequest(_EMPTY)
    if len(model.schema or "") > _LENGTH:
        raise BadApiRequest(f"Model schema must be at most {_LENGTH} characters in length")
    if "json" not in model.content_type:
        return
    try:
        schema = msgspec.json.decode(model.schema or "")
    except (msgspec.DecodeError, RecursionError):
        schema = None
    if not isinstance(schema, dict):
        raise BadApiRequest(
            "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]"
        )
    if not schema:
        raise BadApiRequest(_EMPTY)


_MODEL: Final = Patches(
    {"/description": patches.text("description"), "/schema": patches.text("schema")}, style="listed"
)


def validator(definition: Definition, validator_id: str) -> RequestValidator:
    """One request validator. Raises ApiNotFound."""
    found = definition.validators.get(validator_id)
    if found is None:
        raise ApiNotFound(_NO_VALIDATOR)
    return found


def create_validator(definition: Definition, members: dict[str, Any]) -> tuple[Definition, RequestValidator]:
    """Add a request validator. Raises BadApiRequest."""
    made = RequestValidator(
        id=new_id(6, definition.validators),
        name=members.get("name") or "",
        validate_request_body=bool(members.get("validate_request_body")),
        validate_request_parameters=bool(members.get("validate_request_parameters")),
    )
    return replace(definition, validators={**definition.validators, made.id: made}), made


def update_validator(
    definition: Definition, validator_id: str, operations: list[Operation]
) -> tuple[Definition, RequestValidator]:
    """Change a request validator. Raises ApiNotFound, BadApiRequest."""
    changed = _VALIDATOR.apply(validator(definition, validator_id), operations)
    return replace(definition, validators={**definition.validators, validator_id: changed}), changed


def delete_validator(definition: Definition, validator_id: str) -> tuple[Definition, None]:
    """Remove a request validator that no method uses. Raises ApiNotFound, ApiConflict."""
    found = validator(definition, validator_id)
    for resource in definition.resources.values():
        for method in resource.methods.values():
            if method.request_validator_id == validator_id:
                raise ApiConflict(
                    f"Cannot delete request validator '{found.name}', is referenced in method: "
                    f"{resource.path}/{method.http_method}"
                )
    rest = {key: value for key, value in definition.validators.items() if key != validator_id}
    return replace(definition, validators=rest), None


_VALIDATOR: Final = Patches(
    {
        "/name": patches.text("name", required="Request Validator name cannot be blank"),
        "/validateRequestParameters": patches.flag("validate_request_parameters"),
        "/validateRequestBody": patches.flag("validate_request_body"),
    }
)
