"""What has to be acknowledged before a template's stack is made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.stacks.template.scope import Scope
    from lambent.stacks.template.template import Template

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

    With a scope only the resources whose condition holds count. CAPABILITY_NAMED_IAM acknowledges all that
    CAPABILITY_IAM does. What macros need (CAPABILITY_AUTO_EXPAND) is the transforms' to say.
    """
    active = None if scope is None else frozenset(scope.active)
    types: dict[str, None] = {}
    named = False
    for resource in template.resources.values():
        name = _NAMES.get(resource.type)
        if name is None or (active is not None and resource.logical_id not in active):
            continue
        types[resource.type] = None
        named = named or bool(name and name in resource.properties)
    if not types:
        return frozenset(), ""
    return (
        frozenset({"CAPABILITY_NAMED_IAM" if named else "CAPABILITY_IAM"}),
        f"The following resource(s) require capabilities: [{', '.join(types)}]",
    )
