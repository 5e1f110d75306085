"""Resource policies of buses: the text that people see, the statements of PutPermission, and who is let in.

Shapes are recorded (`test_put_permission`, `test_remove_permission`).
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.events.bus.errors import InvalidRequest, PolicyTooLong, StatementNotFound
from lambent.functions.attachments import Policy
from lambent.functions.authorization import Access, allows, root_of

if TYPE_CHECKING:
    from lambent.events.bus.rule import EventBus

MAX_LENGTH: Final = 10_240


def granted(
    bus: EventBus, sid: str, principal: str, action: str, condition: dict[str, str] | None = None
) -> str:
    """The policy with a statement for an account or `*`, in place of one of the same id. Raises PolicyTooLong.

    `condition`: {"Type", "Key", "Value"}.
    """
    statement: dict[str, Any] = {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": "*" if principal == "*" else {"AWS": root_of(principal, bus.region)},
        "Action": action,
        "Resource": bus.arn,
    }
    if condition is not None:
        statement["Condition"] = {condition["Type"]: {condition["Key"]: condition["Value"]}}
    document = _document(bus)
    kept = [one for one in document["Statement"] if one.get("Sid") != sid]
    return _checked(msgspec.json.encode({**document, "Statement": [*kept, statement]}).decode())


def replaced(text: str) -> str:
    """A whole policy. Raises InvalidRequest, PolicyTooLong."""
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError:
        document = None
    if not isinstance(document, dict) or "Statement" not in document:
        raise InvalidRequest("Parameter Policy is not valid. Reason: It is not a policy document.")
    return _checked(text)


def revoked(bus: EventBus, sid: str) -> str | None:
    """The policy without a statement; None when it was the last. Raises StatementNotFound."""
    document = _document(bus)
    kept = [one for one in document["Statement"] if one.get("Sid") != sid]
    if len(kept) == len(document["Statement"]):
        raise StatementNotFound
    return msgspec.json.encode({**document, "Statement": kept}).decode() if kept else None


def admits(bus: EventBus, account: str, action: str, resource: str) -> bool:
    """Whether an account may do something with a bus: its own may, others where its policy says so."""
    if account == bus.account:
        return True
    context = {
        "aws:PrincipalAccount": account,
        "aws:SourceAccount": account,
        "events:creatorAccount": account,
    }
    access = Access(principal=root_of(account, bus.region), action=action, resource=resource, context=context)
    return allows(_parsed(bus.policy), access)


def _document(bus: EventBus) -> dict[str, Any]:
    if bus.policy is None:
        return {"Version": "2012-10-17", "Statement": []}
    document: dict[str, Any] = msgspec.json.decode(bus.policy)
    found = document["Statement"]
    return {**document, "Statement": found if isinstance(found, list) else [found]}


def _checked(text: str) -> str:
    if len(text) > MAX_LENGTH:
        raise PolicyTooLong
    return text


@lru_cache(maxsize=1024)
def _parsed(text: str | None) -> Policy | None:
    if text is None:
        return None
    found = msgspec.json.decode(text)["Statement"]
    statements = found if isinstance(found, list) else [found]
    return Policy(revision_id="", statements=tuple(one for one in statements if isinstance(one, dict)))
