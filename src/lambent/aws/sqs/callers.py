"""Who calls, and which queues are open to him."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from lambent.aws.context import partition_of
from lambent.aws.sqs.addresses import address_of
from lambent.aws.sqs.errors import denied, missing, translated
from lambent.aws.sts import user_id
from lambent.events.queues import QueueNotFound
from lambent.functions.attachments import Policy
from lambent.functions.authorization import Access, allows

if TYPE_CHECKING:
    from lambent.events.queues import Queue, Queues

_POLICIES_KEPT: Final = 1_000


class Caller(msgspec.Struct, frozen=True):
    """Whoever has signed a request. `sender` is the SenderId of his messages, `arn` who policies see."""

    account: str
    region: str
    arn: str
    sender: str


def caller_of(account: str, region: str, principal: str) -> Caller:
    """The caller with an identity's `principal` (`assumed-role/{role}/{session}`, or empty: the account itself)."""
    partition = partition_of(region)
    session, root = f"arn:{partition}:sts::{account}:{principal}", f"arn:{partition}:iam::{account}:root"
    arn = session if principal else root
    return Caller(account, region, arn, user_id(account, principal))


class Doors:
    """Finds queues for callers.

    A queue is open to its own account; to others as far as its policy says so. What a policy denies to its own
    account is not looked at: such statements mostly ask for TLS or networks that are not here.
    """

    def __init__(self, queues: Queues) -> None:
        self._queues = queues
        self._policies: dict[str, Policy | None] = {}

    def queue(self, caller: Caller, url: str | None, action: str) -> Queue:
        """The queue at a URL, to which `caller` wants to do `action` (`SendMessage`). ServiceError."""
        if not url:
            raise missing("QueueUrl")
        account, region, name = address_of(url)
        try:
            queue = self._queues.queue(account or caller.account, region or caller.region, name)
        except QueueNotFound as error:
            raise translated(error) from None
        if queue.account != caller.account:
            self.ask(caller, queue, action)
        return queue

    def own_queue(self, caller: Caller, url: str | None, action: str) -> Queue:
        """The same for what an account can do with its own queues alone."""
        queue = self.queue(caller, url, action)
        if queue.account != caller.account:
            raise denied(caller.arn, action, queue.arn)
        return queue

    def ask(self, caller: Caller, queue: Queue, action: str) -> None:
        """ServiceError (AccessDenied) unless the policy of a queue of another account lets `caller` do it."""
        access = Access(
            principal=caller.arn,
            action=f"sqs:{action}",
            resource=queue.arn,
            context={"aws:PrincipalAccount": caller.account, "aws:PrincipalArn": caller.arn},
        )
        if not allows(self._policy(queue.settings.policy), access):
            raise denied(caller.arn, action, queue.arn)

    def _policy(self, text: str) -> Policy | None:
        if text not in self._policies:
            if len(self._policies) >= _POLICIES_KEPT:
                self._policies.clear()
            self._policies[text] = _read(text)
        return self._policies[text]


def _read(text: str) -> Policy | None:
    if not text:
        return None
    found = msgspec.json.decode(text).get("Statement") or ()
    statements = found if isinstance(found, list) else [found]
    return Policy(revision_id="", statements=tuple(one for one in statements if isinstance(one, dict)))
