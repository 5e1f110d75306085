"""OpenAPI 3.1 from the same type hints that requests are checked with.

`describe(app, …)` gives the document; `app.serve_openapi()` adds a route that answers with it. Schemas are JSON Schema
2020-12, as OpenAPI 3.1 has it: msgspec's for its types, pydantic's for models of pydantic.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.conversion import members
from lambent.app.errors import AppError
from lambent.app.openapi_schemas import Later, Schemas
from lambent.app.response import Response
from lambent.app.signature import MISSING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.app.app import App
    from lambent.app.http import Route
    from lambent.app.signature import Parameter

_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_METHODS = _WITHOUT_BODY | {"POST", "PUT", "PATCH", "DELETE"}
"""Those that a Path Item Object of OpenAPI 3.1 has a place for."""


def describe(
    app: App,
    *,
    title: str | None = None,
    version: str = "1.0.0",
    description: str | None = None,
    servers: Iterable[str] = (),
    security: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:
    """The document. `security` are security schemes by name, one of which is needed; those of middleware are found by
    themselves: a layer has them as `security_schemes`, and what it needs of them as `security`.

    Methods that OpenAPI has no place for are left out. Handlers of the same name have the path in their operation
    ids. Raises AppError for an `operation_id` that is there twice.
    """
    schemas = Schemas()
    schemes = dict(security or {})
    given: list[dict[str, list[str]]] = [{name: []} for name in schemes]
    needed = given + _needed(app.layers, schemes)
    paths: dict[str, dict[str, Any]] = {}
    described = [
        (route, method, _operation(route, method, schemas))
        for route in app.http.routes
        if not route.options.get("hidden")
        for method in route.methods
        if method in _METHODS
    ]
    _name(described)
    for route, method, operation in described:
        path = _path(route.template)
        operations = paths.setdefault(path, {})
        if method.lower() in operations and path != route.template:
            continue  # {name+} and {name} look the same here, and the latter comes first for requests too
        if _needed(route.layers, schemes):
            operation["security"] = given + _needed((*app.layers, *route.layers), schemes)
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
    document["components"] = {"schemas": schemas.finished()}
    if schemes:
        document["components"]["securitySchemes"] = schemes
        if needed:
            document["security"] = needed
    _resolve(document, schemas)
    return document


def _needed(layers: Iterable[Any], schemes: dict[str, Any]) -> list[dict[str, list[str]]]:
    """What layers need together: alternatives, each of schemes with scopes. The schemes are added to `schemes`."""
    together: list[dict[str, list[str]]] = []
    for layer in layers:
        own = getattr(layer, "security_schemes", None)
        if not own:
            continue
        schemes.update(own)
        alternatives = getattr(layer, "security", None) or [{name: []} for name in own]
        together = [
            {**outer, **{name: sorted({*outer.get(name, ()), *scopes}) for name, scopes in inner.items()}}
            for outer in together or [{}]
            for inner in alternatives
        ]
    return together


def _name(described: list[tuple[Route, str, dict[str, Any]]]) -> None:
    """Make operation ids unique. Raises AppError where they are the app's own."""
    for of_path in (False, True):
        users: dict[str, list[tuple[Route, str, dict[str, Any]]]] = {}
        for one in described:
            route, method, operation = one
            if not of_path and len(route.methods) > 1:
                operation["operationId"] += f"_{method.lower()}"
            users.setdefault(operation["operationId"], []).append(one)
        for identifier, same in users.items():
            if len(same) == 1:
                continue
            chosen = [route for route, _, _ in same if route.options.get("operation_id")]
            if of_path or len(chosen) > 1:
                raise AppError(
                    f"{same[0][0].template} and {same[1][0].template} have the same operation id {identifier!r}: "
                    "give one of them another operation_id"
                )
            for route, method, operation in same:
                if route not in chosen:
                    place = "_".join(re.findall(r"\w+", route.template)) or "root"
                    operation["operationId"] = f"{identifier}_{place}_{method.lower()}"


def _path(template: str) -> str:
    return re.sub(r"\{(\w+)(\+|:path)\}", r"{\1}", template)


def _resolve(node: Any, schemas: Schemas) -> None:
    """Put the schemas in place, and examples beside them."""
    for key, value in list(node.items() if isinstance(node, dict) else enumerate(node)):
        if isinstance(value, Later):
            node[key] = value = value.resolved()
        if (
            key == "schema"
            and "example" not in node
            and "examples" not in node
            and value is not schemas.error
        ):
            node["example"] = msgspec.to_builtins(schemas.example(value))
        if isinstance(value, (dict, list)):
            _resolve(value, schemas)


def _operation(route: Route, method: str, schemas: Schemas) -> dict[str, Any]:
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


def _parameter(place: str, name: str, parameter: Parameter, schemas: Schemas) -> dict[str, Any]:
    found: dict[str, Any] = {
        "name": name,
        "in": place,
        "required": place == "path" or parameter.default is MISSING,
    }
    found["schema"] = schema = schemas.of(str if parameter.type is Any else parameter.type)
    if parameter.default is not MISSING and parameter.default is not None:
        from contextlib import suppress

        with suppress(TypeError, NotImplementedError):  # something that only the handler knows
            schema["default"] = msgspec.to_builtins(parameter.default)
    return found


def _body(parameter: Parameter, schemas: Schemas) -> dict[str, Any]:
    optional = parameter.default is not MISSING or type(None) in members(parameter.type)
    if parameter.type is bytes:
        content: dict[str, Any] = {"application/octet-stream": {}}
    elif parameter.type is str:
        content = {"text/plain": {"schema": schemas.of(str)}}
    else:
        content = {"application/json": {"schema": schemas.of(parameter.type)}}
    return {"required": not optional, "content": content}


def _responses(route: Route, checked: bool, schemas: Schemas) -> dict[str, Any]:
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
    error = {"content": {"application/json": {"schema": schemas.error}}}
    if checked:
        responses["422"] = {"description": _phrase(422), **error}
    for code, told in (route.options.get("responses") or {}).items():
        # 404, HTTPStatus.NOT_FOUND, "404", "4XX" or "default".
        key = str(int(code)) if isinstance(code, int) else code
        phrase = _phrase(int(key)) if key.isdigit() else "Any other error" if key == "default" else key
        if isinstance(told, str):
            responses[key] = {"description": told, **({} if key[0] in "123" else error)}
        elif isinstance(told, dict):
            responses[key] = {"description": phrase, **told}
        else:
            responses[key] = {
                "description": phrase,
                "content": {"application/json": {"schema": schemas.of(told)}},
            }
    responses.setdefault("default", {"description": "Any other error", **error})
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
