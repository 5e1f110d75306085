"""What the gateway's authorizers have found out, in one shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.app.conftest import event_of

from lambent import App
from lambent.app.middleware.authorizer import AuthorizerContext, Identity, identity_of

SAMPLES = Path(__file__).parent.parent / "samples" / "documented"
ARN = "arn:aws:iam::111122223333:user/ann"
NONE: frozenset[str] = frozenset()


@pytest.mark.parametrize(
    ("sample", "kind", "subject", "scopes", "has"),
    [
        ("http-api-jwt", "jwt", "u-1", {"orders:write"}, ("claims", "sub", "u-1")),
        ("http-api-lambda-authorizer", "lambda", None, NONE, ("context", "tenant", "t-1")),
        ("http-api-iam", "iam", ARN, NONE, ("context", "accountId", "111122223333")),
        ("function-url-iam", "iam", ARN, NONE, ("context", "accessKey", "AKIAEXAMPLE")),
        ("rest-api-cognito", "cognito", "u-1", NONE, ("claims", "email", "ann@example.com")),
    ],
)
def test_documented_events(
    sample: str, kind: str, subject: str | None, scopes: Any, has: tuple[str, str, str]
) -> None:
    event = json.loads((SAMPLES / f"{sample}.json").read_text())
    identity = identity_of(event.get("event", event)["requestContext"])
    assert identity is not None
    assert (identity.kind, identity.subject, identity.scopes) == (kind, subject, scopes)
    assert getattr(identity, has[0])[has[1]] == has[2]


@pytest.mark.parametrize(
    ("about", "identity"),
    [
        ({}, None),
        ({"authorizer": None, "identity": {"sourceIp": "1.2.3.4", "userArn": None}}, None),
        ({"authorizer": {}}, None),
        ({"authorizer": {"integrationLatency": 12}}, None),
        ({"authorizer": {"claims": None, "scopes": None}}, None),
        ({"authorizer": {"lambda": None}}, Identity("lambda", None)),
        (
            {"authorizer": {"principalId": "ann", "integrationLatency": 12, "scope": "a b", "level": "5"}},
            Identity("lambda", "ann", {}, frozenset("ab"), {"scope": "a b", "level": "5"}),
        ),
        (
            {"authorizer": {"jwt": {"claims": {"sub": "u", "scope": "a"}, "scopes": None}}},
            Identity("jwt", "u", {"sub": "u", "scope": "a"}, frozenset("a")),
        ),
        (
            {"identity": {"userArn": ARN, "accessKey": None, "user": "u"}},
            Identity("iam", ARN, context={"userArn": ARN, "user": "u"}),
        ),
    ],
)
def test_shapes(about: dict[str, Any], identity: Identity | None) -> None:
    assert identity_of(about) == identity


def app_with(layer: AuthorizerContext) -> App:
    app = App(middleware=[layer])

    @app.get("/")
    def who(identity: Identity) -> Any:
        return [identity.subject]

    @app.get("/async")
    async def later(identity: Identity) -> Any:
        return [identity.subject]

    app.get("/open")(lambda request: ["identity" in request.state])
    return app


def ask(app: App, path: str, authorizer: Any) -> Any:
    event = event_of("v2", "GET", path)
    event["requestContext"]["authorizer"] = authorizer
    answer = app(event)
    return json.loads(answer["body"]) if answer["statusCode"] == 200 else answer["statusCode"]


def test_handlers_get_it() -> None:
    ann = {"jwt": {"claims": {"sub": "ann", "scope": "read"}}}
    app = app_with(AuthorizerContext())
    assert ask(app, "/", ann) == ["ann"]
    assert ask(app, "/async", ann) == ["ann"]
    assert ask(app, "/open", ann) == [True]
    assert ask(app, "/open", None) == 401
    optional = app_with(AuthorizerContext(required=False))
    assert ask(optional, "/open", None) == [False]
    assert ask(optional, "/", None) == 401
    assert ask(app_with(AuthorizerContext(scopes="read")), "/", ann) == ["ann"]
    assert ask(app_with(AuthorizerContext(scopes=["read", "write"])), "/", ann) == 403


def test_websockets_and_other_events() -> None:
    app = App(middleware=[AuthorizerContext()])
    app.invocation()(lambda event: event)
    chat = app.channel("chat")
    seen = []
    chat.on_connect(lambda connection: seen.append(connection.state["identity"].subject))
    about = {"connectionId": "c", "eventType": "CONNECT", "routeKey": "$connect", "apiId": "a", "stage": "s"}
    about |= {"domainName": "a.example", "requestId": "r"}
    event: dict[str, Any] = {"requestContext": about, "headers": {}}
    assert app(event)["statusCode"] == 401
    event["requestContext"]["authorizer"] = {"principalId": "ann"}
    assert app(event)["statusCode"] == 200
    assert seen == ["ann"]
    assert app({"a": 1}) == {"a": 1}
