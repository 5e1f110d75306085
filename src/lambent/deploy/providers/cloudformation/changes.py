"""What a change set says, as the changes of a plan.

"Resource changes" in the CloudFormation API reference: ResourceChange, ResourceChangeDetail, ResourceTargetDefinition.
Endpoints that tell no details (moto's) are helped out by comparing the two templates.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy.plan import STATEFUL, Change, Difference
from lambent.deploy.plan.plan import Action, Replacement  # noqa: TC001 - the tables below are typed with them

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ACTIONS: Final[dict[str, Action]] = {
    "Add": "add",
    "Modify": "modify",
    "Remove": "remove",
    "Import": "import",
}
_REPLACEMENTS: Final[dict[str, Replacement]] = {"True": "yes", "Conditional": "perhaps", "False": "no"}
_RECREATIONS: Final[dict[str, Replacement]] = {"Always": "yes", "Conditionally": "perhaps", "Never": "no"}
_KEPT: Final = frozenset({"Retain", "Snapshot", "ReplaceAndRetain", "ReplaceAndSnapshot"})
_KEEPING: Final = frozenset({"Retain", "Snapshot"})
_NAMES: Final = {
    "AWS::DynamoDB::Table": "TableName",
    "AWS::IAM::Role": "RoleName",
    "AWS::Kinesis::Stream": "Name",
    "AWS::Lambda::Function": "FunctionName",
    "AWS::Logs::LogGroup": "LogGroupName",
    "AWS::S3::Bucket": "BucketName",
    "AWS::SNS::Topic": "TopicName",
    "AWS::SQS::Queue": "QueueName",
    "AWS::Scheduler::Schedule": "Name",
}
"""Properties by which a resource is called so that no other can be: CloudFormation makes the new one first."""
UNSHOWN: Final = "Environment"
"""Variables of functions: often keys and passwords."""
_ORDER: Final = {"add": 0, "import": 1, "modify": 2, "remove": 3}


def changes_of(
    told: list[dict[str, Any]], before: Callable[[], dict[str, Any]], after: dict[str, Any]
) -> tuple[Change, ...]:
    """The changes by action and logical id. `before` reads the template that is deployed, `after` is the new one."""
    resources = [change["ResourceChange"] for change in told if change.get("ResourceChange")]
    lasting = {
        change["LogicalResourceId"]
        for change in resources
        if change["Action"] == "Modify" and change.get("Replacement") == "False"
    }
    changes = [
        change for resource in resources if (change := _change(resource, lasting, before, after)) is not None
    ]
    return tuple(sorted(changes, key=lambda change: (_ORDER[change.action], change.logical)))


def _change(
    told: dict[str, Any], lasting: set[str], before: Callable[[], dict[str, Any]], after: dict[str, Any]
) -> Change | None:
    logical = told["LogicalResourceId"]
    # "Dynamic": what happens is only known when it does.
    action = _ACTIONS.get(told["Action"], "modify")
    differences: tuple[Difference, ...] = ()
    replacement: Replacement = "no"
    certain = True
    if action == "modify":
        details = told.get("Details") or []
        if details:
            details = [detail for detail in details if not _stays(detail, lasting)]
            if not details:
                return None
            certain = any(detail.get("Evaluation") != "Dynamic" for detail in details)
            differences = _merged(details)
            replacement = _REPLACEMENTS.get(told.get("Replacement", ""), "perhaps")
        else:
            old, new = before().get("Resources", {}).get(logical, {}), after["Resources"].get(logical, {})
            differences = tuple(_compared(old.get("Properties", {}), new.get("Properties", {}), ""))
            # Where nothing is told, only what would be bad is supposed.
            supposed: Replacement = "perhaps" if told["ResourceType"] in STATEFUL else "no"
            replacement = _REPLACEMENTS.get(told.get("Replacement", ""), supposed)
    return Change(
        action=action,
        logical=logical,
        type=told["ResourceType"],
        physical=told.get("PhysicalResourceId") or "",
        replacement=replacement,
        certain=certain,
        kept=_kept(told, action, replacement, before),
        held=replacement != "no" and _same_name(told, before(), after),
        differences=differences,
    )


def _same_name(told: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> bool:
    name = _NAMES.get(told["ResourceType"])
    logical = told["LogicalResourceId"]
    if name is None or logical not in before.get("Resources", {}):
        return False
    old, new = (
        template["Resources"][logical].get("Properties", {}).get(name) for template in (before, after)
    )
    return new is not None and old == new


def _stays(detail: dict[str, Any], lasting: set[str]) -> bool:
    """Whether a detail is only that another resource changes, which keeps its name: then nothing happens here."""
    entity, _, attribute = (detail.get("CausingEntity") or "").partition(".")
    return (
        entity in lasting
        and detail.get("Evaluation") == "Dynamic"
        and (detail.get("ChangeSource") == "ResourceReference" or attribute == "Arn")
    )


def _merged(details: list[dict[str, Any]]) -> tuple[Difference, ...]:
    """One difference a path: those that are certain win over those that depend on something."""
    found: dict[str, Difference] = {}
    for detail in sorted(details, key=lambda detail: detail.get("Evaluation") == "Dynamic"):
        target = detail.get("Target", {})
        path = _path(target)
        if path in found:
            continue
        found[path] = Difference(
            path=path,
            before=_value(path, target.get("BeforeValue")),
            after=_value(path, target.get("AfterValue")),
            replaces=_RECREATIONS.get(target.get("RequiresRecreation", ""), "no"),
        )
    return tuple(found[path] for path in sorted(found))


def _path(target: dict[str, Any]) -> str:
    path: str = target.get("Path") or ""
    if path:
        return path.strip("/").removeprefix("Properties/").replace("/", ".")
    return target.get("Name") or target.get("Attribute") or ""


def _value(path: str, told: str | None) -> Any:
    """Values come as text; objects and lists as JSON in it. What may be a secret is not repeated."""
    if path.startswith(UNSHOWN):
        return None
    if told is None or not told.startswith(("{", "[")):
        return told
    try:
        return json.loads(told)
    except ValueError:
        return told


def _compared(before: Any, after: Any, path: str) -> Iterator[Difference]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted({*before, *after}):
            yield from _compared(before.get(key), after.get(key), f"{path}.{key}" if path else key)
        return
    unshown = path.startswith(UNSHOWN)
    yield Difference(
        path=path, before=None if unshown else before, after=None if unshown else after, replaces="perhaps"
    )


def _kept(
    told: dict[str, Any], action: Action, replacement: Replacement, before: Callable[[], dict[str, Any]]
) -> bool:
    policy = told.get("PolicyAction")
    if policy is not None:
        return policy in _KEPT
    if action == "remove":
        named = before().get("Resources", {}).get(told["LogicalResourceId"], {}).get("DeletionPolicy")
    elif action == "modify" and replacement != "no":
        named = before().get("Resources", {}).get(told["LogicalResourceId"], {}).get("UpdateReplacePolicy")
    else:
        return False
    return named in _KEEPING
