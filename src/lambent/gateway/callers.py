"""Who has signed a request, as the front door needs to know it.

Signatures are AWS's business, on a floor above: the front door is given a function that verifies them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias

from lambent.http import Request


class Caller(NamedTuple):
    """Whose signature a request has."""

    account: str
    """12 digits."""
    access_key: str
    arn: str
    """The ARN of the user, the role's session, or the account's root."""

    def facts(self) -> dict[str, Any]:
        """What events say of him: requestContext.authorizer.iam of payload 2.0."""
        user_id = (
            self.access_key
            if ":assumed-role/" not in self.arn
            else f"{self.access_key}:{self.arn.rpartition('/')[2]}"
        )
        return {
            "accessKey": self.access_key,
            "accountId": self.account,
            "callerId": user_id,
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": self.arn,
            "userId": user_id,
        }


Identify: TypeAlias = Callable[[Request], Caller | None]
"""The caller of a request, by its signature; None for one that is not signed, or not as AWS would accept it."""
