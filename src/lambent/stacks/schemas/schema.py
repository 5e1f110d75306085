"""What is known of a resource type: its properties, identifier, attributes, and which changes replace it."""

from __future__ import annotations

import functools
from importlib import resources
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

import msgspec

from lambent.stacks.schemas.check import check

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Path: TypeAlias = tuple[str, ...]
"""Names of nested properties; what is in lists or maps is `*`: ("Rules", "*", "Id")."""

Replaces: TypeAlias = Literal["Always", "Conditionally", "Never"]
"""What a change of a property does to the resource, in the words of change sets' RequiresRecreation."""

CUSTOM: Final = "AWS::CloudFormation::CustomResource"
_ANY: Final = "*"


class Schema:
    """The schema of one resource type, as AWS publishes it (registry, `DescribeType`).

    `properties`: name -> JSON schema, with `$ref`s into `definitions` by bare name. `required`: those of the resource
    itself. `primary_identifier`: names of the properties or attributes that make it. `attributes`: what Fn::GetAtt may
    ask, with dots; see `gives`. `write_only`: what cannot be read back, so drift passes it over. `read_only`: what only
    the service sets. `tag_property` and `tag_style` ("list" of Key and Value, or "map"): where its tags are, None where
    it has none. `legacy`: a type that is not of the registry's kind, whose errors have older words.
    """

    __slots__ = (
        "_conditional",
        "_create_only",
        "alternatives",
        "attributes",
        "definitions",
        "legacy",
        "open",
        "primary_identifier",
        "properties",
        "read_only",
        "required",
        "tag_property",
        "tag_style",
        "type",
        "write_only",
    )

    def __init__(self, type_name: str, facts: Mapping[str, Any]) -> None:
        self.type = type_name
        self.properties: dict[str, Any] = facts.get("properties", {})
        self.definitions: dict[str, Any] = facts.get("definitions", {})
        self.required: tuple[str, ...] = tuple(facts.get("required", ()))
        self.primary_identifier: tuple[str, ...] = tuple(facts.get("identifier", ()))
        self.attributes: frozenset[str] = frozenset(facts.get("attributes", ()))
        self.read_only: frozenset[Path] = _paths(facts.get("readOnly", ()))
        self.write_only: frozenset[Path] = _paths(facts.get("writeOnly", ()))
        self._create_only = _paths(facts.get("createOnly", ()))
        self._conditional = _paths(facts.get("conditional", ()))
        self.legacy: bool = facts.get("legacy", False)
        self.open: bool = facts.get("open", False)
        self.alternatives: dict[str, Any] = {key: facts[key] for key in ("anyOf", "oneOf") if key in facts}
        self.tag_property: str | None = facts.get("tags")
        self.tag_style: Literal["list", "map"] = "list"
        if self.tag_property and "array" not in _types(self.node((self.tag_property,))):
            self.tag_style = "map"

    def replaces(self, path: Path) -> Replaces:
        """Whether a change of the property at `path` replaces the resource.

        A path that ends above a property that replaces ("EncryptionConfiguration" where only its KmsKey does) answers
        "Conditionally": look at what has changed inside it.
        """
        within = False
        for pattern in self._create_only:
            if _matches(pattern, path):
                if len(pattern) <= len(path):
                    return "Always"
                within = True
        if within or any(_matches(pattern, path) for pattern in self._conditional):
            return "Conditionally"
        return "Never"

    def gives(self, attribute: str) -> bool:
        """Whether Fn::GetAtt may ask for it: custom resources give anything, nested stacks `Outputs.<name>`."""
        if attribute in self.attributes:
            return True
        return _ANY in self.attributes or (
            "Outputs.*" in self.attributes
            and attribute.startswith("Outputs.")
            and len(attribute) > len("Outputs.")
        )

    def node(self, path: Path) -> dict[str, Any] | None:
        """The JSON schema of the property at `path`, references followed; None where nothing is known of it."""
        node: dict[str, Any] | None = {"properties": self.properties}
        for part in path:
            if node is None:
                return None
            node = self._child(node, part)
        return node

    def unordered(self, path: Path) -> bool:
        """Whether the list at `path` means the same in any order."""
        node = self.node(path)
        return node is not None and node.get("insertionOrder") is False

    def check(self, logical_id: str, properties: Mapping[str, Any]) -> dict[str, Any]:
        """The properties in the schema's types ("10" -> 10, "true" -> True, 10 -> "10"), as CloudFormation reads them.

        What is not known yet (an object that is not of JSON, `{{resolve:…}}` and `{{changeSet:…}}` in strings) passes.
        Raises ValidationError in AWS's words, with all that is wrong.
        """
        return check(self, logical_id, properties)

    def resolve(self, node: dict[str, Any]) -> dict[str, Any]:
        """A node with its reference followed; what stands beside the reference wins."""
        while "$ref" in node:
            beside = {key: value for key, value in node.items() if key != "$ref"}
            node = {**self.definitions.get(node["$ref"], {}), **beside}
        return node

    def _child(self, node: dict[str, Any], part: str) -> dict[str, Any] | None:
        child = node.get("properties", {}).get(part)
        if child is None and "items" in node:
            # A list's index is no name: ("Rules", "*", "Id") and ("Rules", "0", "Id").
            child = node["items"]
        if child is None and (part == _ANY or "patternProperties" in node):
            child = next(iter(node.get("patternProperties", {}).values()), None)
        if child is None:
            for branch in node.get("oneOf", []) + node.get("anyOf", []):
                found = self._child(self.resolve(branch), part)
                if found is not None:
                    return found
            return None
        resolved = self.resolve(child)
        for branch in resolved.get("oneOf", []) + resolved.get("anyOf", []):
            inside = self.resolve(branch)
            if "properties" in inside or "items" in inside:
                return {**inside, **resolved}
        return resolved


def schema_of(type_name: str) -> Schema | None:
    """The schema of a type; `Custom::…` are custom resources. None where nothing is known of it."""
    if type_name.startswith("Custom::"):
        found = schema_of(CUSTOM)
        return None if found is None else _custom(found, type_name)
    parts = type_name.split("::")
    if len(parts) < 3:
        return None
    return _service(parts[1]).get(type_name)


def types_of(service: str) -> list[str]:
    """Names of the types that there are of a service ("SQS"), sorted."""
    return sorted(_service(service))


@functools.cache
def _service(name: str) -> dict[str, Schema]:
    file = resources.files(__package__) / "data" / f"{name.lower()}.json"
    if not name.isalnum() or not file.is_file():
        return {}
    decoded: dict[str, dict[str, Any]] = msgspec.json.decode(file.read_bytes())
    return {type_name: Schema(type_name, facts) for type_name, facts in decoded.items()}


def _custom(schema: Schema, type_name: str) -> Schema:
    custom = Schema.__new__(Schema)
    for slot in Schema.__slots__:
        setattr(custom, slot, getattr(schema, slot))
    custom.type = type_name
    return custom


def _paths(paths: Iterable[str]) -> frozenset[Path]:
    return frozenset(tuple(path.split(".")) for path in paths)


def _matches(pattern: Path, path: Path) -> bool:
    """Whether one begins with the other, `*` and indexes being any."""
    return all(want in (_ANY, got) or got == _ANY for want, got in zip(pattern, path, strict=False))


def _types(node: dict[str, Any] | None) -> tuple[str, ...]:
    if node is None:
        return ()
    types = node.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)
