"""Tasks of ECS as targets: rules' and schedules' parameters have other letters in requests than in properties.

AWS::Events::Rule EcsParameters and AWS::Scheduler::Schedule EcsParameters in the CloudFormation template reference, and
PutTargets and CreateSchedule in the API references of EventBridge and its scheduler.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties

_MEMBERS: Final = {"TagList": "Tags", "PlacementStrategies": "PlacementStrategy"}
_LOWER: Final = ("CapacityProviderStrategy", "PlacementConstraints", "PlacementStrategy")
_NETWORK: Final = "awsvpcConfiguration"


def requested(target: Properties) -> dict[str, Any]:
    """A target with its EcsParameters, if it has any, as requests have them."""
    given = target.get("EcsParameters")
    if not given:
        return dict(target)
    parameters = {_MEMBERS.get(name, name): value for name, value in given.items()}
    for name in _LOWER:
        if name in parameters:
            parameters[name] = [_first(one, str.lower) for one in parameters[name]]
    network = parameters.get("NetworkConfiguration")
    if network:
        parameters["NetworkConfiguration"] = {_NETWORK: next(iter(network.values()))}
    return {**target, "EcsParameters": parameters}


def read(target: dict[str, Any], *, rule: bool) -> Properties:
    """The other way round. `rule`: a rule's names of members, not a schedule's."""
    given = target.get("EcsParameters")
    if not given:
        return dict(target)
    parameters = dict(given)
    for name in _LOWER:
        if name in parameters:
            parameters[name] = [_first(one, str.upper) for one in parameters[name]]
    network = parameters.get("NetworkConfiguration")
    if network:
        parameters["NetworkConfiguration"] = {
            "AwsVpcConfiguration" if rule else "AwsvpcConfiguration": network[_NETWORK]
        }
    if rule:
        back = {name: member for member, name in _MEMBERS.items()}
        parameters = {back.get(name, name): value for name, value in parameters.items()}
    return {**target, "EcsParameters": parameters}


def _first(members: dict[str, Any], change: Any) -> dict[str, Any]:
    return {change(name[0]) + name[1:]: value for name, value in members.items()}
