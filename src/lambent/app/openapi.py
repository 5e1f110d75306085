"""OpenAPI 3.1 from the same type hints that requests are checked with.

`describe(app, …)` gives the document; `app.serve_openapi()` adds a route that answers with it. Schemas are JSON Schema
2020-12, as OpenAPI 3.1 has it: msgspec's for its types, pydantic's for models of pydantic.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.conversion import is_pydantic, members
from lambent.app.errors import AppError
from lambent.app.response import Response
from lambent.app.signature import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.app.app import App
    from lambent.app.http import Route
    from lambent.app.signature import Parameter

_REF = "#/components/schemas/{name}"
_ERROR = {
    "type": "object",
    "required": ["error", "code"],
    "properties": {
        "error": {"type": "string", "examples": ["Not found"]},
        "code": {"type": "string", "examples": ["NOT_FOUND"]},
        "details": {},
    },
}
_ERROR_REF = {"$ref": "#/components/schemas/Error"}
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


def describe(
    app: App,
    *,
    title: str | None = None,
    version: str = "1.0.0",
    description: str | None = None,
    servers: Iterable[str] = (),
    security: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The document. `security` are security schemes by name; those of the app's middleware are found by themselves.

    Raises AppError for operation ids that are there twice.
    """
    schemas = _Schemas()
    schemes = dict(security or {})
    for layer in app.layers:
        schemes.update(getattr(layer, "security_schemes", None) or {})
    paths: dict[str, dict[str, Any]] = {}
    ids: dict[str, Route] = {}
    for route in app.http.routes:
        if route.options.get("hidden"):
            continue
        operations = paths.setdefault(_path(route.template), {})
        for method in route.methods:
            operation = _operation(route, method, schemas)
            if len(route.methods) > 1:
                operation["operationId"] += f"_{method.lower()}"
            other = ids.setdefault(operation["operationId"], route)
            if other is not route:
                raise AppError(
                    f"{route.template} and {other.template} have the same operation id {operation['operationId']!r}: "
                    "name their handlers differently, or give one an operation_id"
                )
            operations[method.lower()] = operation
    document: dict[str, Any] = {
        "openapi": "3.1.0",
        "info": {"title": title or app.name, "version": version},
        "paths": paths,
    }
    if description is not None:
        document["info"]["description"] = description
    urls = [{"url": url} for url in servers]
    if urls:
        document["servers"] = urls
    document["components"] = {"schemas": {"Error": _ERROR, **schemas.finished()}}
    if schemes:
        document["components"]["securitySchemes"] = schemes
        document["security"] = [{name: []} for name in schemes]
    _resolve(document, schemas)
    return document


def _path(template: str) -> str:
    return re.sub(r"\{(\w+)(\+|:path)\}", r"{\1}", template)


class _Later(dict[str, Any]):
    """A schema that is known when all types are."""

    def __init__(self, index: int) -> None:
        super().__init__()
        self.index = index


class _Schemas:
    """The schemas of all types that a document mentions; msgspec makes them together, so that names do not collide."""

    def __init__(self) -> None:
        self._types: list[Any] = []
        self._found: list[dict[str, Any]] = []
        self._components: dict[str, Any] = {}

    def of(self, declared: Any) -> dict[str, Any]:
        """The schema of a type."""
        if declared in (Any, object):
            return {}
        if is_pydantic(declared):
            return self._of_pydantic(declared)
        self._types.append(declared)
        return _Later(len(self._types) - 1)

    def _of_pydantic(self, declared: Any) -> dict[str, Any]:
        from pydantic import TypeAdapter

        schema = TypeAdapter(declared).json_schema(ref_template="#/components/schemas/{model}")
        self._components.update(schema.pop("$defs", {}))
        title = schema.get("title")
        if title and "properties" in schema:
            self._components[title] = schema
            return {"$ref": f"#/components/schemas/{title}"}
        return schema

    def finished(self) -> dict[str, Any]:
        """All components."""

        def unknown(kind: Any) -> dict[str, Any]:
            return {}

        found, components = msgspec.json.schema_components(
            self._types, schema_hook=unknown, ref_template=_REF
        )
        self._found = list(found)
        # msgspec gives the format of moments only where a time zone is demanded.
        for info in msgspec.inspect.multi_type_info(self._types):
            _add_formats(info, components, set())
        self._components = {**components, **self._components}
        return self._components

    def resolved(self, later: _Later) -> dict[str, Any]:
        """What a schema has turned out to be."""
        return self._found[later.index]

    def example(self, schema: Any, depth: int = 0) -> Any:
        """Something that fits a schema: the first example in it, or one that is made up."""
        if isinstance(schema, _Later):
            schema = self.resolved(schema)
        if "$ref" in schema:
            return self.example(self._components.get(schema["$ref"].rpartition("/")[2], {}), depth + 1)
        for known in ("examples", "enum"):
            if schema.get(known):
                return schema[known][0]
        for known in ("const", "default"):
            if known in schema:
                return schema[known]
        for several in ("anyOf", "oneOf", "allOf"):
            if schema.get(several):
                chosen = [one for one in schema[several] if one.get("type") != "null"] or schema[several]
                return self.example(chosen[0], depth)
        kind = schema.get("type")
        if isinstance(kind, list):
            kind = kind[0]
        if kind == "object" or "properties" in schema:
            if depth > 8:
                return {}
            return {name: self.example(one, depth + 1) for name, one in schema.get("properties", {}).items()}
        if kind == "array":
            count = max(schema.get("minItems", 1), len(schema.get("prefixItems", ())))
            each = schema.get("prefixItems") or [schema.get("items") or {}] * count
            return [self.example(one, depth + 1) for one in each] if depth <= 8 else []
        return _scalar(kind, schema)


def _add_formats(info: Any, components: dict[str, Any], seen: set[int]) -> None:
    fields = getattr(info, "fields", ())
    if id(info) in seen:
        return
    seen.add(id(info))
    properties = components.get(getattr(getattr(info, "cls", None), "__name__", ""), {}).get("properties", {})
    for field in fields:
        schema = properties.get(field.encode_name)
        if schema is not None and type(field.type).__name__ == "DateTimeType":
            schema.setdefault("format", "date-time")
        for one, alternative in zip(
            getattr(field.type, "types", ()), (schema or {}).get("anyOf", ()), strict=False
        ):
            if type(one).__name__ == "DateTimeType" and alternative.get("type") == "string":
                alternative.setdefault("format", "date-time")
        _add_formats(field.type, components, seen)
    for name in ("item_type", "value_type", "type"):
        inner = getattr(info, name, None)
        if inner is not None:
            _add_formats(inner, components, seen)
    for inner in getattr(info, "types", None) or getattr(info, "item_types", None) or ():
        _add_formats(inner, components, seen)


_TEXTS = {
    "date-time": "2026-01-31T12:00:00Z",
    "date": "2026-01-31",
    "time": "12:00:00",
    "duration": "PT1H",
    "uuid": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "decimal": "1.50",
    "email": "someone@example.com",
    "uri": "https://example.com/",
}


def _scalar(kind: Any, schema: Mapping[str, Any]) -> Any:
    if kind == "boolean":
        return True
    if kind in ("integer", "number"):
        low = schema.get(
            "minimum", schema.get("exclusiveMinimum", 0) + (1 if "exclusiveMinimum" in schema else 0)
        )
        high = schema.get("maximum")
        value = min(max(1, low), high) if high is not None else max(1, low)
        step = schema.get("multipleOf")
        return value if step is None else -(-value // step) * step
    if kind == "string":
        text = _TEXTS.get(schema.get("format", ""), "text")
        return text.ljust(schema.get("minLength", 0), "x")[: schema.get("maxLength", 1000)]
    return None


def _resolve(node: Any, schemas: _Schemas) -> None:
    """Put the schemas in place, and examples beside them."""
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, _Later):
            node[key] = value = dict(schemas.resolved(value))
        if key == "schema" and "example" not in node and "examples" not in node and value != _ERROR_REF:
            node["example"] = msgspec.to_builtins(schemas.example(value))
        if isinstance(value, (dict, list)):
            _resolve(value, schemas)


def _operation(route: Route, method: str, schemas: _Schemas) -> dict[str, Any]:
    options, endpoint, parameters = route.options, route.endpoint, route.parameters
    assert endpoint is not None
    assert parameters is not None
    handler = getattr(endpoint.handler, "__wrapped__", endpoint.handler)
    summary, _, more = (getattr(handler, "__doc__", None) or "").strip().partition("\n")
    name = getattr(handler, "__name__", "") or type(handler).__name__
    operation: dict[str, Any] = {"operationId": options.get("operation_id") or name.strip("<>")}
    for key, value in (
        ("summary", options.get("summary") or summary.rstrip(".")),
        (
            "description",
            options.get("description") or "\n".join(line.strip() for line in more.strip().splitlines()),
        ),
        ("tags", list(dict.fromkeys(options.get("tags", ())))),
        ("deprecated", options.get("deprecated")),
    ):
        if value:
            operation |= {key: value}
    described_parameters = [
        _parameter(place, name, parameter, schemas)
        for place, name, parameter in parameters.found
        if place != "body"
    ]
    taken = {one["name"] for one in described_parameters if one["in"] == "path"}
    described_parameters += [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}, "example": "text"}
        for name in re.findall(r"\{(\w+)", route.template)
        if name not in taken
    ]
    if described_parameters:
        operation["parameters"] = described_parameters
    if method not in _WITHOUT_BODY:
        for place, _, parameter in parameters.found:
            if place == "body":
                operation["requestBody"] = _body(parameter, schemas)
    operation["responses"] = _responses(route, bool(parameters.found), schemas)
    return operation


def _parameter(place: str, name: str, parameter: Parameter, schemas: _Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name,
        "in": place,
        "required": place == "path" or parameter.default is MISSING,
    }
    found["schema"] = schemas.of(str if parameter.type is Any else parameter.type)
    return found


def _body(parameter: Parameter, schemas: _Schemas) -> dict[str, Any]:
    optional = parameter.default is not MISSING or type(None) in members(parameter.type)
    if parameter.type is bytes:
        content: dict[str, Any] = {"application/octet-stream": {}}
    elif parameter.type is str:
        content = {"text/plain": {"schema": schemas.of(str)}}
    else:
        content = {"application/json": {"schema": schemas.of(parameter.type)}}
    return {"required": not optional, "content": content}


def _responses(route: Route, checked: bool, schemas: _Schemas) -> dict[str, Any]:
    endpoint = route.endpoint
    assert endpoint is not None
    returns = endpoint.signature.returns
    status = route.status or (204 if returns is None or returns is type(None) else 200)
    success: dict[str, Any] = {"description": _phrase(status)}
    if returns is str:
        success["content"] = {"text/plain": {"schema": schemas.of(str)}}
    elif returns is bytes:
        success["content"] = {"application/octet-stream": {}}
    elif returns is not MISSING and status != 204 and not _is_response(returns):
        success["content"] = {"application/json": {"schema": schemas.of(returns)}}
    responses = {str(status): success}
    error = {"content": {"application/json": {"schema": _ERROR_REF}}}
    if checked:
        responses["422"] = {"description": _phrase(422), **error}
    for code, told in (route.options.get("responses") or {}).items():
        if isinstance(told, str):
            responses[str(code)] = {"description": told, **(error if int(code) >= 400 else {})}
        elif isinstance(told, dict):
            responses[str(code)] = {"description": _phrase(int(code)), **told}
        else:
            responses[str(code)] = {
                "description": _phrase(int(code)),
                "content": {"application/json": {"schema": schemas.of(told)}},
            }
    responses["default"] = {"description": "Any other error", **error}
    return responses


def _is_response(declared: Any) -> bool:
    return any(
        (isinstance(one, type) and issubclass(one, Response)) or getattr(one, "__origin__", one) is tuple
        for one in members(declared)
    )


def _phrase(status: int) -> str:
    from http import HTTPStatus

    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return str(status)
