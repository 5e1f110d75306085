"""Who the gateway's authorizer says the caller is, whichever kind of authorizer that was.

Sources: "requestContext.authorizer" of the REST and HTTP API proxy events in the API Gateway developer guide, and of
function URLs in the Lambda developer guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from lambent.app.errors import Forbidden, Unauthorized
from lambent.app.middleware.bearer import scopes_in
from lambent.app.middleware.http import REQUESTS
from lambent.app.onion import Layer
from lambent.app.request import Invocation  # noqa: TC001 - a service is given by it

if TYPE_CHECKING:
    from collections.abc import Iterable

_KINDS = REQUESTS | {"websocket"}
_ABOUT_THE_CALL = frozenset({"integrationLatency", "principalId"})


class Identity(msgspec.Struct, frozen=True):
    """A caller. `kind` is the authorizer's: "jwt", "cognito" (of a REST API), "lambda" or "iam".

    `subject` is the claim `sub`, what a Lambda authorizer gave as its principal, or the ARN of IAM's user or role;
    `claims` are there for "jwt" and "cognito", as the gateway sends them: mostly text; `context` is what a Lambda
    authorizer returned, or what IAM knows. Scopes are those of the token.

    `request.state["identity"]` has it, and handlers and services can ask for it by this type: who has none is answered
    with 401 then.
    """

    kind: Literal["jwt", "cognito", "lambda", "iam"]
    subject: str | None
    claims: dict[str, Any] = {}
    scopes: frozenset[str] = frozenset()
    context: dict[str, Any] = {}

    @staticmethod
    def __lambent_service__(invocation: Invocation) -> Identity:
        """That of the invocation, as `AuthorizerContext` left it."""
        identity: Identity | None = invocation.state.get("identity")
        if identity is None:
            raise Unauthorized
        return identity


class AuthorizerContext(Layer):
    """Takes the caller from the gateway: `AuthorizerContext(scopes=["orders:read"])`.

    For requests, and for what comes over WebSockets. Without an identity the answer is 401, unless it is not
    `required`; 403 if one of `scopes` is missing. It trusts the event: nobody but the gateway may be allowed to invoke
    the function.
    """

    def __init__(self, *, required: bool = True, scopes: Iterable[str] = ()) -> None:
        self._required = required
        self._scopes = frozenset(scopes.split() if isinstance(scopes, str) else scopes)

    def before(self, invocation: Any) -> None:
        """Finds the identity. Raises Unauthorized and Forbidden."""
        if invocation.kind not in _KINDS:
            return
        identity = identity_of(invocation.event.get("requestContext") or {})
        if identity is None:
            if self._required:
                raise Unauthorized
            return
        if not self._scopes <= identity.scopes:
            raise Forbidden
        invocation.state["identity"] = identity


def identity_of(about: dict[str, Any]) -> Identity | None:
    """The identity in a `requestContext`, if there is one."""
    found = about.get("authorizer") or {}
    if token := found.get("jwt"):
        claims = token.get("claims") or {}
        scopes = scopes_in(claims) | frozenset(token.get("scopes") or ())
        return Identity("jwt", claims.get("sub"), claims, scopes)
    if user := found.get("iam"):
        return Identity("iam", user.get("userArn") or user.get("userId"), context=user)
    if "lambda" in found:
        return _of_lambda(found["lambda"] or {}, None)
    if claims := found.get("claims"):
        return Identity("cognito", claims.get("sub"), claims, scopes_in(claims))
    if found.keys() - {"jwt", "iam", "claims", "scopes", "integrationLatency"}:
        rest = {name: value for name, value in found.items() if name not in _ABOUT_THE_CALL}
        return _of_lambda(rest, found.get("principalId"))
    caller = about.get("identity") or {}
    if caller.get("userArn"):
        known = {name: value for name, value in caller.items() if value is not None}
        return Identity("iam", caller["userArn"], context=known)
    return None


def _of_lambda(context: dict[str, Any], principal: str | None) -> Identity:
    subject = principal or context.get("principalId") or context.get("sub")
    return Identity("lambda", subject, scopes=scopes_in(context), context=context)
