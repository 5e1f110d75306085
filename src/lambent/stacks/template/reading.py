"""Reads a document as a template, and refuses what CloudFormation refuses of one.

Sources: CloudFormation User Guide, "Template sections", "Quotas"; recorded answers: LocalStack's `test_validations`,
`test_references`, `test_templates`, AWS's article on template validation errors, issues of cfn-lint, CDK and SAM.
"""

from __future__ import annotations

from typing import Any, Final

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.declarations import (
    read_conditions,
    read_mappings,
    read_parameters,
    read_rules,
    section,
    text,
)
from lambent.stacks.template.functions import FOR_EACH
from lambent.stacks.template.outputs import read_outputs
from lambent.stacks.template.resources import check_maps, map_of, read_resources
from lambent.stacks.template.shapes import place_of_null
from lambent.stacks.template.template import Output, Resource, Template

VERSION: Final = "2010-09-09"
_SECTIONS: Final = frozenset(
    {
        "AWSTemplateFormatVersion", "Conditions", "Description", "Hooks", "Mappings", "Metadata", "Outputs",
        "Parameters", "Resources", "Rules", "Transform",
    }
)  # fmt: skip


def read(document: dict[str, Any]) -> Template:
    """The template that a document is. Raises ValidationError."""
    if not isinstance(document, dict):
        raise ValidationError("Template format error: unsupported structure.")
    if isinstance(document.get("Resources"), str):
        # Recorded of AWS: LocalStack's api/test_stacks, test_linting_error_during_creation.
        raise ValidationError("Template format error: Any Resources member must be an object.")
    if not document.get("Resources"):
        raise ValidationError("Template format error: At least one Resources member must be defined.")
    section(document, "Resources", 500)
    if "Transform" in document or _has_transform(document):
        return _unprocessed(document)
    null = place_of_null(document)
    if null is not None:
        raise ValidationError(f"[{null}] 'null' values are not allowed in templates")
    unknown = [name for name in document if name not in _SECTIONS]
    if unknown:
        raise ValidationError(f"Invalid template property or properties [{', '.join(unknown)}]")
    if "Hooks" in document:
        raise ValidationError("Template format error: the Hooks section is not supported here.")
    _check_version(document)
    description = _description(document)
    mappings = read_mappings(document)
    parameters = read_parameters(document)
    conditions, found = read_conditions(document, parameters)
    check_maps(found, mappings)
    rules = read_rules(document, parameters)
    resources = read_resources(document, parameters, conditions, mappings)
    return Template(
        description=description,
        parameters=parameters,
        mappings=mappings,
        conditions=conditions,
        rules=rules,
        resources=resources,
        outputs=read_outputs(document, parameters, conditions, mappings),
        transforms=[],
        metadata=map_of(document, "Metadata"),
        document=document,
    )


def _check_version(document: dict[str, Any]) -> None:
    if document.get("AWSTemplateFormatVersion", VERSION) != VERSION:
        raise ValidationError("Template format error: unsupported value for AWSTemplateFormatVersion.")


def _description(document: dict[str, Any]) -> str | None:
    description = text(document, "Description")
    if description is not None and len(description.encode()) > 1024:
        raise ValidationError("Template format error: 'Description' length is greater than 1024")
    return description


# --- before transforms ----------------------------------------------------------------------------------------------


def _has_transform(value: Any) -> bool:
    waiting = [value]
    while waiting:
        here = waiting.pop()
        if type(here) is dict:
            if "Fn::Transform" in here:
                return True
            waiting.extend(item for item in here.values() if type(item) is dict or type(item) is list)
        elif type(here) is list:
            waiting.extend(item for item in here if type(item) is dict or type(item) is list)
    return False


def _unprocessed(document: dict[str, Any]) -> Template:
    """What can be said of a template before its transforms are done: macros may add what is missing, and take out what
    is too much.
    """
    _check_version(document)
    resources: dict[str, Resource] = {}
    for name, item in document["Resources"].items():
        if not isinstance(item, dict):
            if name[: len(FOR_EACH)] == FOR_EACH or name == "Fn::Transform":
                continue
            raise ValidationError(
                f"Template format error: [/Resources/{name}] resource definition is malformed"
            )
        properties, metadata = item.get("Properties"), item.get("Metadata")
        resources[name] = Resource(
            name,
            str(item.get("Type", "")),
            properties if isinstance(properties, dict) else {},
            condition=item["Condition"] if isinstance(item.get("Condition"), str) else None,
            metadata=metadata if isinstance(metadata, dict) else {},
        )
    outputs: dict[str, Output] = {}
    for name, item in section(document, "Outputs", 200).items():
        if isinstance(item, dict) and not name.startswith("Fn::"):
            description = item.get("Description")
            outputs[name] = Output(
                name, item.get("Value"), description if isinstance(description, str) else None
            )
    parameters = {} if _has_transform(document.get("Parameters", {})) else read_parameters(document)
    mappings = section(document, "Mappings", 200)
    return Template(
        description=_description(document),
        parameters=parameters,
        mappings=mappings,
        conditions=section(document, "Conditions", 1_000),
        rules={} if _has_transform(document.get("Rules", {})) else read_rules(document, parameters),
        resources=resources,
        outputs=outputs,
        transforms=_transforms(document.get("Transform", [])),
        metadata=map_of(document, "Metadata"),
        document=document,
    )


def _transforms(value: Any) -> list[str]:
    """The names that Transform declares."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [name for item in value for name in _transforms(item)]
    if isinstance(value, dict) and isinstance(value.get("Name"), str):
        return [value["Name"]]
    raise ValidationError("Key Name of transform definition must be a string.")
