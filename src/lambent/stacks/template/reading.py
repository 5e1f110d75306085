"""Reads a document as a template."""

from __future__ import annotations

from typing import Any

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.template import Output, Parameter, Resource, Rule, Template


def read(document: dict[str, Any]) -> Template:
    """The template that a document is."""
    resources = document.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise ValidationError("Template format error: At least one Resources member must be defined.")
    transform = document.get("Transform", [])
    return Template(
        description=document.get("Description"),
        parameters={name: _parameter(name, item) for name, item in document.get("Parameters", {}).items()},
        mappings=document.get("Mappings", {}),
        conditions=document.get("Conditions", {}),
        rules={name: _rule(name, item) for name, item in document.get("Rules", {}).items()},
        resources={name: _resource(name, item) for name, item in resources.items()},
        outputs={name: _output(name, item) for name, item in document.get("Outputs", {}).items()},
        transforms=[transform] if isinstance(transform, str) else list(transform),
        metadata=document.get("Metadata", {}),
        document=document,
    )


def _parameter(name: str, item: dict[str, Any]) -> Parameter:
    return Parameter(
        name,
        type=item.get("Type", "String"),
        default=_scalar(item.get("Default")),
        description=item.get("Description"),
        no_echo=_scalar(item.get("NoEcho")) == "true",
        allowed_values=tuple(str(_scalar(value)) for value in item["AllowedValues"])
        if "AllowedValues" in item
        else None,
        allowed_pattern=item.get("AllowedPattern"),
        constraint_description=item.get("ConstraintDescription"),
        min_length=_integer(item.get("MinLength")),
        max_length=_integer(item.get("MaxLength")),
        min_value=_number(item.get("MinValue")),
        max_value=_number(item.get("MaxValue")),
    )


def _rule(name: str, item: dict[str, Any]) -> Rule:
    return Rule(
        name,
        item.get("RuleCondition"),
        tuple((one["Assert"], one.get("AssertDescription", "")) for one in item.get("Assertions", [])),
    )


def _resource(name: str, item: dict[str, Any]) -> Resource:
    depends = item.get("DependsOn", [])
    return Resource(
        name,
        item.get("Type", ""),
        item.get("Properties", {}),
        (depends,) if isinstance(depends, str) else tuple(depends),
        item.get("Condition"),
        item.get("DeletionPolicy"),
        item.get("UpdateReplacePolicy"),
        item.get("UpdatePolicy", {}),
        item.get("CreationPolicy", {}),
        item.get("Metadata", {}),
    )


def _output(name: str, item: dict[str, Any]) -> Output:
    return Output(
        name,
        item.get("Value"),
        item.get("Description"),
        item.get("Export", {}).get("Name"),
        item.get("Condition"),
    )


def _scalar(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)
