"""What calls units: APIs, channels, sources, schedules, rules, buckets; and who may."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from tests.deploy.render.everything import (
    APP,
    OTHER,
    everything,
    manifest,
    properties,
    rendered,
    statements,
)

from lambent.deploy.manifest import (
    Authorizer,
    Bucket,
    BucketTrigger,
    Channel,
    ChannelRoute,
    Destination,
    EventTrigger,
    Jwt,
    Key,
    Queue,
    QueueTrigger,
    Route,
    ScheduleTrigger,
    StreamTrigger,
    Table,
)


def test_handlers_of_channels_may_send_to_their_clients() -> None:
    """What they return is sent with the management API, so it takes a permission."""
    shown = manifest(channels=(Channel(name="counter", routes=(ChannelRoute(unit="app", key="orders"),)),))
    resources = rendered(shown)
    (found,) = (
        one for one in statements(resources, "AppRole") if "execute-api:ManageConnections" in one["Action"]
    )
    text, parts = found["Resource"]["Fn::Sub"]
    assert text.endswith(":${Api}/dev/*/@connections/*")
    assert parts == {"Api": {"Ref": "CounterChannel"}}
    assert properties(resources, "AWS::ApiGatewayV2::RouteResponse") == []
    plain = rendered(msgspec.structs.replace(shown, units=(msgspec.structs.replace(APP, kind="handler"),)))
    assert len(properties(plain, "AWS::ApiGatewayV2::RouteResponse")) == 1


def test_messages_are_hidden_six_times_as_long_as_their_handler_may_take() -> None:
    def visibility(timeout: int, window: int = 0) -> int:
        shown = manifest(
            units=(msgspec.structs.replace(APP, timeout_s=timeout),),
            queues=(Queue(name="q"),),
            queue_triggers=(QueueTrigger(unit="app", queue="q", batch_window_s=window),),
        )
        found: int = rendered(shown)["QQueue"]["Properties"]["VisibilityTimeout"]
        return found

    assert [visibility(3), visibility(30), visibility(900)] == [30, 180, 5400]
    assert visibility(30, window=20) == 200


@pytest.mark.parametrize(
    ("name", "dead"), [("receipts", "receipts-dlq"), ("pay.fifo", "pay-dlq.fifo"), ("pay.fifo", "pay-dlq")]
)
def test_dead_letters_that_somebody_handles_are_one_queue(name: str, dead: str) -> None:
    fifo = name.endswith(".fifo")
    shown = manifest(
        queues=(Queue(name=name, fifo=fifo), Queue(name=dead, fifo=fifo, dead_letters=False)),
        queue_triggers=(QueueTrigger(unit="app", queue=dead),),
    )
    found = {one["QueueName"]: one for one in properties(rendered(shown), "AWS::SQS::Queue")}
    base = name.removesuffix(".fifo")
    ending = ".fifo" if fifo else ""
    assert set(found) == {f"shop-dev-{base}{ending}", f"shop-dev-{base}-dlq{ending}"}
    assert found[f"shop-dev-{base}{ending}"]["RedrivePolicy"]["maxReceiveCount"] == 3
    assert found[f"shop-dev-{base}-dlq{ending}"]["MessageRetentionPeriod"] == 1_209_600


def test_handlers_of_one_source_share_a_mapping() -> None:
    table = Table(name="orders", key=Key(name="id"))
    insert, remove = ({"eventName": ["INSERT"]}, {"eventName": ["REMOVE"]})

    def filters(*of_each: tuple[dict[str, Any], ...]) -> Any:
        shown = manifest(
            tables=(table,),
            stream_triggers=tuple(
                StreamTrigger(unit="app", kind="table", name="orders", filters=one) for one in of_each
            ),
        )
        (mapping,) = properties(rendered(shown), "AWS::Lambda::EventSourceMapping")
        return [json.loads(one["Pattern"]) for one in mapping.get("FilterCriteria", {}).get("Filters", [])]

    assert filters((insert,), (remove,)) == [insert, remove]
    assert filters((insert,), (insert,)) == [insert]
    assert filters((insert,), ()) == []


@pytest.mark.parametrize(
    ("patterns", "rules"),
    [
        ([{"source": ["a"]}, {"source": ["b"]}], 2),
        ([{"source": ["a"]}, {"detail-type": ["b"]}], 1),
        ([{"source": ["a"]}, {"source": ["a", "b"]}], 1),
        ([{"source": ["a"]}, {"source": [{"prefix": "b"}]}], 1),
        ([{"detail": {"kind": ["a"]}}, {"detail": {"kind": ["b"], "size": [1]}}], 2),
        ([{"source": ["a"]}, {"source": ["b"]}, {"source": ["a", "b"]}], 1),
    ],
)
def test_an_event_comes_once_to_a_unit(patterns: list[dict[str, Any]], rules: int) -> None:
    events = tuple(
        EventTrigger(unit="app", name=f"on_{index}", pattern=one) for index, one in enumerate(patterns)
    )
    found = properties(rendered(manifest(events=events)), "AWS::Events::Rule")
    assert len(found) == rules
    if rules == 1:
        assert found[0]["EventPattern"] == {"$or": patterns}


def test_many_rules_of_a_unit_fit_into_its_policy() -> None:
    def permissions(count: int) -> list[Any]:
        events = tuple(
            EventTrigger(unit="app", name=f"on{index}", pattern={"source": [f"s{index}"]})
            for index in range(count)
        )
        return [
            one["SourceArn"]
            for one in properties(rendered(manifest(events=events)), "AWS::Lambda::Permission")
        ]

    assert len(permissions(20)) == 20
    of = "arn:${AWS::Partition}:events:${AWS::Region}:${AWS::AccountId}:rule/shop-dev-*"
    assert permissions(100) == [{"Fn::Sub": of}]


@pytest.mark.parametrize(
    ("asked", "notifications", "rules"),
    [
        ([("app", "s3:ObjectCreated:*", "in/", ""), ("app", "s3:ObjectCreated:*", "out/", "")], 2, 0),
        ([("app", "s3:ObjectCreated:*", "", ".png"), ("other", "s3:ObjectCreated:*", "", ".jpg")], 2, 0),
        ([("app", "s3:ObjectCreated:*", "", ""), ("app", "s3:ObjectCreated:Put", "in/", ".png")], 1, 0),
        ([("app", "s3:ObjectCreated:*", "", ""), ("app", "s3:ObjectRemoved:*", "", "")], 2, 0),
        ([("app", "s3:ObjectCreated:Put s3:ObjectCreated:* s3:ObjectRemoved:*", "", "")], 2, 0),
        ([("app", "s3:ObjectCreated:*", "", ""), ("other", "s3:ObjectCreated:*", "", "")], 0, 2),
        ([("app", "s3:ObjectCreated:*", "in/", ""), ("app", "s3:ObjectCreated:*", "", ".png")], 0, 1),
    ],
)
def test_buckets_call_by_themselves_where_they_can(
    asked: list[tuple[str, str, str, str]], notifications: int, rules: int
) -> None:
    shown = manifest(
        units=(APP, OTHER),
        buckets=(Bucket(name="uploads"),),
        bucket_triggers=tuple(
            BucketTrigger(
                unit=whose, bucket="uploads", events=tuple(events.split()), prefix=prefix, suffix=suffix
            )
            for whose, events, prefix, suffix in asked
        ),
    )
    resources = rendered(shown)
    (bucket,) = properties(resources, "AWS::S3::Bucket")
    assert len(bucket["NotificationConfiguration"].get("LambdaConfigurations", ())) == notifications
    assert len(properties(resources, "AWS::Events::Rule")) == rules


def test_schedules_say_what_the_code_says() -> None:
    """An expression goes as it is: days of the week are not counted anew."""
    expressions = ("cron(0 3 ? * 2/2 *)", "at(2030-01-01T00:00:00)", "rate(1 minute)")
    shown = manifest(
        schedules=tuple(
            ScheduleTrigger(unit="app", name=f"s{index}", expression=one, timezone="Europe/Berlin")
            for index, one in enumerate(expressions)
        )
    )
    found = properties(rendered(shown), "AWS::Scheduler::Schedule")
    assert [(one["Name"], one["ScheduleExpression"]) for one in found] == [
        (f"shop-dev-s{index}", one) for index, one in enumerate(expressions)
    ]
    assert {one["ScheduleExpressionTimezone"] for one in found} == {"Europe/Berlin"}


def test_routes_have_the_authorizers_that_they_ask_for() -> None:
    found = {
        one["RouteKey"]: (one["AuthorizationType"], one.get("AuthorizerId", {}).get("Ref"))
        for one in properties(rendered(everything()), "AWS::ApiGatewayV2::Route")
    }
    jwt = found["GET /orders/{order_id}"]
    assert jwt[0] == "JWT"
    assert jwt[1] not in (None, "HttpAuthorizer")
    guarded = found["$connect"]
    assert guarded[0] == "CUSTOM"
    assert found["GET /orders"] == ("CUSTOM", "HttpAuthorizer")
    assert found["POST /prices"] == ("AWS_IAM", None)
    for key in ("GET /", "ANY /files/{path+}", "$default", "orders", "audit"):
        assert found[key] == ("NONE", None)


def test_destinations_are_permitted_and_configured() -> None:
    cases: list[tuple[Destination, str]] = [
        (Destination(kind="queue", name="q"), "sqs:SendMessage"),
        (Destination(kind="function", name="other"), "lambda:InvokeFunction"),
        (Destination(kind="bus", name="default"), "events:PutEvents"),
        (Destination(kind="arn", name="arn:aws:sns:us-east-1:111122223333:t"), "sns:Publish"),
        (Destination(kind="arn", name="arn:aws:s3:::bucket"), "s3:PutObject"),
        (Destination(kind="arn", name="arn:aws:s3:::bucket"), "s3:ListBucket"),
    ]
    for destination, action in cases:
        shown = manifest(
            units=(msgspec.structs.replace(APP, on_failure=destination), OTHER), queues=(Queue(name="q"),)
        )
        resources = rendered(shown)
        assert action in {each for one in statements(resources, "AppRole") for each in one["Action"]}
        (config,) = properties(resources, "AWS::Lambda::EventInvokeConfig")
        assert set(config["DestinationConfig"]) == {"OnFailure"}
        if action == "s3:PutObject":
            (put,) = (one for one in statements(resources, "AppRole") if action in one["Action"])
            assert put["Resource"] == "arn:aws:s3:::bucket/*"


def test_jwt_scopes_belong_to_routes() -> None:
    shown = manifest(
        jwt=Jwt(issuer="https://issuer.example", audience=("a",), scopes=("s",)),
        routes=(
            Route(unit="app", method="GET", path="/a", auth="jwt"),
            Route(unit="app", method="GET", path="/b"),
        ),
    )
    found = properties(rendered(shown), "AWS::ApiGatewayV2::Route")
    assert [one.get("AuthorizationScopes") for one in found] == [["s"], None]


def test_authorizers_say_that_they_have_no_identity_sources() -> None:
    """CreateAuthorizer's model wants the member."""
    shown = manifest(
        authorizers=(Authorizer(unit="app", api="http"), Authorizer(unit="app", api="counter")),
        channels=(Channel(name="counter", routes=(ChannelRoute(unit="app", key="$connect"),)),),
    )
    found = properties(rendered(shown), "AWS::ApiGatewayV2::Authorizer")
    assert [one["IdentitySource"] for one in found] == [[], []]


def test_apis_call_functions_as_the_framework_reads_them() -> None:
    resources = rendered(everything())
    for one in properties(resources, "AWS::ApiGatewayV2::Integration"):
        http = one["ApiId"] == {"Ref": "HttpApi"}
        assert (one.get("PayloadFormatVersion"), one.get("IntegrationMethod")) == (
            ("2.0", None) if http else (None, "POST")
        )
    (guard,) = (
        one
        for one in properties(resources, "AWS::ApiGatewayV2::Authorizer")
        if one["Name"] == "guard" and one["ApiId"] == {"Ref": "HttpApi"}
    )
    assert (guard["AuthorizerPayloadFormatVersion"], guard["EnableSimpleResponses"]) == ("2.0", True)
    # A WebSocket API without routes cannot be deployed.
    assert len(resources["CounterChannelStage"]["DependsOn"]) == 4


def test_whoever_calls_is_permitted_for_its_own_resource() -> None:
    """No permission is for a whole service: somebody else's bucket could call, too."""
    found = properties(rendered(everything()), "AWS::Lambda::Permission")
    anybody = [one for one in found if "SourceArn" not in one]
    assert {(one["Principal"], one["Action"]) for one in anybody} == {
        ("*", "lambda:InvokeFunctionUrl"),
        ("*", "lambda:InvokeFunction"),
    }
    assert all("FunctionUrlAuthType" in one or one["InvokedViaFunctionUrl"] for one in anybody)
    (s3,) = {json.dumps(one["SourceArn"]) for one in found if one["Principal"] == "s3.amazonaws.com"}
    assert "s3:::shop-dev-uploads-${AWS::AccountId}-${AWS::Region}" in s3
