"""Lambda authorizers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerResponse,
    APIGatewayAuthorizerResponseV2,
    APIGatewayRouteArn,
    parse_api_gateway_arn,
)

from lambent import App, AppError, Forbidden, Unauthorized, UnknownEvent
from lambent.app.sources.authorizer import Allow, AuthorizerRequest, Deny, MethodArn
from lambent.testing import events

SAMPLES = Path(__file__).parents[1] / "samples"
API = "a1b2c3d4e5"
EVENTS = {
    "token": events.authorizer_token("Bearer abc", "GET", "/orders/7"),
    "request": events.authorizer_request("GET", "/orders/7", headers={"Authorization": "Bearer abc"}),
    "http-1.0": events.authorizer_http(
        "GET", "/orders/7", version="1.0", headers={"Authorization": "Bearer abc"}
    ),
    "http-2.0": events.authorizer_http("GET", "/orders/7", headers={"authorization": "Bearer abc"}),
    "websocket": events.authorizer_websocket(headers={"Authorization": "Bearer abc"}),
}
POLICIES = [name for name in EVENTS if name != "http-2.0"]


def answering(result: Any, **options: Any) -> App:
    app = App("shop")

    @app.authorizer(**options)
    def authorize() -> Any:
        if isinstance(result, Exception):
            raise result
        return result

    return app


@pytest.mark.parametrize("name", EVENTS)
def test_the_request(name: str) -> None:
    app, got = App(), list[Any]()

    @app.authorizer()
    def authorize(
        request: AuthorizerRequest, token: str | None, bearer: str | None, method: str, path: str
    ) -> bool:
        got.extend([request, token, bearer, method, path])
        return True

    app(EVENTS[name])
    request, *rest = got
    route = ["$connect", "/"] if name == "websocket" else ["GET", "/orders/7"]
    assert rest == ["Bearer abc", "abc", *route]
    assert request.arn.api_id == API
    assert request.kind == ("token" if name == "token" else "request")
    assert request.headers.get("authorization") == (None if name == "token" else "Bearer abc")
    assert request.identity_sources == (["Bearer abc"] if name.startswith("http") else [])


def test_all_that_a_request_tells() -> None:
    event = json.loads((SAMPLES / "documented" / "authorizer-http-1.0.json").read_text())
    request = AuthorizerRequest(event, None)
    assert request.headers.get_list("x-tag") == ["a", "b"]
    assert request.query.get_list("tag") == ["a", "b"]
    assert (request.path_parameters, request.stage_variables) == ({"id": "7"}, {"table": "orders"})
    assert request.source_ip == "198.51.100.9"
    event = json.loads((SAMPLES / "documented" / "authorizer-http-2.0.json").read_text())
    request = AuthorizerRequest(event, None)
    assert request.identity_sources == event["identitySource"]
    assert request.cookies == dict(one.split("=", 1) for one in event.get("cookies", ()))
    assert request.token == event["identitySource"][0]


@pytest.mark.parametrize("token", ["abc", "Basic abc", "Bearer", None])
def test_tokens_that_are_no_bearers(token: str | None) -> None:
    assert AuthorizerRequest({"type": "TOKEN", "authorizationToken": token}, None).bearer is None


@pytest.mark.parametrize("result", [True, False, Allow(), Deny()], ids=["true", "false", "allow", "deny"])
@pytest.mark.parametrize("name", POLICIES)
def test_policies_are_those_of_powertools(name: str, result: Any) -> None:
    arn = parse_api_gateway_arn(EVENTS[name]["methodArn"])
    allowed = result is True or type(result) is Allow
    theirs = APIGatewayAuthorizerResponse(
        "user", arn.region, arn.aws_account_id, arn.api_id, arn.stage, partition="aws"
    )
    if name == "websocket":
        expected = {
            "Action": "execute-api:Invoke",
            "Effect": "Allow",
            "Resource": [EVENTS[name]["methodArn"]],
        }
        expected["Effect"] = "Allow" if allowed else "Deny"
    else:
        (theirs.allow_route if allowed else theirs.deny_route)(arn.http_method or "", arn.resource)
        (expected,) = theirs.asdict()["policyDocument"]["Statement"]
    answer = answering(result)(EVENTS[name])
    assert answer["principalId"] == "user"
    assert answer["policyDocument"] == {"Version": "2012-10-17", "Statement": [expected]}
    assert set(answer) == {"principalId", "policyDocument"}


@pytest.mark.parametrize("result", [True, False], ids=str)
def test_simple_responses_are_those_of_powertools(result: bool) -> None:
    assert (
        answering(result)(EVENTS["http-2.0"]).items()
        <= APIGatewayAuthorizerResponseV2(result).asdict().items()
    )


def test_policies_for_format_two() -> None:
    answer = answering(Allow("ann", context={"roles": ["a"], "nothing": None}), simple=False)(
        EVENTS["http-2.0"]
    )
    assert answer["principalId"] == "ann"
    assert answer["policyDocument"]["Statement"][0]["Resource"] == [EVENTS["http-2.0"]["routeArn"]]
    assert answer["context"] == {"roles": ["a"], "nothing": None}


def test_contexts() -> None:
    context = {
        "text": "a",
        "number": 1.5,
        "yes": True,
        "list": [1, {"a": "ü"}],
        "map": {"a": 1},
        "nothing": None,
    }
    allow = Allow("ann", context=context, usage_key="key")
    answer = answering(allow)(EVENTS["request"])
    assert answer["principalId"] == "ann"
    assert answer["usageIdentifierKey"] == "key"
    assert answer["context"] == {
        "text": "a", "number": 1.5, "yes": True, "list": '[1,{"a":"ü"}]', "map": '{"a":1}',
    }  # fmt: skip
    assert answering(allow)(EVENTS["http-2.0"]) == {
        "isAuthorized": True,
        "context": {**context, "principalId": "ann"},
    }


@pytest.mark.parametrize(
    ("resource", "arn"),
    [
        ("*", f"arn:aws:execute-api:us-east-1:1:{API}/prod/*"),
        ("GET/orders/*", f"arn:aws:execute-api:us-east-1:1:{API}/prod/GET/orders/*"),
        ("/GET/", f"arn:aws:execute-api:us-east-1:1:{API}/prod/GET/"),
        ("arn:aws:execute-api:*:*:*", "arn:aws:execute-api:*:*:*"),
    ],
)
def test_resources(resource: str, arn: str) -> None:
    event = {**EVENTS["token"], "methodArn": f"arn:aws:execute-api:us-east-1:1:{API}/prod/GET/"}
    answer = answering(Allow(resources=[resource]))(event)
    assert answer["policyDocument"]["Statement"][0]["Resource"] == [arn]


@pytest.mark.parametrize(
    "arn",
    [
        f"arn:aws:execute-api:us-east-1:123456789012:{API}/prod/GET/orders/7",
        f"arn:aws:execute-api:us-east-1:123456789012:{API}/prod/GET/",
        f"arn:aws:execute-api:us-east-1:123456789012:{API}/$default/POST/a%3Ab/c",
    ],
)
def test_arns_as_powertools_reads_them(arn: str) -> None:
    theirs: APIGatewayRouteArn = parse_api_gateway_arn(arn)
    ours = MethodArn(arn)
    assert (ours.region, ours.account) == (theirs.region, theirs.aws_account_id)
    assert (ours.api_id, ours.stage, ours.method) == (theirs.api_id, theirs.stage, theirs.http_method)
    assert ours.path == "/" + theirs.resource
    assert str(ours) == arn


def test_colons_in_paths() -> None:
    assert MethodArn(f"arn:aws:execute-api:us-east-1:1:{API}/prod/GET/a:b/c").path == "/a:b/c"


@pytest.mark.parametrize(
    "arn", ["", "x", "arn:aws:execute-api", "arn:aws:execute-api:r:a:api", "arn:a:b:c:d:api/s"]
)
def test_arns_that_lack_something(arn: str) -> None:
    assert MethodArn(arn).path == "/"


@pytest.mark.parametrize("name", EVENTS)
def test_unauthorized(name: str) -> None:
    """API Gateway answers 401 when the error's text is this and nothing else."""
    with pytest.raises(Exception, match=r"^Unauthorized$") as failed:
        answering(Unauthorized("the token has expired"))(EVENTS[name])
    assert str(failed.value.__cause__) == "the token has expired"
    assert answering(Forbidden("no"))(EVENTS[name]) == answering(False)(EVENTS[name])
    with pytest.raises(KeyError):
        answering(KeyError("x"))(EVENTS[name])


@pytest.mark.parametrize("result", [None, "yes", 1, {"isAuthorized": True}], ids=str)
def test_what_is_no_answer(result: Any) -> None:
    """Nobody is let in by mistake."""
    with pytest.raises(AppError, match=r"authorize .* an authorizer gives True, False"):
        answering(result)(EVENTS["token"])


@pytest.mark.parametrize(
    "name",
    [
        "sam/apigateway-authorizer",
        "sam/apigateway-request-authorizer",
        "documented/authorizer-token",
        "documented/authorizer-rest-request",
        "documented/authorizer-http-1.0",
        "documented/authorizer-http-2.0",
        "documented/authorizer-websocket",
    ],
)
def test_samples(name: str) -> None:
    event = json.loads((SAMPLES / f"{name}.json").read_text())
    answer = answering(True)(event)
    if event.get("version") == "2.0":
        assert answer == {"isAuthorized": True}
    else:
        assert answer["policyDocument"]["Statement"][0]["Resource"] == [event["methodArn"]]


def test_an_authorizer_for_each_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMBENT_API_ORDERS", API)
    app = App("shop")
    app.authorizer(api="orders")(lambda: True)
    assert app(EVENTS["http-2.0"]) == {"isAuthorized": True}
    with pytest.raises(UnknownEvent, match=r"shop: no authorizer is for the API 'other': .* 'orders'"):
        app(events.authorizer_http("GET", "/", api_id="other"))
    app.authorizer()(lambda: False)
    assert app(events.authorizer_http("GET", "/", api_id="other")) == {"isAuthorized": False}
    with pytest.raises(AppError, match="for every api"):
        app.authorizer()(lambda: False)


def test_middleware_and_coroutines() -> None:
    app = App()

    def opposite(request: AuthorizerRequest, call_next: Any) -> Any:
        return not call_next(request)

    @app.authorizer(middleware=[opposite])
    async def authorize(headers: Any) -> bool:
        return headers.get("authorization") is None

    assert app(EVENTS["http-2.0"]) == {"isAuthorized": True}
    app.loop.close()
