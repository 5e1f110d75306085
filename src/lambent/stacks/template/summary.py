"""What GetTemplateSummary and ValidateTemplate tell of a template.

Sources: CloudFormation API Reference, GetTemplateSummary and ValidateTemplate; recorded: LocalStack's
`test_get_template_summary` and `test_validate_template`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from lambent.stacks.template.capabilities import capabilities_told

if TYPE_CHECKING:
    from lambent.stacks.template.template import Parameter, Template


def summary(template: Template) -> dict[str, Any]:
    """The members of GetTemplateSummary's answer that a template alone gives; those that say nothing are left out.

    `ResourceIdentifierSummaries` have no ResourceIdentifiers: those are the schemas' to know. ValidateTemplate answers
    with `Parameters` (without ParameterType and ParameterConstraints), `Description`, `Capabilities`,
    `CapabilitiesReason` and `DeclaredTransforms` of them.
    """
    types: dict[str, list[str]] = {}
    for resource in template.resources.values():
        types.setdefault(resource.type, []).append(resource.logical_id)
    needed, reason = capabilities_told(template)
    facts: dict[str, Any] = {
        "Parameters": [_declaration(parameter) for parameter in template.parameters.values()],
        "ResourceTypes": sorted(types),
        "ResourceIdentifierSummaries": [
            {"ResourceType": name, "LogicalResourceIds": ids} for name, ids in types.items()
        ],
    }
    if template.description is not None:
        facts["Description"] = template.description
    if template.transforms:
        facts["DeclaredTransforms"] = template.transforms
    if needed:
        facts["Capabilities"] = sorted(needed, reverse=True)
        facts["CapabilitiesReason"] = reason
    if "AWSTemplateFormatVersion" in template.document:
        facts["Version"] = template.document["AWSTemplateFormatVersion"]
    if template.metadata:
        facts["Metadata"] = json.dumps(template.metadata, separators=(",", ":"), ensure_ascii=False)
    return facts


def _declaration(parameter: Parameter) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "ParameterKey": parameter.name,
        "ParameterType": parameter.type,
        "NoEcho": parameter.no_echo,
        "ParameterConstraints": {},
    }
    if parameter.default is not None:
        facts["DefaultValue"] = parameter.default
    if parameter.description is not None:
        facts["Description"] = parameter.description
    if parameter.allowed_values is not None:
        facts["ParameterConstraints"] = {"AllowedValues": list(parameter.allowed_values)}
    return facts
