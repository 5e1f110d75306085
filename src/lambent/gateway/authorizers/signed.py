"""AWS_IAM: requests that are signed for execute-api.

"Control access to HTTP APIs with IAM authorization" of the API Gateway developer guide. Whoever belongs to the API's
account may call: what his own policies let him do is not known here. HTTP APIs answer everybody else alike.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.gateway.authorizers.verdict import Verdict, forbidden

if TYPE_CHECKING:
    from lambent.gateway.apis.records import Api
    from lambent.gateway.call import Call
    from lambent.gateway.callers import Identify


def authorize_signed(call: Call, api: Api, identify: Identify) -> Verdict:
    """Judge a request by its signature."""
    caller = identify(call.request)
    if caller is None:
        return forbidden("the request is not signed as it has to be")
    if caller.account != api.account:
        return forbidden(f"{caller.arn} does not belong to the account of the API")
    return Verdict(allowed=True, context={"iam": caller.facts()}, caller=caller, principal_id=caller.account)
