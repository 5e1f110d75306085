"""Policies of layer versions: what they say, and how they change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from lambent.functions.errors import (
    LayerRevisionMismatch,
    NoPolicy,
    PolicyTooLong,
    StatementExists,
    StatementNotFound,
)
from lambent.functions.layer import LayerPolicy
from lambent.functions.names import partition_of
from lambent.functions.transitions import new_id

if TYPE_CHECKING:
    from lambent.functions.layer import LayerVersion
    from lambent.functions.limits import Limits


def document(policy: LayerPolicy) -> str:
    """The policy as IAM's JSON."""
    return encoded({"Version": "2012-10-17", "Id": "default", "Statement": policy.statements})


def encoded(part: dict[str, Any]) -> str:
    """A policy, or a part of one, as JSON."""
    return msgspec.json.encode(part).decode()


def statement(
    version: LayerVersion, sid: str, action: str, principal: str, organization: str | None
) -> dict[str, Any]:
    """A statement that lets `principal` (an account, the ARN of its root, or `*`) do `action`."""
    allowed: str | dict[str, str] = principal
    if principal != "*":
        root = f"arn:{partition_of(version.region)}:iam::{principal}:root"
        allowed = {"AWS": principal if principal.startswith("arn:") else root}
    said: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": allowed,
        "Action": action,
        "Resource": version.arn,
    }
    if organization:
        said["Condition"] = {"StringEquals": {"aws:PrincipalOrgID": organization}}
    return said


def with_statement(
    version: LayerVersion, added: dict[str, Any], revision_id: str | None, limits: Limits
) -> LayerVersion:
    """The version with one more statement. Raises StatementExists, LayerRevisionMismatch, PolicyTooLong."""
    statements = version.policy.statements if version.policy else ()
    if any(one["Sid"] == added["Sid"] for one in statements):
        raise StatementExists(added["Sid"])
    _check_revision(version, revision_id)
    policy = LayerPolicy(revision_id=new_id(), statements=(*statements, added))
    size = len(document(policy))
    if size > limits.policy:
        raise PolicyTooLong(size, limits.policy)
    return replace(version, policy=policy)


def without_statement(version: LayerVersion, sid: str, revision_id: str | None) -> LayerVersion:
    """The version without a statement; without a policy when it was the last.

    Raises NoPolicy, StatementNotFound, LayerRevisionMismatch.
    """
    if version.policy is None:
        raise NoPolicy
    _check_revision(version, revision_id)
    kept = tuple(one for one in version.policy.statements if one["Sid"] != sid)
    if len(kept) == len(version.policy.statements):
        raise StatementNotFound(sid)
    return replace(version, policy=LayerPolicy(revision_id=new_id(), statements=kept) if kept else None)


def readable(version: LayerVersion, account: str) -> bool:
    """Whether `account` may read and use the version: its own do, others as far as the policy lets them.

    Accounts here belong to no organization: a statement for one lets nobody in.
    """
    if account == version.account:
        return True
    root = f"arn:{partition_of(version.region)}:iam::{account}:root"
    return any(
        one["Principal"] in ("*", {"AWS": root}) and "Condition" not in one
        for one in (version.policy.statements if version.policy else ())
    )


def _check_revision(version: LayerVersion, revision_id: str | None) -> None:
    if revision_id and (version.policy is None or version.policy.revision_id != revision_id):
        raise LayerRevisionMismatch
