"""What the policies of queues let services and roles do: who delivers in no role, or comes from another account, is let
in by a policy alone.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec

from lambent.functions.attachments import Policy
from lambent.functions.authorization import Access, allows, listed
from lambent.functions.names import partition_of


def role_session(account: str, region: str, role_arn: str) -> str:
    """The principal of an account's part of the platform that acts in a role."""
    name = role_arn.rpartition("/")[2]
    return f"arn:{partition_of(region)}:sts::{account}:assumed-role/{name}/lambent"


@lru_cache(maxsize=4096)
def queue_admits(
    policy: str, queue_arn: str, action: str, principal: str, account: str, source_arn: str = ""
) -> bool:
    """Whether a queue's policy lets somebody of an account do something, which depends on these alone.

    `principal`: a service, which acts for `source_arn`, or the session of a role.
    """
    if principal.startswith("arn:"):
        context = {"aws:PrincipalAccount": account, "aws:PrincipalArn": principal}
    else:
        context = {"aws:SourceArn": source_arn, "aws:SourceAccount": account}
    access = Access(principal=principal, action=action, resource=queue_arn, context=context)
    return allows(_policy(policy), access)


@lru_cache(maxsize=1024)
def _policy(text: str) -> Policy | None:
    """A policy document that was checked when it was set."""
    try:
        document = msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        return None
    if not isinstance(document, dict):
        return None
    statements = document.get("Statement")
    found = statements if isinstance(statements, list) else [statements]
    kept = tuple(_any_case(one) for one in found if isinstance(one, dict))
    return Policy(revision_id="", statements=kept)


def _any_case(statement: dict[str, Any]) -> dict[str, Any]:
    """SQS takes `SQS:SendMessage` and `SendMessage` for `sqs:SendMessage`, as older policies write it."""
    changed = dict(statement)
    for member in ("Action", "NotAction"):
        if member in changed:
            changed[member] = [
                one if ":" in one or one == "*" else f"sqs:{one}" for one in listed(changed[member])
            ]
    return changed
