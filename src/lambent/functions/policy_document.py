"""Reading a whole policy document: what makes it a policy, and one of the resource it is for.

The grammar is that of "Grammar of the IAM JSON policy language" of the IAM user guide, with what resource policies
need: a principal, and a resource that is theirs.
"""

from __future__ import annotations

import re
from typing import Any

import msgspec

from lambent.functions.attachments import Policy
from lambent.functions.authorization import listed
from lambent.functions.conditions import known_operator, like
from lambent.functions.errors import InvalidPolicy, PublicPolicy

_VERSIONS = ("2012-10-17", "2008-10-17")
_MEMBERS = {"Version", "Id", "Statement"}
_STATEMENT_MEMBERS = {
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
}
_PRINCIPALS = {"AWS", "Service", "Federated", "CanonicalUser"}
_ACTION = re.compile(r"\*|lambda:[a-zA-Z*?]+", re.IGNORECASE)
_SID = re.compile(r"[a-zA-Z0-9-_]{1,100}")

# Conditions on who calls or on whose behalf: with one of these that is compared with something, "everybody" is not.
_RESTRICTING = {
    "aws:principalaccount",
    "aws:principalarn",
    "aws:principalorgid",
    "aws:principalorgpaths",
    "aws:sourceaccount",
    "aws:sourcearn",
    "aws:sourceip",
    "aws:sourceorgid",
    "aws:sourcevpc",
    "aws:sourcevpce",
    "aws:userid",
    "lambda:eventsourcetoken",
    # A URL that asks nobody who he is; it is public because its owner made it so.
    "lambda:functionurlauthtype",
    "lambda:invokedviafunctionurl",
}


def read(text: str, arn: str) -> Policy:
    """The policy that a document is, for the resource `arn`; its revision is still to come.

    Raises InvalidPolicy, and PublicPolicy for one that lets everybody in.
    """
    try:
        document = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        raise _invalid("it is not JSON") from None
    if not isinstance(document, dict):
        raise _invalid("it is not a JSON object")
    _check_members(document, _MEMBERS, "the policy")
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS:
        raise _invalid(f"Version must be one of {', '.join(_VERSIONS)}")
    name = document.get("Id")
    if name is not None and not isinstance(name, str):
        raise _invalid("Id must be a string")
    if "Statement" not in document:
        raise _invalid("Statement is missing")
    found = document["Statement"]
    statements = found if isinstance(found, list) else [found]
    if not statements:
        raise _invalid("Statement is empty")
    sids = set()
    for number, one in enumerate(statements, 1):
        _check_statement(one, f"statement {number}", arn)
        sid = one.get("Sid")
        if sid is not None and sid in sids:
            raise _invalid(f"the statement id {sid} is not unique")
        sids.add(sid)
    if any(_lets_everybody_in(one) for one in statements):
        raise PublicPolicy
    return Policy(revision_id="", statements=tuple(statements), version=version, id=name)


def _check_statement(statement: Any, place: str, arn: str) -> None:
    if not isinstance(statement, dict):
        raise _invalid(f"{place} is not an object")
    _check_members(statement, _STATEMENT_MEMBERS, place)
    sid = statement.get("Sid")
    if sid is not None and not (isinstance(sid, str) and _SID.fullmatch(sid)):
        raise _invalid(f"Sid of {place} must be 1 to 100 letters, digits, hyphens and underscores")
    if statement.get("Effect") not in ("Allow", "Deny"):
        raise _invalid(f"Effect of {place} must be Allow or Deny")
    principal = statement[_one_of(statement, "Principal", place)]
    _check_principal(principal, place)
    actions = _texts(statement[_one_of(statement, "Action", place)], f"Action of {place}")
    for action in actions:
        if not _ACTION.fullmatch(action):
            raise _invalid(f"{action} in {place} is not an action of Lambda")
    which = _one_of(statement, "Resource", place)
    resources = _texts(statement[which], f"{which} of {place}")
    if which == "Resource" and not all(like(resource, arn) for resource in resources):
        raise _invalid(f"Resource of {place} must be the resource that the policy is for: {arn}")
    _check_condition(statement.get("Condition", {}), place)


def _check_principal(principal: Any, place: str) -> None:
    if principal == "*":
        return
    if not isinstance(principal, dict) or not principal or not principal.keys() <= _PRINCIPALS:
        raise _invalid(f"Principal of {place} must be * or name one of {', '.join(sorted(_PRINCIPALS))}")
    for kind, names in principal.items():
        _texts(names, f"Principal {kind} of {place}")


def _check_condition(condition: Any, place: str) -> None:
    if not isinstance(condition, dict):
        raise _invalid(f"Condition of {place} is not an object")
    for name, keys in condition.items():
        if not known_operator(name):
            raise _invalid(f"{name} in {place} is not a condition operator")
        if not isinstance(keys, dict) or not keys:
            raise _invalid(f"{name} in {place} has no condition keys")
        for key, values in keys.items():
            wanted = values if isinstance(values, list) else [values]
            if not wanted or not all(isinstance(one, str | bool | int | float) for one in wanted):
                raise _invalid(f"{key} in {place} must be compared with a value or a list of values")


def _check_members(part: dict[str, Any], allowed: set[str], place: str) -> None:
    unknown = sorted(part.keys() - allowed)
    if unknown:
        raise _invalid(f"{unknown[0]} is not an element of {place}")


def _one_of(statement: dict[str, Any], name: str, place: str) -> str:
    """Which of an element and its opposite a statement has: it must be one of them."""
    present = [one for one in (name, f"Not{name}") if one in statement]
    if not present:
        raise _invalid(f"{name} of {place} is missing")
    if len(present) > 1:
        raise _invalid(f"{place} has both {name} and Not{name}")
    return present[0]


def _texts(value: Any, place: str) -> list[str]:
    wanted = value if isinstance(value, list) else [value]
    if not wanted or not all(isinstance(one, str) and one for one in wanted):
        raise _invalid(f"{place} must be a string or a list of strings")
    return wanted


def _lets_everybody_in(statement: dict[str, Any]) -> bool:
    if statement["Effect"] != "Allow":
        return False
    principal = statement.get("Principal")
    if principal is not None and principal != "*" and "*" not in listed(principal.get("AWS")):
        return False
    keys = {
        key.lower(): values
        for name, operands in statement.get("Condition", {}).items()
        if "Not" not in name and "Null" not in name and not name.endswith("IfExists")
        for key, values in operands.items()
    }
    return not any(key in _RESTRICTING and "*" not in listed(values) for key, values in keys.items())


def _invalid(reason: str) -> InvalidPolicy:
    return InvalidPolicy(f"The policy document is invalid: {reason}.")
