"""A template, read: what its sections say, checked for everything that CloudFormation refuses of their form."""

from __future__ import annotations

from typing import Any

import msgspec

Condition = Any
"""What a condition is made of: `{"Fn::Equals": [...]}`, `{"Condition": name}`…, as it stands in the document."""


class Parameter(msgspec.Struct, frozen=True):
    """One of the Parameters. Texts as they stand in the template; None where it says nothing."""

    name: str
    type: str = "String"
    default: str | None = None
    description: str | None = None
    no_echo: bool = False
    allowed_values: tuple[str, ...] | None = None
    allowed_pattern: str | None = None
    constraint_description: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    min_value: float | None = None
    max_value: float | None = None

    @property
    def is_list(self) -> bool:
        """Whether Ref gives a list of texts."""
        return "List<" in self.type or "CommaDelimitedList" in self.type

    @property
    def is_ssm(self) -> bool:
        """Whether its value is the name of an SSM parameter, which has what Ref gives."""
        return self.type.startswith("AWS::SSM::Parameter::Value<")


class Rule(msgspec.Struct, frozen=True):
    """One of the Rules: assertions (condition, description) that hold whenever `condition` does, always for None."""

    name: str
    condition: Condition | None
    assertions: tuple[tuple[Condition, str], ...]


class Resource(msgspec.Struct, frozen=True):
    """One of the Resources. `properties`, `metadata` and the policies as they stand in the template, unresolved."""

    logical_id: str
    type: str
    properties: dict[str, Any]
    depends_on: tuple[str, ...] = ()
    condition: str | None = None
    deletion_policy: str | None = None
    update_replace_policy: str | None = None
    update_policy: dict[str, Any] = {}
    creation_policy: dict[str, Any] = {}
    metadata: dict[str, Any] = {}


class Output(msgspec.Struct, frozen=True):
    """One of the Outputs. `value` and `export_name` as they stand in the template, unresolved."""

    name: str
    value: Any
    description: str | None = None
    export_name: Any = None
    condition: str | None = None


class Template(msgspec.Struct, frozen=True):
    """A template. `document`: what it was read from."""

    description: str | None
    parameters: dict[str, Parameter]
    mappings: dict[str, dict[str, dict[str, Any]]]
    conditions: dict[str, Condition]
    rules: dict[str, Rule]
    resources: dict[str, Resource]
    outputs: dict[str, Output]
    transforms: list[str]
    metadata: dict[str, Any]
    document: dict[str, Any]

    @classmethod
    def read(cls, document: dict[str, Any]) -> Template:
        """Read a document. Raises ValidationError in CloudFormation's words for what it refuses of a template's form.

        With transforms still to be done (`Transform`, `Fn::Transform`) it checks what they cannot change: macros make
        resources, conditions and references that are not there yet. Read what they have made of it again.
        """
        from lambent.stacks.template.reading import read

        return read(document)
