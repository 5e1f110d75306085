"""Checks a resource's properties against its schema and brings them into its types.

The words are those of CloudFormation's own checker: the everit JSON schema validator, where messages that would show
values are `failed validation constraint for keyword […]` (cloudformation-resource-schema, ValidationException.java).
Which scalars are taken for which types is CloudFormation's: templates have strings, whatever they were written as.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.stacks.schemas.schema import Schema

Node = dict[str, Any]

_NAMES: Final = {
    "string": "String",
    "integer": "Integer",
    "number": "Number",
    "boolean": "Boolean",
    "array": "JSONArray",
    "object": "JSONObject",
}
_LATER: Final = ("{{resolve:", "{{changeSet:")
_JSON: Final = (str, bool, int, float, dict, list, type(None))
_INTEGER: Final = re.compile(r"[+-]?\d+(\.0+)?")
_NUMBER: Final = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
# A pattern is not tried on longer texts: some of AWS's take their time.
_LONGEST: Final = 20_000


class _Wrong(Exception):
    """The value is not of the type."""


def check(schema: Schema, logical_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """See Schema.check."""
    if schema.legacy:
        return _Legacy(schema).read(properties)
    checker = _Checker(schema)
    result = checker.resource(properties)
    if checker.violations:
        lines = "\n".join(checker.violations)
        raise ValidationError(
            f"Properties validation failed for resource {logical_id} with message:\n{lines}"
        )
    return result


class _Checker:
    """Walks properties; `violations` are the lines of the message."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.violations: list[str] = []

    def resource(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        schema = self.schema
        for name in schema.required:
            if name not in properties:
                self.fail("#", f"required key [{name}] not found")
        result = {}
        for name, value in properties.items():
            node = schema.properties.get(name)
            if node is None or (name,) in schema.read_only:
                if not schema.open:
                    self.fail("#", f"extraneous key [{name}] is not permitted")
                result[name] = value
            else:
                result[name] = self.value(node, value, f"#/{name}")
        self.alternatives(schema.alternatives, result, "#")
        return result

    def fail(self, pointer: str, message: str) -> None:
        self.violations.append(f"{pointer}: {message}")

    def value(self, node: Node, value: Any, pointer: str) -> Any:
        if not isinstance(value, _JSON):
            return value
        if isinstance(value, str) and value.startswith(_LATER):
            return value
        node = self.schema.resolve(node)
        if any("type" in branch or "$ref" in branch or "properties" in branch for branch in _branches(node)):
            return self.branch(node, value, pointer)
        types = _types(node)
        if types:
            try:
                value = _coerce(types, value)
            except _Wrong:
                self.mistyped(types, value, pointer)
                return value
        if isinstance(value, dict):
            return self.mapping(node, value, pointer)
        if isinstance(value, list):
            return self.sequence(node, value, pointer)
        self.scalar(node, value, pointer)
        return value

    def mistyped(self, types: tuple[str, ...], value: Any, pointer: str) -> None:
        if len(types) > 1:
            self.fail(pointer, f"#: no subschema matched out of the total {len(types)} subschemas")
        for name in types:
            self.fail(pointer, f"expected type: {_NAMES.get(name, name)}, found: {_found(value)}")

    def branch(self, node: Node, value: Any, pointer: str) -> Any:
        """A value that may be of one of several forms: the first that it is, else what the nearest says."""
        outside = {key: item for key, item in node.items() if key not in ("anyOf", "oneOf")}
        nearest: list[str] | None = None
        branches = [self.schema.resolve(branch) for branch in _branches(node)]
        # What the value is already goes before what it could be read as.
        branches.sort(key=lambda branch: not any(_is(value, name) for name in _types(branch)))
        for branch in branches:
            attempt = _Checker(self.schema)
            result = attempt.value({**outside, **branch}, value, pointer)
            if not attempt.violations:
                return result
            if nearest is None or len(attempt.violations) < len(nearest):
                nearest = attempt.violations
        if "oneOf" in node:
            self.fail(pointer, "#: 0 subschemas matched instead of one")
        else:
            self.fail(pointer, f"#: no subschema matched out of the total {len(node['anyOf'])} subschemas")
        self.violations += nearest or []
        return value

    def alternatives(self, node: Node, value: dict[str, Any], pointer: str) -> None:
        """Choices that are told by which keys are required."""
        for keyword in ("anyOf", "oneOf"):
            branches = node.get(keyword)
            if not branches or any("required" not in branch for branch in branches):
                continue
            matched = sum(all(name in value for name in branch["required"]) for branch in branches)
            if keyword == "oneOf" and matched != 1:
                self.fail(pointer, f"#: {matched} subschemas matched instead of one")
            elif not matched:
                self.fail(pointer, f"#: no subschema matched out of the total {len(branches)} subschemas")
            if not matched:
                missing = dict.fromkeys(name for branch in branches for name in branch["required"])
                for name in missing:
                    if name not in value:
                        self.fail(pointer, f"required key [{name}] not found")

    def mapping(self, node: Node, value: dict[str, Any], pointer: str) -> dict[str, Any]:
        properties = node.get("properties")
        patterns = node.get("patternProperties")
        for name in node.get("required", ()):
            if name not in value:
                self.fail(pointer, f"required key [{name}] not found")
        for name, needed in node.get("dependencies", {}).items():
            if name in value and isinstance(needed, list):
                for other in needed:
                    if other not in value:
                        self.fail(pointer, f"property [{other}] is required")
        self.alternatives(node, value, pointer)
        if len(value) < node.get("minProperties", 0):
            self.fail(pointer, f"minimum size: [{node['minProperties']}], found: [{len(value)}]")
        if len(value) > node.get("maxProperties", len(value)):
            self.fail(pointer, f"maximum size: [{node['maxProperties']}], found: [{len(value)}]")
        if properties is None and patterns is None:
            return value
        result = {}
        for name, item in value.items():
            inner = (properties or {}).get(name)
            if inner is None and patterns:
                inner = next((found for pattern, found in patterns.items() if _search(pattern, name)), None)
            if inner is None:
                further = node.get("additionalProperties", False)
                if further is False:
                    self.fail(pointer, f"extraneous key [{name}] is not permitted")
                result[name] = (
                    self.value(further, item, f"{pointer}/{name}") if isinstance(further, dict) else item
                )
            else:
                result[name] = self.value(inner, item, f"{pointer}/{name}")
        return result

    def sequence(self, node: Node, value: list[Any], pointer: str) -> list[Any]:
        if len(value) < node.get("minItems", 0):
            self.fail(pointer, f"expected minimum item count: {node['minItems']}, found: {len(value)}")
        if len(value) > node.get("maxItems", len(value)):
            self.fail(pointer, f"expected maximum item count: {node['maxItems']}, found: {len(value)}")
        items = node.get("items")
        result = (
            [self.value(items, item, f"{pointer}/{index}") for index, item in enumerate(value)]
            if items
            else value
        )
        if node.get("uniqueItems") and _repeats(result):
            self.fail(pointer, "array items are not unique")
        return result

    def scalar(self, node: Node, value: Any, pointer: str) -> None:
        if isinstance(value, str):
            if any(mark in value for mark in _LATER):
                return
            # Java counts UTF-16 units only where code points are beyond them; everit counts code points.
            if len(value) < node.get("minLength", 0):
                self.fail(pointer, f"expected minLength: {node['minLength']}, actual: {len(value)}")
            if len(value) > node.get("maxLength", len(value)):
                self.fail(pointer, f"expected maxLength: {node['maxLength']}, actual: {len(value)}")
            pattern = node.get("pattern")
            if pattern is not None and len(value) <= _LONGEST and not _search(pattern, value):
                self.fail(pointer, "failed validation constraint for keyword [pattern]")
        elif not isinstance(value, bool) and value is not None:
            if value < node.get("minimum", value):
                self.fail(pointer, "failed validation constraint for keyword [minimum]")
            if value > node.get("maximum", value):
                self.fail(pointer, "failed validation constraint for keyword [maximum]")
        allowed = node.get("enum")
        if allowed is not None and value not in allowed:
            self.fail(pointer, "failed validation constraint for keyword [enum]")


class _Legacy:
    """Types that are older than the registry: fewer checks, other words."""

    def __init__(self, schema: Schema) -> None:
        self.schema = schema
        self.violations: list[str] = []

    def read(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        schema = self.schema
        result = self.members(schema.properties, schema.required, properties, "", open_=schema.open)
        if self.violations:
            raise ValidationError(f"Property validation failure: [{', '.join(self.violations)}]")
        return result

    def members(
        self,
        known: Mapping[str, Node],
        required: Iterable[str],
        given: Mapping[str, Any],
        path: str,
        *,
        open_: bool = False,
    ) -> dict[str, Any]:
        unsupported = [name for name in given if name not in known and not open_]
        if unsupported:
            self.violations.append(
                f"Encountered unsupported properties in {{{path or '/'}}}: [{', '.join(unsupported)}]"
            )
        for name in required:
            if name not in given:
                self.violations.append(f"The property {{{path}/{name}}} is required")
        return {
            name: self.value(known[name], value, f"{path}/{name}") if name in known else value
            for name, value in given.items()
        }

    def value(self, node: Node, value: Any, path: str) -> Any:
        if not isinstance(value, _JSON) or (isinstance(value, str) and value.startswith(_LATER)):
            return value
        node = self.schema.resolve(node)
        types = _types(node)
        if types:
            try:
                value = _coerce(types, value)
            except _Wrong:
                expected = _NAMES.get(types[0], types[0]).removeprefix("JSON")
                self.violations.append(f"Value of property {{{path}}} does not match type {{{expected}}}")
                return value
        if isinstance(value, dict) and "properties" in node:
            return self.members(node["properties"], node.get("required", ()), value, path)
        if isinstance(value, list) and "items" in node:
            return [self.value(node["items"], item, f"{path}/{index}") for index, item in enumerate(value)]
        return value


def _branches(node: Node) -> list[Node]:
    branches: list[Node] = node.get("oneOf") or node.get("anyOf") or []
    return branches


def _types(node: Node) -> tuple[str, ...]:
    types = node.get("type")
    if types is None:
        if "properties" in node or "patternProperties" in node:
            return ("object",)
        return ("array",) if "items" in node else ()
    return (types,) if isinstance(types, str) else tuple(types)


def _coerce(types: tuple[str, ...], value: Any) -> Any:
    """The value in one of the types. Raises _Wrong."""
    if isinstance(value, dict):
        if "object" in types:
            return value
        raise _Wrong
    if isinstance(value, list):
        if "array" in types:
            return value
        raise _Wrong
    if value is None:
        raise _Wrong
    if len(types) > 1 and any(_is(value, name) for name in types):
        return value
    for name in types:
        if name == "string":
            return scalar_text(value)
        if name == "boolean" and (isinstance(value, bool) or str(value).lower() in ("true", "false")):
            return value if isinstance(value, bool) else str(value).lower() == "true"
        if name in ("integer", "number") and not isinstance(value, bool):
            number = _number(value, whole=name == "integer")
            if number is not None:
                return number
    raise _Wrong


def scalar_text(value: Any) -> str:
    """A scalar of a template as CloudFormation hands it on as text: true -> "true", 10 -> "10"."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _number(value: Any, *, whole: bool) -> int | float | None:
    if isinstance(value, int):
        return value
    text = value if isinstance(value, str) else repr(value)
    if _INTEGER.fullmatch(text) and len(text) < 40:
        return int(text.partition(".")[0])
    if whole or not _NUMBER.fullmatch(text):
        return None
    return float(text)


def _is(value: Any, name: str) -> bool:
    if name == "string":
        return isinstance(value, str)
    if name == "boolean":
        return isinstance(value, bool)
    if name == "integer":
        return isinstance(value, int) and not isinstance(value, bool)
    return name == "number" and isinstance(value, float)


def _found(value: Any) -> str:
    if isinstance(value, bool):
        return "Boolean"
    if isinstance(value, int):
        return "Integer"
    if isinstance(value, float):
        return "BigDecimal"
    if isinstance(value, dict):
        return "JSONObject"
    if isinstance(value, list):
        return "JSONArray"
    return "Null" if value is None else "String"


def _repeats(items: list[Any]) -> bool:
    if all(isinstance(item, str) for item in items):
        return len(set(items)) < len(items)
    # Lists that have to be unique are short.
    return any(
        item == other and type(item) is type(other) for n, item in enumerate(items) for other in items[:n]
    )


@functools.lru_cache(4096)
def _pattern(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern)


def _search(pattern: str, text: str) -> bool:
    return _pattern(pattern).search(text) is not None
