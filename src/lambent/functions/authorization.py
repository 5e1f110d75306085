"""Whether a resource policy lets somebody do something: the part of IAM's logic that resource policies need.

Follows "Policy evaluation logic", "Principal" and "Condition operators" of the IAM user guide: a statement speaks
of a request when its principal, action, resource and every condition match; a Deny outweighs every Allow; nothing
said is no. Identity policies, policy variables and organizations are not known here: a condition on what the
caller's context does not hold is not met.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from lambent.functions.conditions import conditions_met, like
from lambent.functions.names import partition_of

if TYPE_CHECKING:
    from lambent.functions.attachments import Policy
    from lambent.functions.record import Target

Context: TypeAlias = Mapping[str, "str | tuple[str, ...]"]
"""Condition keys with their values: {"aws:SourceArn": "arn:…"}. The case of keys does not matter."""

_ROOT = re.compile(r"arn:[^:]+:iam::(\d{12}):root")
_SESSION = re.compile(r"arn:([^:]+):sts::(\d{12}):assumed-role/([^/]+)/.+")
_ACCOUNT = re.compile(r"\d{12}")


class Access(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants to do.

    `principal` is a service's domain (`s3.amazonaws.com`), the ARN of an IAM identity (an account as a whole is its
    root), or None for somebody unknown. `action` and `resource` are as in policies: `lambda:InvokeFunction` and
    the ARN, with the qualifier that was named.
    """

    principal: str | None
    action: str
    resource: str
    context: Context = {}


def root_of(account: str, region: str) -> str:
    """The principal that stands for a whole account."""
    return f"arn:{partition_of(region)}:iam::{account}:root"


def allows(policy: Policy | None, access: Access) -> bool:
    """Whether a policy lets `access` happen; no policy lets nothing."""
    if policy is None:
        return False
    context = {key.lower(): value for key, value in access.context.items()}
    effects = {
        one.get("Effect")
        for one in policy.statements
        if _speaks_of_principal(one, access.principal)
        and _speaks_of(one, "Action", access.action.lower(), fold=True)
        and _speaks_of(one, "Resource", access.resource, fold=False)
        and conditions_met(one.get("Condition") or {}, context)
    }
    return effects == {"Allow"}


def permits(target: Target, principal: str | None, action: str, context: Context | None = None) -> bool:
    """Whether the policy of what somebody named lets him do something with it.

    The policy is that of the qualifier that was named: neither a version's nor an alias's opens the function,
    nor the other way round.
    """
    function = target.function
    policy = function.policies.get(target.invoked_arn.removeprefix(function.arn).removeprefix(":"))
    access = Access(principal=principal, action=action, resource=target.invoked_arn, context=context or {})
    return allows(policy, access)


def listed(value: Any) -> list[str]:
    """One text or a list of them, as policies write it, as a list."""
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []


def _speaks_of(
    statement: dict[str, Any], member: Literal["Action", "Resource"], value: str, *, fold: bool
) -> bool:
    patterns, negated = statement.get(member), False
    if patterns is None:
        patterns, negated = statement.get(f"Not{member}"), True
    if patterns is None:
        return False
    found = any(like(one.lower() if fold else one, value) for one in listed(patterns))
    return found is not negated


def _speaks_of_principal(statement: dict[str, Any], principal: str | None) -> bool:
    if "Principal" in statement:
        return _is_among(statement["Principal"], principal)
    if "NotPrincipal" in statement:
        return not _is_among(statement["NotPrincipal"], principal)
    return False


def _is_among(named: Any, principal: str | None) -> bool:
    if named == "*":
        return True
    if not isinstance(named, dict):
        return False
    identities = listed(named.get("AWS"))
    if "*" in identities:
        return True
    if principal is None:
        return False
    if not principal.startswith("arn:"):
        return principal in listed(named.get("Service"))
    return any(_covers(identity, principal) for identity in identities)


def _covers(identity: str, principal: str) -> bool:
    """Whether an identity in a policy is the caller: itself, its account as a whole, or the role of its session."""
    if identity == principal:
        return True
    root = _ROOT.fullmatch(identity)
    account = root[1] if root else identity if _ACCOUNT.fullmatch(identity) else None
    if account is not None:
        return principal.split(":")[4:5] == [account]
    session = _SESSION.fullmatch(principal)
    if session is None:
        return False
    # A role may have a path, which its sessions do not show.
    role = re.fullmatch(r"arn:([^:]+):iam::(\d{12}):role/(?:.*/)?([^/]+)", identity)
    return role is not None and role.groups() == session.groups()
