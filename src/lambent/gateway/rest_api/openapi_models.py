"""Models of Swagger and OpenAPI documents."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from lambent.gateway.apis.errors import BadApiRequest
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.rest_api.records import Model

_REFERENCES: Final = ("#/definitions/", "#/components/schemas/")
_NOT_IN_NAMES: Final = re.compile(r"[^a-zA-Z0-9]")
# Scalars of YAML are texts; where a schema has to have another type it is known by the keyword.
_NUMBERS: Final = frozenset(
    {
        "maximum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "minimum",
        "minItems",
        "minLength",
        "minProperties",
        "multipleOf",
    }
)
_FLAGS: Final = frozenset(
    {"additionalProperties", "exclusiveMaximum", "exclusiveMinimum", "nullable", "uniqueItems"}
)


def models_of(document: dict[str, Any], api_id: str) -> list[Model]:
    """The models that a document defines. Raises BadApiRequest."""
    schemas: dict[str, Any] = (
        document.get("definitions") or (document.get("components") or {}).get("schemas") or {}
    )
    for name, schema in schemas.items():
        if not isinstance(schema, dict):
            raise BadApiRequest(
                f"Invalid model specified: {name}: Validation Result: warnings : [], errors : [Invalid model schema "
                "specified]"
            )
    return [
        Model(
            id=new_id(6),
            name=model_name(name),
            content_type="application/json",
            description=schema.get("description"),
            schema=schema_text(schema, api_id),
        )
        for name, schema in schemas.items()
        if model_name(name)
    ]


def model_name(name: str) -> str:
    """How a schema is called as a model: letters and digits only."""
    return _NOT_IN_NAMES.sub("", name)


def schema_text(schema: Any, api_id: str) -> str:
    """A schema as a model has it: references lead to models of the API."""
    return msgspec.json.encode(_read(schema, api_id)).decode()


def referenced(schema: Any) -> str | None:
    """The name of the model that a schema refers to, and is nothing else."""
    reference = schema.get("$ref") if isinstance(schema, dict) else None
    if not isinstance(reference, str):
        return None
    for start in _REFERENCES:
        if reference.startswith(start):
            return model_name(reference.removeprefix(start))
    return None


def _read(schema: Any, api_id: str) -> Any:
    if isinstance(schema, list):
        return [_read(one, api_id) for one in schema]
    if not isinstance(schema, dict):
        return schema
    name = referenced(schema)
    if name is not None:
        return {"$ref": f"https://apigateway.amazonaws.com/restapis/{api_id}/models/{name}"}
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if isinstance(value, str):
            if key in _NUMBERS:
                value = _number(value)
            elif key in _FLAGS and value in ("true", "false"):
                value = value == "true"
        found[key] = value if key in ("enum", "example", "default") else _read(value, api_id)
    return found


def _number(text: str) -> Any:
    try:
        return int(text)
    except ValueError:
        try:
            return float(text)
        except ValueError:
            return text
