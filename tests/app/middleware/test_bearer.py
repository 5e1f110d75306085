"""Bearer tokens: RFC 6750's answers, and what handlers get."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from tests.app.conftest import event_of

from lambent import App, AppError, Request, Verifier
from lambent.app.middleware.bearer import Bearer, Claims

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.conftest import Answer

    Call = Callable[..., Answer]

SECRET = bytes(range(32))


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


HEADER = b64(b'{"alg":"HS256"}')


def token(**claims: Any) -> str:
    claims = {"iss": "me", "aud": "you", "sub": "ann", "exp": time.time() + 60, **claims}
    message = f"{HEADER}.{b64(json.dumps(claims).encode())}"
    return f"{message}.{b64(hmac.digest(SECRET, message.encode(), hashlib.sha256))}"


def verifier() -> Verifier[dict[str, Any]]:
    return Verifier(issuer="me", audience="you", keys=SECRET, algorithms=["HS256"])


def app_with(layer: Bearer) -> App:
    app = App(middleware=[layer])

    @app.get("/state")
    def state(request: Request) -> Any:
        return request.state.get("claims", {}).get("sub", "nobody")

    @app.get("/typed")
    def typed(claims: Claims) -> Any:
        return [claims.subject, sorted(claims.scopes)]

    @app.get("/async")
    async def later(claims: Claims) -> Any:
        return claims.subject

    return app


def get(call: Call, app: App, path: str, authorization: str | None) -> Answer:
    return call(app, "GET", path, headers=[] if authorization is None else [("Authorization", authorization)])


def test_a_valid_token(call: Call) -> None:
    app = app_with(Bearer(verifier()))
    header = f"Bearer {token(scope='a b')}"
    assert get(call, app, "/state", header).text == "ann"
    assert get(call, app, "/typed", header).json == ["ann", ["a", "b"]]
    assert get(call, app, "/typed", f"bearer  {token(scp=['c'])}").json == ["ann", ["c"]]
    assert get(call, app, "/async", header).text == "ann"


@pytest.mark.parametrize("authorization", [None, "", "Basic YTpi", "Bearerx"])
def test_no_token(call: Call, authorization: str | None) -> None:
    app = app_with(Bearer(verifier(), realm="shop"))
    answer = get(call, app, "/state", authorization)
    assert answer.status == 401
    assert answer.header("www-authenticate") == 'Bearer realm="shop"'


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (lambda: token(exp=1), "the token has expired"),
        (lambda: token(aud="another"), "the token is for another audience"),
        (lambda: token()[:-4] + "AAAA", "the token's signature is wrong"),
        (lambda: "nonsense", "the token does not have the three parts of a signed token"),
        (lambda: "", "the token does not have the three parts of a signed token"),
    ],
)
def test_tokens_that_are_not_valid(call: Call, value: Callable[[], str], reason: str) -> None:
    for optional in (False, True):
        answer = get(call, app_with(Bearer(verifier(), optional=optional)), "/state", f"Bearer {value()}")
        assert answer.status == 401
        assert answer.json == {"error": f"Unauthorized: {reason}", "code": "UNAUTHORIZED"}
        challenge = f'Bearer error="invalid_token", error_description="{reason}"'
        assert answer.header("www-authenticate") == challenge


def test_optional(call: Call) -> None:
    app = app_with(Bearer(verifier(), optional=True))
    assert get(call, app, "/state", None).text == "nobody"
    assert get(call, app, "/state", f"Bearer {token()}").text == "ann"
    # Who asks for claims needs some, whoever has been there before.
    assert get(call, app, "/typed", f"Bearer {token()}").status == 200
    assert get(call, app, "/typed", None).status == 401


def test_scopes(call: Call) -> None:
    app = app_with(Bearer(verifier(), scopes=["orders:write", "orders:read"], realm="shop"))
    assert get(call, app, "/state", f"Bearer {token(scope='orders:read orders:write x')}").status == 200
    for claims in ({}, {"scope": "orders:read"}, {"scope": 1}):
        answer = get(call, app, "/state", f"Bearer {token(**claims)}")
        assert answer.status == 403
        assert answer.header("www-authenticate") == (
            'Bearer realm="shop", error="insufficient_scope", scope="orders:read orders:write"'
        )


def test_claims_of_a_type_of_ones_own() -> None:
    class Customer(msgspec.Struct):
        sub: str
        tenant: str
        scope: str = ""

    def factory() -> Customer:
        raise LookupError

    layer = Bearer(
        scopes="read",
        issuer="me",
        audience="you",
        keys=SECRET,
        algorithms=["HS256"],
        claims_type=Customer,
    )
    app = App(middleware=[layer])
    app.provide(factory, type=Customer, lifetime="invocation")
    app.get("/")(lambda request: request.state["claims"].tenant)

    @app.get("/typed")
    def typed(customer: Customer) -> str:
        return customer.tenant

    for path in ("/", "/typed"):
        headers = [("authorization", f"Bearer {token(tenant='t-1', scope='read')}")]
        assert app(event_of("v2", "GET", path, headers=headers))["body"] == "t-1"
    headers = [("authorization", f"Bearer {token(tenant='t-1')}")]
    assert app(event_of("v2", "GET", "/", headers=headers))["statusCode"] == 403


def test_keys_that_cannot_be_had() -> None:
    said: list[str] = []

    class Quiet:
        def error(self, message: str, *, exc_info: BaseException) -> None:
            said.append(type(exc_info).__name__)

    keys = Verifier(issuer="me", audience="you", jwks_url="http://localhost:1/jwks", timeout=0.2)
    app = App(middleware=[Bearer(keys)], logger=Quiet())
    app.get("/")(lambda: "x")
    header = b'{"alg":"RS256","kid":"1"}'
    rs256 = f"{b64(header)}.{b64(b'{}')}.{b64(bytes(256))}"
    answer = app(event_of("v2", "GET", "/", headers=[("authorization", f"Bearer {rs256}")]))
    assert answer["statusCode"] == 503
    assert "localhost" not in answer["body"]
    assert said == ["KeysUnavailable"]


def test_a_verifier_or_its_options() -> None:
    with pytest.raises(AppError, match="the verifier has its issuer already"):
        Bearer(verifier(), issuer="me")


def test_other_events_pass() -> None:
    app = app_with(Bearer(verifier()))
    app.invocation()(lambda event: event)
    assert app({"a": 1}) == {"a": 1}


def test_who_connects_to_a_websocket_needs_a_token() -> None:
    app = App(middleware=[Bearer(verifier())])
    channel = app.channel("chat")
    channel.on_connect(lambda connection: None)
    seen: list[str] = []
    channel.on_disconnect(lambda connection: seen.append(connection.action))

    def status(route: str, kind: str, **headers: str) -> int:
        about = {"routeKey": route, "eventType": kind, "connectionId": "c", "apiId": "a", "stage": "prod"}
        answer = app({"requestContext": about, "headers": headers, "isBase64Encoded": False})
        return int(answer["statusCode"])

    assert status("$connect", "CONNECT") == 401
    assert status("$connect", "CONNECT", Authorization=f"Bearer {token()}") == 200
    assert (status("$disconnect", "DISCONNECT"), seen) == (200, ["$disconnect"])
