"""Schemas of types for OpenAPI: JSON Schema 2020-12, msgspec's for its types and pydantic's for models of pydantic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lambent.app.conversion import is_pydantic

if TYPE_CHECKING:
    from collections.abc import Mapping

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


class Later(dict[str, Any]):
    """A schema that is known when all types are; what is in it already is added then."""

    def __init__(self, index: int, found: list[dict[str, Any]]) -> None:
        super().__init__()
        self._index = index
        self._found = found

    def resolved(self) -> dict[str, Any]:
        """What it has turned out to be."""
        return {**self._found[self._index], **self}


class Schemas:
    """The schemas of all types that a document mentions; msgspec, and pydantic, make theirs together, so that names do
    not collide. `error` is the reference to that of error answers.
    """

    def __init__(self) -> None:
        self._types: list[Any] = []
        self._found: list[dict[str, Any]] = []
        self._models: list[Any] = []
        self._found_models: list[dict[str, Any]] = []
        self._components: dict[str, Any] = {}
        self.error = {"$ref": _REF.format(name="Error")}

    def of(self, declared: Any) -> dict[str, Any]:
        """The schema of a type."""
        if declared in (Any, object):
            return {}
        types, found = (
            (self._models, self._found_models) if is_pydantic(declared) else (self._types, self._found)
        )
        types.append(declared)
        return Later(len(types) - 1, found)

    def finished(self) -> dict[str, Any]:
        """All components."""

        def unknown(kind: Any) -> dict[str, Any]:
            return {}

        found, components = msgspec.json.schema_components(
            self._types, schema_hook=unknown, ref_template=_REF
        )
        self._found += found
        # msgspec gives the format of moments only where a time zone is demanded.
        for info in msgspec.inspect.multi_type_info(self._types):
            _add_formats(info, components, set())
        self._components = dict(components)
        if self._models:
            self._finish_models()
        name = "Error"
        while name in self._components:
            name += "Answer"
        self.error["$ref"] = _REF.format(name=name)
        self._components = {name: _ERROR, **self._components}
        return self._components

    def _finish_models(self) -> None:
        from pydantic import TypeAdapter

        found, rest = TypeAdapter.json_schemas(
            [(index, "validation", TypeAdapter(one)) for index, one in enumerate(self._models)],
            ref_template=_REF.format(name="{model}"),
        )
        components = rest.get("$defs", {})
        names = {}
        for name, schema in components.items():
            there = self._components.get(name)
            if there is not None and _essence(there) != _essence(schema):
                names[_REF.format(name=name)] = _REF.format(name=f"{name}Model")
        self._found_models += [
            _renamed(found[index, "validation"], names) for index in range(len(self._models))
        ]
        for name, schema in components.items():
            new = names.get(_REF.format(name=name), name).rpartition("/")[2]
            self._components[new] = _renamed(schema, names)

    def example(self, schema: Any, depth: int = 0) -> Any:
        """Something that fits a schema: the first example in it, or one that is made up."""
        if isinstance(schema, Later):
            schema = schema.resolved()
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


def _essence(schema: Any) -> Any:
    """A schema without what msgspec and pydantic word differently."""
    if isinstance(schema, list):
        return [_essence(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    return {
        key: {name: _essence(one) for name, one in value.items()} if key == "properties" else _essence(value)
        for key, value in schema.items()
        if key not in ("title", "description") and not (key == "type" and "enum" in schema)
    }


def _renamed(node: Any, names: Mapping[str, str]) -> Any:
    """A schema with other references."""
    if isinstance(node, list):
        return [_renamed(one, names) for one in node]
    if isinstance(node, dict):
        return {key: _renamed(value, names) for key, value in node.items()}
    return names.get(node, node) if isinstance(node, str) else node


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
