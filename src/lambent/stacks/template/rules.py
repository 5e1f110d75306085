"""Rules: what parameters have to be together, checked before anything is made.

Source: CloudFormation User Guide, "Rules" and "Rule functions". How CloudFormation words a rule that does not hold is
not recorded; what it says is the assertion's description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.neighbours.service_calls import ServiceCall, ServiceFailure, ServiceMissing
from lambent.stacks.errors import ValidationError
from lambent.stacks.template.conditions import comparable
from lambent.stacks.template.pseudo import Pseudo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.neighbours.service_calls import AskService
    from lambent.stacks.template.template import Rule, Template

_DESCRIBED: Final = {
    "AWS::EC2::SecurityGroup::Id": ("DescribeSecurityGroups", "SecurityGroups", "GroupId"),
    "AWS::EC2::Subnet::Id": ("DescribeSubnets", "Subnets", "SubnetId"),
    "AWS::EC2::VPC::Id": ("DescribeVpcs", "Vpcs", "VpcId"),
}
"""Of the types whose resources rules may ask for: EC2's operation, its answer's list, and the id there."""


async def check_rules(
    template: Template, parameters: Mapping[str, Any], ask: AskService, account: str, region: str
) -> None:
    """Raises ValidationError, with its description, for the first assertion that does not hold."""
    if not template.rules:
        return
    types = {name: parameter.type for name, parameter in template.parameters.items()}
    known = {**Pseudo.of(account, region, "", "").values(), **parameters}
    resources = await _resources(_wanted(template.rules.values(), types), ask, account, region)
    rules = _Rules(known, types, resources)
    for rule in template.rules.values():
        if rule.condition is not None and not rules.holds(rule.condition):
            continue
        for number, (assertion, description) in enumerate(rule.assertions, 1):
            if not rules.holds(assertion):
                raise ValidationError(
                    f"Rule {rule.name} failed: {description or f'assertion {number} does not hold'}"
                )


class _Rules:
    """Evaluates rules. `types`: of the parameters. `resources`: by type and id, what EC2 says of them."""

    def __init__(
        self,
        known: Mapping[str, Any],
        types: Mapping[str, str],
        resources: Mapping[str, dict[str, dict[str, Any]]],
    ) -> None:
        self._known = known
        self._types = types
        self._resources = resources

    def holds(self, expression: Any) -> bool:
        value = self._value(expression)
        if isinstance(value, bool):
            return value
        raise ValidationError(
            "Template error: conditions and assertions of Rules have to be boolean functions"
        )

    def _value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._value(item) for item in value]
        if not isinstance(value, dict) or len(value) != 1:
            return value
        ((function, argument),) = value.items()
        if function == "Ref":
            return self._known[argument]
        if function in ("Fn::And", "Fn::Or"):
            found = [self.holds(part) for part in argument]
            return all(found) if function == "Fn::And" else any(found)
        if function == "Fn::Not":
            return not self.holds(argument[0])
        if function == "Fn::RefAll":
            return list(self._all(argument))
        if function == "Fn::ValueOfAll":
            return [_attribute(one, argument[1]) for one in self._all(argument[0]).values()]
        if function == "Fn::ValueOf":
            return self._value_of(*argument)
        first, second = self._value(argument[0]), self._value(argument[1])
        if function == "Fn::Equals":
            return comparable(first) == comparable(second)
        members = [comparable(item) for item in (first if isinstance(first, list) else [first])]
        if function == "Fn::Contains":
            return comparable(second) in members
        if function == "Fn::EachMemberEquals":
            return all(member == comparable(second) for member in members)
        allowed = [comparable(item) for item in (second if isinstance(second, list) else [second])]
        return all(member in allowed for member in members)

    def _all(self, kind: str) -> dict[str, dict[str, Any]]:
        return self._resources[kind]

    def _value_of(self, name: str, attribute: str) -> Any:
        resources = self._resources[_inner(self._types[name])]
        value = self._known[name]
        if isinstance(value, list):
            return [_attribute(resources.get(one, {}), attribute) for one in value]
        return _attribute(resources.get(value, {}), attribute)


def _attribute(described: Mapping[str, Any], name: str) -> str:
    if name[:5] == "Tags.":
        for tag in described.get("Tags", []):
            if tag.get("Key") == name[5:]:
                return str(tag.get("Value", ""))
        return ""
    return str(described.get(name, ""))


def _inner(kind: str) -> str:
    """The type within `List<…>` and `AWS::SSM::Parameter::Value<…>`."""
    return kind.rpartition("<")[2].rstrip(">")


def _wanted(rules: Any, types: Mapping[str, str]) -> set[str]:
    """The types whose resources rules ask for. Raises ValidationError for others than CloudFormation knows."""
    found: set[str] = set()
    waiting = [part for rule in rules for part in _expressions(rule)]
    while waiting:
        here = waiting.pop()
        if isinstance(here, list):
            waiting.extend(here)
        elif isinstance(here, dict):
            for function, argument in here.items():
                waiting.append(argument)
                if function == "Fn::RefAll":
                    found.add(str(argument))
                elif function == "Fn::ValueOfAll":
                    found.add(str(argument[0]))
                elif function == "Fn::ValueOf":
                    if argument[0] not in types:
                        raise ValidationError(
                            f"Template error: Fn::ValueOf names no parameter: {argument[0]}"
                        )
                    found.add(_inner(types[argument[0]]))
    unfit = sorted(found - _DESCRIBED.keys())
    if unfit:
        raise ValidationError(
            f"Template error: Fn::RefAll, Fn::ValueOf and Fn::ValueOfAll are not supported for [{', '.join(unfit)}], "
            f"only for [{', '.join(_DESCRIBED)}]"
        )
    return found


def _expressions(rule: Rule) -> list[Any]:
    return [rule.condition, *(assertion for assertion, _ in rule.assertions)]


async def _resources(
    kinds: set[str], ask: AskService, account: str, region: str
) -> dict[str, dict[str, dict[str, Any]]]:
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for kind in sorted(kinds):
        operation, members, key = _DESCRIBED[kind]
        described = await _describe(operation, members, ask, account, region)
        found[kind] = {one[key]: one for one in described}
    vpcs = found.get("AWS::EC2::VPC::Id")
    if vpcs:
        for acl in await _describe("DescribeNetworkAcls", "NetworkAcls", ask, account, region):
            if acl.get("IsDefault") and acl.get("VpcId") in vpcs:
                vpcs[acl["VpcId"]]["DefaultNetworkAcl"] = acl["NetworkAclId"]
        for group in await _describe("DescribeSecurityGroups", "SecurityGroups", ask, account, region):
            if group.get("GroupName") == "default" and group.get("VpcId") in vpcs:
                vpcs[group["VpcId"]]["DefaultSecurityGroup"] = group["GroupId"]
    return found


async def _describe(
    operation: str, members: str, ask: AskService, account: str, region: str
) -> list[dict[str, Any]]:
    try:
        answer = await ask(ServiceCall("ec2", operation, {}, region, account, ""))
    except (ServiceFailure, ServiceMissing) as failure:
        raise ValidationError(f"Rules ask for resources of EC2, which cannot be read: {failure}") from None
    return list(answer.get(members, []))
