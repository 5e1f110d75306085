"""Resource policies of functions, versions and aliases: who may invoke them, and how that changes.

Rules and messages are AWS's (recorded: `TestLambdaPermissions`, `TestLambdaRevisions`). A policy belongs to
exactly one name: that of a function does not open its versions, nor the other way round.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec.structs import replace

from lambent.functions.attachments import Policy
from lambent.functions.errors import (
    AliasNotFound,
    FunctionNotFound,
    InvalidConfiguration,
    NoPolicy,
    PolicyRevisionMismatch,
    PolicyTooLong,
    RevisionMismatch,
    StatementExists,
    StatementNotFound,
)
from lambent.functions.names import is_alias, partition_of
from lambent.functions.transitions import new_id, with_latest
from lambent.functions.version import LATEST

if TYPE_CHECKING:
    from lambent.functions.limits import Limits
    from lambent.functions.record import FunctionRecord

_ACCOUNT = re.compile(r"\d{12}")
_IDENTITY = re.compile(r"arn:aws[a-zA-Z-]*:(?:iam|sts)::\d{12}:[\x21-\x7e]+")
# Services are named by the domains of AWS: s3.amazonaws.com, alexa-appkit.amazon.com, states.amazonaws.com.cn.
_SERVICE = re.compile(
    r"[a-z0-9-]+(?:\.[a-z0-9-]+)*\.(?:amazonaws\.(?:com(?:\.cn)?|eu)|amazon\.com|aws\.internal)"
)


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """What AddPermission asks for. `principal`: an account, the ARN of an identity, a service's domain or `*`."""

    sid: str
    action: str
    principal: str
    source_arn: str | None = None
    source_account: str | None = None
    event_source_token: str | None = None
    organization: str | None = None
    url_auth_type: str | None = None
    via_url: bool | None = None


def document(policy: Policy) -> str:
    """The policy as IAM's JSON."""
    named = {} if policy.id is None else {"Id": policy.id}
    return encoded({"Version": policy.version, **named, "Statement": policy.statements})


def encoded(part: dict[str, Any]) -> str:
    """A policy, or a part of one, as JSON."""
    return msgspec.json.encode(part).decode()


def check_qualifier(qualifier: str | None) -> None:
    """Raise InvalidConfiguration for $LATEST: it is the function itself that has a policy."""
    if qualifier == LATEST:
        raise InvalidConfiguration("We currently do not support adding policies for $LATEST.")


def find(record: FunctionRecord, qualifier: str) -> Policy | None:
    """The policy of a qualifier, "" for the function's own. Raises AliasNotFound, FunctionNotFound."""
    if qualifier not in ("", LATEST) and qualifier not in record.aliases and qualifier not in record.versions:
        missing = AliasNotFound if is_alias(qualifier) else FunctionNotFound
        raise missing(f"{record.arn}:{qualifier}")
    return record.policies.get(qualifier)


def revision_of(record: FunctionRecord, qualifier: str) -> str:
    """The revision id of what a policy belongs to: the function's, a version's or an alias's."""
    alias = record.aliases.get(qualifier)
    if alias is not None:
        return alias.revision_id
    return record.versions.get(qualifier, record.latest).revision_id


def statement(record: FunctionRecord, qualifier: str, grant: Grant) -> dict[str, Any]:
    """The statement that a grant becomes. Raises InvalidConfiguration."""
    said: dict[str, Any] = {
        "Sid": grant.sid,
        "Effect": "Allow",
        "Principal": _principal(record, grant.principal),
        "Action": grant.action,
        "Resource": resource_arn(record, qualifier),
    }
    if grant.url_auth_type is not None and grant.action != "lambda:InvokeFunctionUrl":
        raise InvalidConfiguration(
            "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action"
        )
    if grant.via_url is not None and grant.action != "lambda:InvokeFunction":
        raise InvalidConfiguration("InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action")
    equal = {
        "AWS:SourceAccount": grant.source_account,
        "lambda:FunctionUrlAuthType": grant.url_auth_type,
        "lambda:EventSourceToken": grant.event_source_token,
        "aws:PrincipalOrgID": grant.organization,
    }
    condition: dict[str, Any] = {}
    if any(equal.values()):
        condition["StringEquals"] = {key: value for key, value in equal.items() if value}
    if grant.source_arn:
        condition["ArnLike"] = {"AWS:SourceArn": grant.source_arn}
    if grant.via_url is not None:
        condition["Bool"] = {"lambda:InvokedViaFunctionUrl": "true" if grant.via_url else "false"}
    if condition:
        said["Condition"] = condition
    return said


def resource_arn(record: FunctionRecord, qualifier: str) -> str:
    """The ARN that the policy of a qualifier is about."""
    return f"{record.arn}:{qualifier}" if qualifier else record.arn


def granted(
    record: FunctionRecord, qualifier: str, grant: Grant, revision_id: str | None, limits: Limits
) -> FunctionRecord:
    """The record with one more statement in the policy of a qualifier; it comes last.

    Raises AliasNotFound, FunctionNotFound, PolicyRevisionMismatch, StatementExists, InvalidConfiguration,
    PolicyTooLong.
    """
    policy = find(record, qualifier)
    if not _current(record, qualifier, revision_id):
        raise PolicyRevisionMismatch
    statements = () if policy is None else policy.statements
    if any(one.get("Sid") == grant.sid for one in statements):
        raise StatementExists(grant.sid)
    policy = policy or Policy(revision_id="")
    added = replace(policy, statements=(*statements, statement(record, qualifier, grant)))
    return with_policy(record, qualifier, added, limits)


def revoked(record: FunctionRecord, qualifier: str, sid: str, revision_id: str | None) -> FunctionRecord:
    """The record without a statement; without the policy when it was the last.

    Raises AliasNotFound, FunctionNotFound, NoPolicy, StatementNotFound, RevisionMismatch.
    """
    policy = find(record, qualifier)
    if policy is None:
        raise NoPolicy
    kept = tuple(one for one in policy.statements if one.get("Sid") != sid)
    if len(kept) == len(policy.statements):
        raise StatementNotFound(sid)
    if not _current(record, qualifier, revision_id):
        raise RevisionMismatch
    if kept:
        return _revised(record, qualifier, replace(policy, statements=kept))
    return without_policy(record, qualifier)


def with_policy(record: FunctionRecord, qualifier: str, policy: Policy, limits: Limits) -> FunctionRecord:
    """The record with this as a qualifier's whole policy, of a new revision. Raises PolicyTooLong."""
    size = len(document(policy).encode())
    if size > limits.policy:
        raise PolicyTooLong(size, limits.policy)
    return _revised(record, qualifier, policy)


def without_policy(record: FunctionRecord, qualifier: str) -> FunctionRecord:
    """The record without a qualifier's policy."""
    return _revised(record, qualifier, None)


def check_revision(record: FunctionRecord, qualifier: str, revision_id: str | None) -> None:
    """Raise PolicyRevisionMismatch unless a revision id, if one is given, is that of a qualifier's policy.

    Raises AliasNotFound and FunctionNotFound too.
    """
    policy = find(record, qualifier)
    if revision_id and (policy is None or revision_id != policy.revision_id):
        raise PolicyRevisionMismatch("GetResourcePolicy")


def _current(record: FunctionRecord, qualifier: str, revision_id: str | None) -> bool:
    """Whether a caller's revision id, if it gave one, is that of the policy or of what it belongs to.

    They are the same after a change of the policy; publishing a version changes only the function's (recorded:
    `test_lambda_permission_fn_versioning`).
    """
    if not revision_id:
        return True
    policy = record.policies.get(qualifier)
    return revision_id == revision_of(record, qualifier) or (
        policy is not None and revision_id == policy.revision_id
    )


def _revised(record: FunctionRecord, qualifier: str, policy: Policy | None) -> FunctionRecord:
    """A change of a policy is one of what it belongs to: both get the same new revision id."""
    revision = new_id()
    policies = {name: other for name, other in record.policies.items() if name != qualifier}
    if policy is not None:
        policies[qualifier] = replace(policy, revision_id=revision)
    changed = replace(record, policies=policies)
    alias = record.aliases.get(qualifier)
    if alias is not None:
        renewed = replace(alias, revision_id=revision)
        return replace(changed, aliases={**record.aliases, qualifier: renewed})
    version = record.versions.get(qualifier)
    if version is not None:
        newer = replace(version, revision_id=revision)
        return replace(changed, versions={**record.versions, qualifier: newer})
    return with_latest(changed, replace(record.latest, revision_id=revision))


def _principal(record: FunctionRecord, principal: str) -> str | dict[str, str]:
    if principal == "*":
        return principal
    if _ACCOUNT.fullmatch(principal):
        return {"AWS": f"arn:{partition_of(record.region)}:iam::{principal}:root"}
    if _IDENTITY.fullmatch(principal):
        return {"AWS": principal}
    if _SERVICE.fullmatch(principal):
        return {"Service": principal}
    raise InvalidConfiguration(
        "The provided principal was invalid. Please check the principal and try again."
    )
