"""Resource policies of REST APIs.

"How API Gateway resource policies affect authorization workflow" of the developer guide: without authorization, or with
an authorizer, somebody has to be allowed explicitly; who has signed for the API's own account needs only not to be
denied, as what his own policies let him do is not known here.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from lambent.functions.attachments import Policy
from lambent.functions.authorization import Access, allows, listed
from lambent.functions.names import partition_of
from lambent.gateway.rest_api.apis import policy_of

if TYPE_CHECKING:
    from lambent.gateway.callers import Caller
    from lambent.gateway.rest_api.call import RestCall
    from lambent.gateway.rest_api.records import RestApi

_ACTION: Final = "execute-api:Invoke"


class ResourcePolicy:
    """The policy of one API, as it was deployed."""

    def __init__(self, api: RestApi) -> None:
        self._account = api.account
        start = f"arn:{partition_of(api.region)}:execute-api:{api.region}:{api.account}:{api.id}"
        statements = tuple(_whole(one, start) for one in policy_of(api.policy or "{}")["Statement"])
        self._policy = Policy(revision_id="", statements=statements)
        denials = tuple({**one, "Effect": "Allow"} for one in statements if one["Effect"] == "Deny")
        self._denials = Policy(revision_id="", statements=denials)

    def denies(self, call: RestCall, arn: str, caller: Caller | None) -> bool:
        """Whether a statement says that a request may not go on; `arn` names method and path."""
        return allows(self._denials, _access(call, arn, caller))

    def allows(self, call: RestCall, arn: str, caller: Caller | None) -> bool:
        """Whether a request may go on; `arn` names method and path."""
        if self.denies(call, arn, caller):
            return False
        if caller is not None and caller.account == self._account:
            return True
        return allows(self._policy, _access(call, arn, caller))


def _access(call: RestCall, arn: str, caller: Caller | None) -> Access:
    return Access(
        principal=None if caller is None else caller.arn,
        action=_ACTION,
        resource=arn,
        context=_facts(call),
    )


def _whole(statement: dict[str, Any], start: str) -> dict[str, Any]:
    """A statement whose resources are written out: `execute-api:/stage/*` is short for the API's own."""
    found = dict(statement)
    for member in ("Resource", "NotResource"):
        if member in found:
            found[member] = [
                f"{start}/{one.removeprefix('execute-api:').removeprefix('/')}"
                if one.startswith("execute-api:")
                else one
                for one in listed(found[member])
            ]
    return found


def _facts(call: RestCall) -> dict[str, str]:
    moment = call.time_ms // 1000
    facts = {
        "aws:SourceIp": call.source_ip,
        "aws:UserAgent": call.user_agent,
        "aws:SecureTransport": "true" if call.request.secure else "false",
        "aws:EpochTime": str(moment),
        "aws:CurrentTime": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment)),
    }
    referer = call.header("referer")
    return facts if referer is None else {**facts, "aws:Referer": referer}
