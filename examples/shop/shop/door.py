"""Who may: asked before each request whose route is not open to all, and before a screen is connected."""

import hmac
import os

from lambent import AuthorizerRequest, Router

router = Router()


@router.authorizer()
def may_order(request: AuthorizerRequest) -> bool:
    """`Authorization: Bearer open sesame`."""
    return _is_key(request.bearer)


@router.authorizer("counter")
def may_look(request: AuthorizerRequest) -> bool:
    """`?key=open sesame`: browsers cannot send headers with WebSockets."""
    return _is_key(request.query.get("key"))


def _is_key(key: str | None) -> bool:
    return hmac.compare_digest((key or "").encode(), os.environ["SHOP_KEY"].encode())
