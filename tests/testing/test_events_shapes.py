"""Each factory's event has the members and the types of the sample of its kind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lambent.app.recognition import kind_of
from lambent.testing import events

if TYPE_CHECKING:
    from collections.abc import Callable

SAMPLES = Path(__file__).parents[1] / "app" / "samples"

# Members that map what a user names: their content is nobody's shape.
OPEN = {
    *("headers", "multiValueHeaders", "queryStringParameters", "multiValueQueryStringParameters"),
    *("stageVariables", "pathParameters", "authorizer", "detail", "dimensions"),
    *("userAttributes", "clientMetadata", "validationData", "privateChallengeParameters"),
    *("tokenResponse", "idToken", "userInfo"),
    *("messageAttributes", "MessageAttributes", "Keys", "NewImage", "OldImage"),
    *("ResourceProperties", "OldResourceProperties"),
}

BODY = {"sku": "tea"}
IAM = {"iam": {"accountId": "111122223333"}}


def shape(value: Any, path: str = "") -> dict[str, set[str]]:
    """The types of everything in an event, by its path."""
    found = {path: {"number" if isinstance(value, (int, float)) else type(value).__name__}}
    parts: list[tuple[str, Any]] = []
    if isinstance(value, dict) and path.rpartition(".")[2] not in OPEN and path != ".state":
        parts = [(f"{path}.{name}", each) for name, each in value.items()]
    elif isinstance(value, list):
        parts = [(f"{path}[]", each) for each in value]
    for name, each in parts:
        for inner, types in shape(each, name).items():
            found[inner] = found.get(inner, set()) | types
    return found


def differences(made: Any, sample: Any) -> list[str]:
    """Members that one of two has alone, or with other types. Null goes with everything, as does an empty list."""
    left, right = shape(made), shape(sample)
    absent = {path for side in (left, right) for path, types in side.items() if "NoneType" in types}
    empty = {f"{path}[]" for path in left.keys() | right.keys()} & (left.keys() ^ right.keys())
    found: list[str] = []
    for path in sorted(left.keys() | right.keys()):
        if path not in left or path not in right:
            if not any(path.startswith((f"{gap}.", f"{gap}[")) for gap in absent) and not any(
                path.startswith(gap) for gap in empty
            ):
                found.append(f"{'-' if path not in left else '+'}{path}")
        elif not (kinds := [types - {"NoneType"} for types in (left[path], right[path])])[0] & kinds[
            1
        ] and all(kinds):
            found.append(f"{path}: {left[path]} != {right[path]}")
    return found


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


WINDOW = events.Window(0, 60, state={"ann": 1})
V2: dict[str, Any] = {
    "query": "tag=a",
    "cookies": ["a=1"],
    "stage": "live",
    "stage_variables": {"table": "t"},
    "body": BODY,
}
V1: dict[str, Any] = {"query": "tag=a", "resource": "/orders/{id}", "stage_variables": {"table": "t"}}

FACTORIES: list[tuple[str, Callable[[], dict[str, Any]], str]] = [
    ("documented/http-api-get", lambda: events.http_v2("GET", "/orders/7", route="/orders/{id}"), ""),
    ("documented/http-api-jwt", lambda: events.http_v2("POST", "/orders", authorizer={"jwt": {}}, **V2), ""),
    ("documented/http-api-iam", lambda: events.http_v2("POST", "/orders", authorizer=IAM, **V2), ""),
    (
        "sam/apigateway-http-api-proxy",
        lambda: events.http_v2("POST", "/{id}", route="/{id}", authorizer={"jwt": {}}, **V2),
        "authentication",  # of mutual TLS
    ),
    ("documented/rest-api-get", lambda: events.http_v1("GET", "/orders/7", **V1), ""),
    (
        "documented/rest-api-cognito",
        lambda: events.http_v1("GET", "/orders/7", authorizer={"claims": {}}, **V1),
        "",
    ),
    ("documented/rest-api-empty", lambda: events.http_v1("GET", "/"), ""),
    (
        "sam/apigateway-aws-proxy",
        lambda: events.http_v1("POST", "/orders/7", body=BODY, **V1),
        "domainName domainPrefix extendedRequestId operationName apiKey apiKeyId principalOrgId",  # it is from 2015
    ),
    ("documented/function-url", lambda: events.function_url("GET", "/orders/7?tag=a"), ""),
    (
        "documented/function-url-iam",
        lambda: events.function_url("PUT", "/?tag=a", cookies={"a": "1"}, body=b"\x00", authorizer=IAM),
        "",
    ),
    ("sam/alb-request", lambda: events.alb("GET", "/?query=1", body=b"x"), ""),
    ("documented/alb-multi-value", lambda: events.alb("GET", "/?q=1", multi_value=True), ""),
    ("documented/websocket-connect", lambda: events.websocket_connect(query={"room": "tea"}), ""),
    ("documented/websocket-message", lambda: events.websocket_message({"action": "say"}, route="say"), ""),
    (
        "documented/websocket-disconnect",
        lambda: events.websocket_disconnect(code=1001, reason="Going away"),
        "",
    ),
    ("sam/apigateway-authorizer", lambda: events.authorizer_token("Bearer abc"), ""),
    ("documented/authorizer-rest-request", lambda: events.authorizer_request("GET", "/orders/7", **V1), ""),
    (
        "documented/authorizer-http-2.0",
        lambda: events.authorizer_http(
            "GET",
            "/orders/7?tag=a",
            route="/orders/{id}",
            headers={"authorization": "x"},
            cookies=["a=1"],
            stage_variables={"table": "t"},
        ),
        "",
    ),
    (
        "documented/authorizer-http-1.0",
        lambda: events.authorizer_http(
            "GET", "/orders/7", version="1.0", route="/orders/{id}", headers={"Authorization": "x"}
        ),
        "",
    ),
    ("documented/authorizer-websocket", events.authorizer_websocket, ""),
    ("sam/sqs-receive-message", lambda: events.sqs(["one", BODY]), ""),
    ("documented/sqs-fifo", lambda: events.sqs(["one", "two"], queue="orders.fifo"), ""),
    (
        "documented/sqs-attributes",
        lambda: events.sqs([events.SQSMessage("", attributes={"kind": "order"})]),
        "",
    ),
    ("documented/sqs-of-topic", lambda: events.sqs([events.sns_envelope(BODY)]), ""),
    ("sam/kinesis-get-records", lambda: events.kinesis(["one"]), ""),
    ("documented/kinesis-window", lambda: events.kinesis(["one"], window=WINDOW), ""),
    ("documented/kinesis-window-without-records", lambda: events.kinesis([], window=WINDOW), ""),
    (
        "sam/dynamodb-update",
        lambda: events.dynamodb_stream(
            [(None, {"id": 1}), ({"id": 1}, {"id": 1, "a": 2}), ({"id": 1}, None)]
        ),
        "ApproximateCreationDateTime",
    ),
    (
        "documented/dynamodb-window",
        lambda: events.dynamodb_stream([({"id": 1}, {"id": 1})], window=WINDOW),
        "",
    ),
    ("documented/dynamodb-expired", lambda: events.dynamodb_stream([({"id": 1}, None)], expired=True), ""),
    ("sam/sns-notification", lambda: events.sns("hello"), ""),
    ("sam/s3-put", lambda: events.s3("uploads", "a.txt"), ""),
    ("sam/s3-delete", lambda: events.s3("uploads", "a.txt", event="ObjectRemoved:Delete"), ""),
    (
        "documented/s3-removed",
        lambda: events.s3("uploads", ["a"], event="s3:ObjectRemoved:DeleteMarkerCreated", version_id="1"),
        "",
    ),
    ("documented/s3-test", lambda: events.s3_test("uploads"), ""),
    ("documented/eventbridge-custom", lambda: events.eventbridge({"id": 7}, source="shop"), ""),
    ("documented/eventbridge-replay", lambda: events.eventbridge(replay="again"), ""),
    ("documented/eventbridge-rule-schedule", events.schedule, ""),
    ("sam/cloudwatch-scheduled-event", events.schedule, "version"),
    ("documented/eventbridge-scheduler", events.scheduler, ""),
    ("documented/alarm-metric", lambda: events.alarm("errors", description="too many"), ""),
    ("documented/alarm-composite", lambda: events.alarm("both", rule="ALARM(a) OR ALARM(b)"), ""),
    ("sam/cloudwatch-logs", lambda: events.log_subscription(["one"]), ""),
    (
        "sam/cloudformation-create-request",
        lambda: events.custom_resource("Create", {"Rows": 5}),
        "ServiceToken",
    ),
    ("documented/custom-resource-update", lambda: events.custom_resource("Update", {"Rows": 5}), ""),
    ("documented/custom-resource-delete", lambda: events.custom_resource("Delete"), ""),
    ("documented/cognito-pre-sign-up", lambda: events.cognito("PreSignUp_SignUp"), ""),
    ("documented/cognito-post-confirmation", lambda: events.cognito("PostConfirmation"), ""),
    ("documented/cognito-pre-authentication", lambda: events.cognito("PreAuthentication"), ""),
    ("documented/cognito-post-authentication", lambda: events.cognito("PostAuthentication"), ""),
    ("documented/cognito-token-generation", lambda: events.cognito("TokenGeneration_Authentication"), ""),
    ("documented/cognito-token-generation-v2", lambda: events.cognito("TokenGeneration", version="2"), ""),
    ("documented/cognito-define-auth-challenge", lambda: events.cognito("DefineAuthChallenge"), ""),
    ("documented/cognito-create-auth-challenge", lambda: events.cognito("CreateAuthChallenge"), ""),
    ("documented/cognito-verify-auth-challenge", lambda: events.cognito("VerifyAuthChallengeResponse"), ""),
    ("documented/cognito-user-migration", lambda: events.cognito("UserMigration"), ""),
    ("documented/cognito-custom-message", lambda: events.cognito("CustomMessage_ForgotPassword"), ""),
    ("documented/cognito-custom-email-sender", lambda: events.cognito("CustomEmailSender"), ""),
    ("documented/cognito-custom-sms-sender", lambda: events.cognito("CustomSMSSender"), ""),
    ("documented/cognito-inbound-federation", lambda: events.cognito("InboundFederation"), ""),
]


@pytest.mark.parametrize(("name", "factory", "known"), FACTORIES, ids=[name for name, _, _ in FACTORIES])
def test_a_factory_makes_the_shape_of_its_sample(
    name: str, factory: Callable[[], dict[str, Any]], known: str
) -> None:
    """`known` are the members of which sample and factory differ on purpose."""
    found = [
        each
        for each in differences(factory(), sample(name))
        if not any(f".{member}" in each for member in known.split())
    ]
    assert found == []


@pytest.mark.parametrize(("name", "factory", "known"), FACTORIES, ids=[name for name, _, _ in FACTORIES])
def test_what_a_factory_makes_is_json_of_its_samples_kind(
    name: str, factory: Callable[[], dict[str, Any]], known: str
) -> None:
    event = factory()
    assert json.loads(json.dumps(event)) == event
    assert kind_of(event) == kind_of(sample(name))


def test_members_that_differ_are_found() -> None:
    made = {"a": 1, "list": [{"x": "1"}], "gone": {}, "null": None, "none": []}
    other = {"a": "1", "list": [{"y": "1"}], "null": {"deep": 1}, "none": [{"z": 1}]}
    assert differences(made, other) == [
        "+.gone",
        "+.list[].x",
        "-.list[].y",
        ".a: {'number'} != {'str'}",
    ] or set(differences(made, other)) == {"+.gone", "+.list[].x", "-.list[].y", ".a: {'number'} != {'str'}"}


def test_ids_are_fresh_and_times_are_now_unless_given() -> None:
    one, two = events.http_v2("GET", "/"), events.http_v2("GET", "/")
    assert one["requestContext"]["requestId"] != two["requestContext"]["requestId"]
    fixed = events.http_v2("GET", "/", request_id="r", time=0)["requestContext"]
    assert (fixed["requestId"], fixed["time"], fixed["timeEpoch"]) == ("r", "01/Jan/1970:00:00:00 +0000", 0)
