"""Stack policies: which resources an update may change.

Statements with Effect, Action (`Update:Modify`, `Update:Replace`, `Update:Delete`, `Update:*`), NotAction, Resource or
NotResource (`LogicalResourceId/…`), Principal "*" and the condition ResourceType under StringEquals and StringLike
(AWSCloudFormation/latest/UserGuide/protect-stack-resources.html). What no statement allows is denied, a denial wins.
"""

from __future__ import annotations

import fnmatch
from typing import Any, Final

import msgspec

from lambent.stacks.errors import ValidationError

_LIMIT: Final = 16_384
_ACTIONS: Final = frozenset({"update:modify", "update:replace", "update:delete", "update:*", "*"})


def check_policy(text: str) -> None:
    """Raises ValidationError for what is no stack policy."""
    if not 1 <= len(text) <= _LIMIT:
        raise ValidationError(
            f"1 validation error detected: Value '{text[:64]}' at 'stackPolicyBody' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LIMIT}"
        )
    statements = _statements(text)
    if not statements:
        raise ValidationError("Error validating stack policy: Invalid stack policy")
    for statement in statements:
        if not isinstance(statement, dict) or statement.get("Effect") not in ("Allow", "Deny"):
            raise ValidationError("Error validating stack policy: Invalid stack policy")
        actions = _texts(statement.get("Action", statement.get("NotAction")))
        if not actions or any(action.lower() not in _ACTIONS for action in actions):
            raise ValidationError(
                f"Error validating stack policy: Invalid action {', '.join(actions)}".rstrip()
            )
        resources = _texts(statement.get("Resource", statement.get("NotResource")))
        if not resources or any(
            resource != "*" and not resource.startswith("LogicalResourceId/") for resource in resources
        ):
            raise ValidationError("Error validating stack policy: Invalid stack policy")
        if statement.get("Principal", statement.get("NotPrincipal")) is None:
            raise ValidationError("Error validating stack policy: Invalid stack policy")


def denial(policy: str, action: str, logical_id: str, type_name: str) -> str:
    """Why a policy does not allow that, in CloudFormation's words; "" when it does. Without a policy all is allowed."""
    if not policy:
        return ""
    allowed = False
    for number, statement in enumerate(_statements(policy), 1):
        if not _applies(statement, action, logical_id, type_name):
            continue
        if statement.get("Effect") == "Deny":
            return (
                f"Action denied by stack policy: Statement [#{number}] does not allow [{action}] for resource "
                f"[{logical_id}]"
            )
        allowed = True
    if allowed:
        return ""
    return f"Action not allowed by stack policy: no statement allows [{action}] for resource [{logical_id}]"


def _applies(statement: dict[str, Any], action: str, logical_id: str, type_name: str) -> bool:
    return (
        _concerns(statement, "Action", action.lower(), lower=True)
        and _concerns(statement, "Resource", f"LogicalResourceId/{logical_id}")
        and _holds(statement.get("Condition"), type_name)
    )


def _concerns(statement: dict[str, Any], member: str, value: str, *, lower: bool = False) -> bool:
    for name, wanted in ((member, True), (f"Not{member}", False)):
        if name in statement:
            patterns = _texts(statement[name])
            if lower:
                patterns = [pattern.lower() for pattern in patterns]
            return any(_matches(value, pattern) for pattern in patterns) is wanted
    return False


def _holds(condition: Any, type_name: str) -> bool:
    if not isinstance(condition, dict):
        return True
    for operator, operands in condition.items():
        for key, values in (operands if isinstance(operands, dict) else {}).items():
            if key != "ResourceType":
                return False
            like = operator in ("StringLike", "StringNotLike")
            found = any(
                _matches(type_name, value) if like else type_name == value for value in _texts(values)
            )
            if found is ("Not" in operator):
                return False
    return True


def _matches(value: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(value, pattern.replace("[", "[[]"))


def _statements(text: str) -> list[Any]:
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        raise ValidationError("Error validating stack policy: Invalid stack policy") from None
    found = document.get("Statement") if isinstance(document, dict) else None
    if isinstance(found, dict):
        return [found]
    return found if isinstance(found, list) else []


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
