"""Outputs of a document, and their exports.

Sources: CloudFormation User Guide, "Outputs"; recorded answers: LocalStack's `test_validations`, issues of cfn-lint,
CDK, Serverless Framework and kube-aws.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.declarations import check_name, section, text
from lambent.stacks.template.functions import BOOLEAN, function_of
from lambent.stacks.template.resources import check_found, read_condition, unresolved_names
from lambent.stacks.template.shapes import Found, look
from lambent.stacks.template.template import Output

if TYPE_CHECKING:
    from collections.abc import Container

    from lambent.stacks.template.template import Parameter

_OUTPUT_MEMBERS: Final = frozenset({"Condition", "Description", "Export", "Value"})
_EXPORT_NAME: Final = re.compile(r"[A-Za-z0-9:-]+")
MALFORMED_EXPORT: Final = (
    "The Name field of every Export member must be specified and consist only of alphanumeric characters, colons, or "
    "hyphens."
)


def read_outputs(
    document: dict[str, Any],
    parameters: dict[str, Parameter],
    conditions: dict[str, Any],
    mappings: dict[str, Any],
) -> dict[str, Output]:
    """The Outputs. Raises ValidationError."""
    resources = document["Resources"]
    outputs: dict[str, Output] = {}
    unresolved: dict[str, None] = {}
    exports: set[str] = set()
    for name, item in section(document, "Outputs", 200).items():
        output = outputs[name] = _output(name, item, conditions)
        found = Found()
        look(output.value, found)
        if isinstance(output.export_name, str):
            if output.export_name in exports:
                raise ValidationError(
                    f"Template format error: The Outputs section contains duplicate Export names: "
                    f"[{output.export_name}]. Specify a unique name for each export."
                )
            exports.add(output.export_name)
        elif output.export_name is not None:
            own = Found()
            look(output.export_name, own)
            if own.used & {"Fn::ImportValue", "Fn::GetAZs"} or own.resources & resources.keys():
                raise ValidationError(
                    f"Template format error: Output {name} is malformed.  The Name field of Export must not depend on "
                    "any resources, imported values, or Fn::GetAZs."
                )
            unresolved.update(unresolved_names(own.refs, resources, parameters))
            check_found(own, resources, conditions, mappings)
        check_found(found, resources, conditions, mappings)
        unresolved.update(unresolved_names(found.refs, resources, parameters))
    if unresolved:
        raise ValidationError(
            f"Template format error: Unresolved resource dependencies [{', '.join(unresolved)}] in the Outputs block "
            "of the template"
        )
    return outputs


def _output(name: str, item: Any, conditions: Container[str]) -> Output:
    if not isinstance(item, dict):
        raise ValidationError("Template format error: Any Outputs member must be a JSON object.")
    check_name("Outputs", name)
    for key in item:
        if key not in _OUTPUT_MEMBERS:
            raise ValidationError(f"Invalid template output property '{key}'")
    if "Value" not in item:
        raise ValidationError("Template format error: Every Outputs member must contain a Value object")
    value = item["Value"]
    if isinstance(value, dict):
        function = function_of(value)
        if function is None:
            raise ValidationError(
                "Template format error: The Value field of every Outputs member must evaluate to a String and not a "
                "Map."
            )
        if function in BOOLEAN:
            value = []
    if isinstance(value, list):
        raise ValidationError(
            "Template format error: The Value field of every Outputs member must evaluate to a String."
        )
    return Output(
        name, value, text(item, "Description"), _export(name, item), read_condition(item, conditions)
    )


def _export(name: str, item: dict[str, Any]) -> Any:
    if "Export" not in item:
        return None
    export = item["Export"]
    if not isinstance(export, dict):
        raise ValidationError(
            f"Template format error: Output {name} is malformed. The Export field of every Outputs member must be a "
            "Map."
        )
    exported = export.get("Name")
    if isinstance(exported, dict) and function_of(exported) is not None and len(export) == 1:
        return exported
    if len(export) != 1 or not isinstance(exported, str | int):
        raise ValidationError(f"Template format error: Output {name} is malformed. {MALFORMED_EXPORT}")
    check_export_name(name, str(exported))
    return str(exported)


def check_export_name(output: str, name: str) -> None:
    """Raises ValidationError for a name that an output cannot be exported by."""
    if not _EXPORT_NAME.fullmatch(name):
        raise ValidationError(f"Template format error: Output {output} is malformed. {MALFORMED_EXPORT}")
    if len(name) > 256:
        raise ValidationError(
            f"Template format error: Output {output} is malformed. The Name field of every Export member must not be "
            "longer than 256 characters."
        )
