"""Who may call: functions that decide, user pools, signatures, resource policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.gateway.authorizers.conftest import jwk, signed
from tests.gateway.rest_api.conftest import SIGNED, Gateway, invocation_uri, mock, proxy

from lambent.gateway.callers import Caller

if TYPE_CHECKING:
    from tests.gateway.rest_api.conftest import Api

POOL = "arn:aws:cognito-idp:us-east-1:000000000000:userpool/us-east-1_abc"
ISSUER = "https://cognito-idp.us-east-1.amazonaws.com/us-east-1_abc"


def policy(effect: str, resource: str = "*") -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [{"Effect": effect, "Action": "execute-api:Invoke", "Resource": resource}],
    }


def guarded(
    gateway: Gateway, authorizer: dict[str, Any], method: dict[str, Any] | None = None, **members: Any
) -> Api:
    """An API whose `/a/{id}` is behind an authorizer."""
    scheme = {
        "type": "apiKey",
        "name": "Authorization",
        "in": "header",
        "x-amazon-apigateway-authtype": "custom",
        "x-amazon-apigateway-authorizer": authorizer,
    }
    return gateway.api(
        {
            "securityDefinitions": {"auth": scheme},
            "paths": {"/a/{id}": {"get": {"security": [{"auth": []}], **(method or proxy())}}},
            **members,
        }
    )


def test_a_token_authorizer(gateway: Gateway) -> None:
    def decide(event: dict[str, Any]) -> dict[str, Any]:
        if event["authorizationToken"] == "unknown":
            raise RuntimeError("Unauthorized")
        if event["authorizationToken"] == "broken":
            raise RuntimeError("other")
        if event["authorizationToken"] == "wrong":
            return {"policyDocument": 1}
        effect = "Deny" if event["authorizationToken"].startswith("deny") else "Allow"
        resource = "arn:nothing" if event["authorizationToken"].endswith("elsewhere") else event["methodArn"]
        return {
            "principalId": "ann",
            "policyDocument": policy(effect, resource),
            "context": {"n": 1, "b": True},
        }

    gateway.functions.handlers["decide"] = decide
    api = guarded(
        gateway,
        {
            "type": "token",
            "authorizerUri": invocation_uri("decide"),
            "authorizerResultTtlInSeconds": 0,
            "identityValidationExpression": "[a-z]+",
        },
    )
    answer = api("GET", "/a/1", Authorization="good")
    assert answer.status == 200
    latency = answer.json["requestContext"]["authorizer"].pop("integrationLatency")
    assert isinstance(latency, int)
    assert answer.json["requestContext"]["authorizer"] | {"integrationLatency": 0} == {
        "principalId": "ann",
        "n": "1",
        "b": "true",
        "integrationLatency": 0,
    }
    assert gateway.functions.events[0] == {
        "type": "TOKEN",
        "authorizationToken": "good",
        "methodArn": f"arn:aws:execute-api:us-east-1:000000000000:{api.id}/dev/GET/a/1",
    }
    explicit = (
        "User is not authorized to access this resource with an explicit deny in an identity-based policy"
    )
    for token, status, body in (
        ("unknown", 401, {"message": "Unauthorized"}),
        ("broken", 500, {"message": None}),
        ("wrong", 500, {"message": None}),
        ("deny", 403, {"Message": explicit}),
        ("elsewhere", 403, {"Message": "User is not authorized to access this resource"}),
        ("denyelsewhere", 403, {"Message": "User is not authorized to access this resource"}),
        ("N0 MATCH", 401, {"message": "Unauthorized"}),
    ):
        answer = api("GET", "/a/1", Authorization=token)
        assert (answer.status, answer.json) == (status, body), token
    called = len(gateway.functions.events)
    assert (api("GET", "/a/1").status, len(gateway.functions.events)) == (401, called)


def test_a_request_authorizer_keeps_its_decisions(gateway: Gateway) -> None:
    gateway.functions.handlers["decide"] = lambda event: {
        "principalId": event["headers"]["auth"],
        "policyDocument": policy("Allow", event["methodArn"].rpartition("/")[0] + "/*"),
    }
    api = guarded(
        gateway,
        {
            "type": "request",
            "authorizerUri": invocation_uri("decide"),
            "identitySource": "method.request.header.auth, method.request.querystring.q",
        },
        mock('{"statusCode": 200}', {"statusCode": "200"}),
    )
    for _ in range(3):
        assert api("GET", "/a/7?q=x", auth="me").status == 200
    (event,) = gateway.functions.events
    assert (event["type"], event["resource"], event["path"]) == ("REQUEST", "/a/{id}", "/a/7")
    assert (event["pathParameters"], event["queryStringParameters"]) == ({"id": "7"}, {"q": "x"})
    assert event["requestContext"]["resourcePath"] == "/a/{id}"
    assert "body" not in event
    assert api("GET", "/a/7", auth="me").status == 401
    gateway.registry.authorizers_reset(api.id, "dev")
    assert api("GET", "/a/7?q=x", auth="me").status == 200
    assert len(gateway.functions.events) == 2


@pytest.mark.parametrize("scopes", [[], ["shop/read"]])
def test_user_pools(gateway: Gateway, scopes: list[str]) -> None:
    gateway.documents[f"{ISSUER}/.well-known/openid-configuration"] = json.dumps(
        {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/.well-known/jwks.json"}
    ).encode()
    gateway.documents[f"{ISSUER}/.well-known/jwks.json"] = json.dumps({"keys": [jwk("one")]}).encode()
    api = guarded(
        gateway,
        {"type": "cognito_user_pools", "providerARNs": [POOL]},
        {**proxy(), "security": [{"auth": scopes}]},
    )
    claims = {
        "iss": ISSUER,
        "sub": "ann",
        "token_use": "access" if scopes else "id",
        "scope": " ".join(scopes),
        "exp": gateway.now + 60,
        "cognito:groups": ["a", "b"],
        "email_verified": True,
    }
    answer = api("GET", "/a/1", Authorization=f"Bearer {signed(claims)}")
    assert answer.status == 200
    shown = answer.json["requestContext"]["authorizer"]["claims"]
    assert (shown["sub"], shown["cognito:groups"], shown["email_verified"]) == ("ann", "a,b", "true")
    for changed, message in (
        ({"exp": gateway.now - 1}, "The incoming token has expired"),
        ({"iss": "https://other"}, "Unauthorized"),
        ({"token_use": "access", "scope": "other"}, "Unauthorized"),
    ):
        answer = api("GET", "/a/1", Authorization=signed({**claims, **changed}))
        assert (answer.status, answer.json) == (401, {"message": message}), changed
    for token in ("", "x.y.z", signed(claims, number=1)):
        assert api("GET", "/a/1", Authorization=token).status == 401


@pytest.mark.parametrize(
    ("audience", "status"), [("client-7", 200), ("client-x", 401), (None, 401), (["client-7"], 401)]
)
def test_audiences_of_user_pools(gateway: Gateway, audience: Any, status: int) -> None:
    gateway.documents[f"{ISSUER}/.well-known/openid-configuration"] = json.dumps(
        {"issuer": ISSUER, "jwks_uri": f"{ISSUER}/.well-known/jwks.json"}
    ).encode()
    gateway.documents[f"{ISSUER}/.well-known/jwks.json"] = json.dumps({"keys": [jwk("one")]}).encode()
    api = guarded(
        gateway,
        {
            "type": "cognito_user_pools",
            "providerARNs": [POOL],
            "identityValidationExpression": "client-[0-9]+",
        },
        proxy(),
    )
    claims = {"iss": ISSUER, "token_use": "id", "exp": gateway.now + 60}
    if audience is not None:
        claims["aud"] = audience
    assert api("GET", "/a/1", Authorization=signed(claims)).status == status


def test_signatures(gateway: Gateway) -> None:
    api = gateway.api(
        {
            "securityDefinitions": {
                "iam": {
                    "type": "apiKey",
                    "name": "Authorization",
                    "in": "header",
                    "x-amazon-apigateway-authtype": "awsSigv4",
                }
            },
            "paths": {"/a": {"get": {"security": [{"iam": []}], **proxy()}}},
        }
    )
    answer = api("GET", "/a")
    assert (answer.status, answer.json) == (403, {"message": "Missing Authentication Token"})
    answer = api("GET", "/a", Authorization="AWS4-HMAC-SHA256 nonsense")
    assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "UnrecognizedClientException")
    gateway.caller = SIGNED
    identity = api("GET", "/a").json["requestContext"]["identity"]
    assert (identity["userArn"], identity["accessKey"]) == (SIGNED.arn, SIGNED.access_key)
    gateway.caller = Caller("111111111111", "AKIDOTHER", "arn:aws:iam::111111111111:user/bob")
    assert api("GET", "/a").status == 403


def test_resource_policies(gateway: Gateway) -> None:
    statements = [
        {
            "Effect": "Allow",
            "Principal": "*",
            "Action": "execute-api:Invoke",
            "Resource": "execute-api:/dev/GET/*",
        },
        {
            "Effect": "Deny",
            "Principal": "*",
            "Action": "execute-api:Invoke",
            "Resource": "execute-api:/*",
            "Condition": {"StringLike": {"aws:UserAgent": "bad*"}},
        },
    ]
    api = gateway.api(
        {
            "x-amazon-apigateway-policy": {"Version": "2012-10-17", "Statement": statements},
            "paths": {"/a": {"get": proxy(), "post": proxy()}},
        }
    )
    assert api("GET", "/a").status == 200
    for method, agent in (("POST", "good"), ("GET", "bad one")):
        answer = api(method, "/a", User_Agent=agent)
        assert answer.status == 403
        assert answer.json["Message"] == (
            "User: anonymous is not authorized to perform: execute-api:Invoke on resource: "
            f"arn:aws:execute-api:us-east-1:********0000:{api.id}/dev/{method}/a"
        )


def test_who_has_signed_needs_only_not_to_be_denied(gateway: Gateway) -> None:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "execute-api:Invoke",
        "Resource": "execute-api:/dev/POST/*",
    }
    signing = {"x-amazon-apigateway-auth": {"type": "AWS_IAM"}, **proxy()}
    api = gateway.api(
        {
            "x-amazon-apigateway-policy": {"Version": "2012-10-17", "Statement": [statement]},
            "paths": {"/a": {"get": signing, "post": signing}},
        }
    )
    gateway.caller = SIGNED
    assert (api("GET", "/a").status, api("POST", "/a").status) == (200, 403)


def test_what_a_policy_denies_is_not_for_an_authorizer(gateway: Gateway) -> None:
    gateway.functions.handlers["decide"] = lambda event: {
        "principalId": "ann",
        "policyDocument": policy("Allow"),
    }
    statements = [
        {"Effect": "Allow", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*"},
        {"Effect": "Deny", "Principal": "*", "Action": "execute-api:Invoke", "Resource": "*/GET/a/2"},
    ]
    api = guarded(
        gateway,
        {"type": "token", "authorizerUri": invocation_uri("decide")},
        **{"x-amazon-apigateway-policy": {"Version": "2012-10-17", "Statement": statements}},
    )
    assert api("GET", "/a/2", Authorization="good").status == 403
    assert gateway.functions.events == []
    assert api("GET", "/a/1", Authorization="good").status == 200
