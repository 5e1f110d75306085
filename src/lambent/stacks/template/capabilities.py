"""What has to be acknowledged before a template's stack is made.

Sources: CloudFormation API Reference, CreateStack, "Capabilities"; answers of ValidateTemplate that people have shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError

if TYPE_CHECKING:
    from lambent.stacks.template.scope import Scope
    from lambent.stacks.template.template import Template

_NESTED: Final = "AWS::CloudFormation::Stack"
_NAMES: Final = {
    "AWS::IAM::AccessKey": "",
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Policy": "",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
    "AWS::IAM::UserToGroupAddition": "",
}
"""The types that need a capability, and the property that makes it CAPABILITY_NAMED_IAM."""


def capabilities_needed(template: Template, scope: Scope | None = None) -> tuple[frozenset[str], str]:
    """CAPABILITY_IAM or CAPABILITY_NAMED_IAM, and CloudFormation's reason, empty for none.

    With a scope only the resources whose condition holds count, and names that functions leave out do not.
    CAPABILITY_NAMED_IAM acknowledges all that CAPABILITY_IAM does. What macros need (CAPABILITY_AUTO_EXPAND) is the
    transforms' to say.
    """
    types, named = _of_iam(template, scope)
    if not types:
        return frozenset(), ""
    return frozenset({"CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"}), _reason(types)


def capabilities_told(template: Template) -> tuple[frozenset[str], str]:
    """The same as GetTemplateSummary and ValidateTemplate tell it: nested stacks, whose templates they do not read, may
    need everything, and so do transforms need CAPABILITY_AUTO_EXPAND.
    """
    types, named = _of_iam(template, None)
    needed = {"CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"} if types else set()
    if any(resource.type == _NESTED for resource in template.resources.values()):
        types.add(_NESTED)
        needed = {"CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"}
    if template.transforms:
        types = types or set(template.transforms)
        needed.add("CAPABILITY_AUTO_EXPAND")
    return frozenset(needed), _reason(types) if types else ""


def _of_iam(template: Template, scope: Scope | None) -> tuple[set[str], bool]:
    """The types that need a capability, and whether one of the resources has a name of its own."""
    active = template.resources if scope is None else scope.active
    types: set[str] = set()
    named = False
    for logical_id in active:
        resource = template.resources[logical_id]
        name = _NAMES.get(resource.type)
        if name is None:
            continue
        types.add(resource.type)
        named = named or (name in resource.properties and _is_there(resource.properties[name], scope))
    return types, named


def _reason(types: set[str]) -> str:
    return f"The following resource(s) require capabilities: [{', '.join(sorted(types))}]"


def _is_there(value: Any, scope: Scope | None) -> bool:
    if scope is None or not isinstance(value, dict):
        return True
    try:
        return scope.resolve(value) is not None
    except ValidationError:
        return True
