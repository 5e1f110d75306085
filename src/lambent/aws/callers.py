"""Who has signed a request to a function URL or an API, for the front door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.aws.context import partition_of
from lambent.aws.errors import AuthError
from lambent.gateway.callers import Caller

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.aws.authentication import Identity
    from lambent.http import Request


def caller_finder(
    authenticate: Callable[[Request], Identity], signing_name: str
) -> Callable[[Request], Caller | None]:
    """What finds the caller of requests that have to be signed for `signing_name`: `lambda`, `execute-api`."""

    def find(request: Request) -> Caller | None:
        try:
            identity = authenticate(request)
        except AuthError:
            return None
        if identity.access_key is None or identity.service != signing_name:
            return None
        partition = partition_of(identity.region)
        if identity.principal:
            arn = f"arn:{partition}:sts::{identity.account}:{identity.principal}"
        else:
            arn = f"arn:{partition}:iam::{identity.account}:root"
        return Caller(identity.account, identity.access_key, arn)

    return find
