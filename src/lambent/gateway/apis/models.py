"""Models of WebSocket APIs: JSON schemas, and templates that make samples of them.

Refusals are worded as API Gateway does where that is known: recorded by badmintoncryer/cdk-preflight
(rules/apigatewayv2).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiConflict, ApiNotFound, BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.apis.merging import cleared
from lambent.gateway.apis.records import Model

if TYPE_CHECKING:
    from lambent.gateway.apis.definition import Content

_NAME: Final = re.compile(r"[a-zA-Z0-9]{1,128}")
_SCHEMA_LENGTH: Final = 32_768
_SAMPLES: Final = {"string": '"foo"', "integer": "42", "number": "3.149", "boolean": "true", "null": "null"}
# How deep a schema that refers to itself is followed.
_DEPTH: Final = 8


def get(content: Content, model_id: str) -> Model:
    """One model. Raises ApiNotFound."""
    model = content.models.get(model_id)
    if model is None:
        raise ApiNotFound(f"Invalid Model identifier specified {model_id}")
    return model


def create(content: Content, members: dict[str, Any]) -> tuple[Content, Model]:
    """Add a model. Raises BadApiRequest, ApiConflict."""
    given = {key: value for key, value in members.items() if value is not None}
    return _put(content, Model(model_id=new_id(6, content.models), **given))


def update(content: Content, model_id: str, members: dict[str, Any]) -> tuple[Content, Model]:
    """Change a model. Raises ApiNotFound, BadApiRequest, ApiConflict."""
    given = cleared(members)
    for member in ("content_type", "name", "schema"):
        if given.get(member, "-") is None:
            raise BadApiRequest(f"Model {member.replace('_', ' ')} must not be empty")
    return _put(content, replace(get(content, model_id), **given))


def delete(content: Content, model_id: str) -> tuple[Content, None]:
    """Remove a model that no route uses. Raises ApiNotFound, ApiConflict."""
    model = get(content, model_id)
    for route in content.routes.values():
        if model.name in (route.request_models or {}).values():
            raise ApiConflict(
                f"Cannot delete model '{model.name}', is referenced in route: {route.route_key}"
            )
    rest = {key: value for key, value in content.models.items() if key != model_id}
    return replace(content, models=rest), None


def template(model: Model) -> str:
    """A mapping template that makes a sample of the model."""
    schema = msgspec.json.decode(model.schema)
    return f"#set($inputRoot = $input.path('$'))\n{_sample(schema, schema, '', _DEPTH)}"


def _put(content: Content, model: Model) -> tuple[Content, Model]:
    if content.api.protocol_type == "HTTP":
        raise BadApiRequest("Currently, Models are not permitted for APIs with a protocol type of HTTP")
    if not _NAME.fullmatch(model.name):
        raise BadApiRequest(f"Model name must be alphanumeric: {model.name}")
    if any(one.name == model.name and one.model_id != model.model_id for one in content.models.values()):
        raise ApiConflict("Model name already exists for this API")
    if len(model.schema) > _SCHEMA_LENGTH:
        raise BadApiRequest(f"Model schema must be at most {_SCHEMA_LENGTH} characters in length")
    try:
        schema = msgspec.json.decode(model.schema)
    except msgspec.DecodeError:
        schema = None
    if not isinstance(schema, dict):
        raise BadApiRequest(
            "Invalid model specified: Validation Result: warnings : [], errors : [Invalid model schema specified]"
        )
    return replace(content, models={**content.models, model.model_id: model}), model


def _sample(schema: Any, root: dict[str, Any], indent: str, depth: int) -> str:
    if not isinstance(schema, dict) or not depth:
        return "{ }"
    reference = schema.get("$ref")
    if isinstance(reference, str) and reference.startswith("#/definitions/"):
        found = root.get("definitions", {}).get(reference.removeprefix("#/definitions/"))
        return _sample(found, root, indent, depth - 1)
    kind = schema.get("type", "object")
    if isinstance(kind, str) and kind in _SAMPLES:
        return _SAMPLES[kind]
    inner = indent + "  "
    if kind == "array":
        return f"[ {_sample(schema.get('items', {}), root, inner, depth - 1)} ]"
    properties = schema.get("properties")
    if not isinstance(properties, dict) or not properties:
        return "{ }"
    lines = [
        f'{inner}"{name}" : {_sample(member, root, inner, depth - 1)}' for name, member in properties.items()
    ]
    return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
