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

_INVALID: Final = "Error validating stack policy: Invalid stack policy"
_LIMIT: Final = 16_384
_ACTIONS: Final = frozenset({"update:modify", "update:replace", "update:delete", "update:*", "*"})


def check_policy(text: str) -> None:
    """Raises ValidationError for what is no stack policy. `{}` is one that says nothing."""
    if len(text) > _LIMIT:
        raise ValidationError(
            f"1 validation error detected: Value '{text}' at 'stackPolicyBody' failed to satisfy constraint: "
            f"Member must have length less than or equal to {_LIMIT}"
        )
    for statement in _statements(text):
        if not isinstance(statement, dict) or not _is_well_formed(statement):
            raise ValidationError(_INVALID)


def _is_well_formed(statement: dict[str, Any]) -> bool:
    actions = _texts(statement.get("Action", statement.get("NotAction")))
    resources = _texts(statement.get("Resource", statement.get("NotResource")))
    return (
        statement.get("Effect") in ("Allow", "Deny")
        and statement.get("Principal") == "*"
        and bool(actions)
        and all(action.lower() in _ACTIONS for action in actions)
        and bool(resources)
        and all(resource == "*" or resource.startswith("LogicalResourceId/") for resource in resources)
    )


def denial(policy: str, action: str, logical_id: str, type_name: str) -> str:
    """Why a policy does not allow that, in CloudFormation's words; "" when it does.

    Without a policy, or with one that says nothing, all is allowed.
    """
    statements = _statements(policy) if policy else []
    allowed = not statements
    for number, statement in enumerate(statements, 1):
        if not _applies(statement, action, logical_id, type_name):
            continue
        if statement.get("Effect") == "Deny":
            return (
                f"Action denied by stack policy: Statement [#{number}] does not allow [{action}] for resource "
                f"[LogicalResourceId/{logical_id}];"
            )
        allowed = True
    return "" if allowed else "Action not allowed by stack policy"


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
        raise ValidationError(_INVALID) from None
    if not isinstance(document, dict):
        raise ValidationError(_INVALID)
    found = document.get("Statement", [])
    return found if isinstance(found, list) else [found]


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []
