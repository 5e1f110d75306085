"""What a manifest becomes in a template, member by member."""

from __future__ import annotations

import json
import os
from typing import Any
from unittest import mock

import msgspec
import pytest
from tests.deploy.render.everything import APP, OTHER, everything, manifest, rendered, target

from lambent.app.sources.naming import physical_name, variable
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
    Use,
)
from lambent.deploy.project import Stage
from lambent.deploy.render import CodeLocation, template_of


def properties(resources: dict[str, Any], type_name: str) -> list[dict[str, Any]]:
    return [one["Properties"] for one in resources.values() if one["Type"] == type_name]


def statements(resources: dict[str, Any], logical: str) -> list[dict[str, Any]]:
    (policy,) = resources[logical]["Properties"]["Policies"]
    found: list[dict[str, Any]] = policy["PolicyDocument"]["Statement"]
    return found


def variables(resources: dict[str, Any], logical: str = "AppFunction") -> dict[str, Any]:
    found: dict[str, Any] = resources[logical]["Properties"]["Environment"]["Variables"]
    return found


def test_the_same_manifest_is_the_same_template_and_json() -> None:
    one, other = (template_of(everything(), target(everything())) for _ in range(2))
    assert json.dumps(one) == json.dumps(other)


def test_whatever_is_referred_to_is_there() -> None:
    template = template_of(everything(), target(everything()))
    resources = template["Resources"]

    def look(value: Any) -> None:
        if isinstance(value, dict):
            if set(value) == {"Ref"} and not value["Ref"].startswith("AWS::"):
                assert value["Ref"] in resources
            if set(value) == {"Fn::GetAtt"}:
                assert value["Fn::GetAtt"][0] in resources
            for one in value.values():
                look(one)
        elif isinstance(value, list):
            for one in value:
                look(one)

    look(template)


# ------------------------------------------------------------ functions, and how they find what they use


def test_a_handler_is_the_one_that_the_manifest_names() -> None:
    found = properties(rendered(everything()), "AWS::Lambda::Function")
    assert {one["FunctionName"]: one["Handler"] for one in found} == {
        "shop-dev-api": "app.app",
        "shop-dev-audit": "app.app",
        "shop-dev-guard": "app.app",
        "shop-dev-prices": "prices.handler",
        "shop-dev-ready": "app.app",
        "shop-dev-worker": "app.app",
    }


def test_code_finds_resources_under_their_deployed_names() -> None:
    """The variables are those that the framework reads, whatever characters are in the names."""
    shown = manifest(
        queues=(Queue(name="new-orders"), Queue(name="pay.fifo", fifo=True)),
        queue_triggers=(QueueTrigger(unit="app", queue="pay.fifo"),),
        schedules=(ScheduleTrigger(unit="app", name="clean_up", expression="rate(1 day)"),),
        uses=(Use(unit="app", kind="queue", name="new-orders", access=("send",)),),
    )
    found = variables(rendered(shown))
    assert found["QUEUE_URL_NEW_ORDERS"] == {"Ref": "NewOrdersQueue"}
    assert found[variable("queue", "new-orders")] == {"Ref": "NewOrdersQueue"}
    assert found[variable("queue", "pay.fifo")] == {"Ref": "PayFifoQueue"}
    assert found["LAMBENT_STAGE"] == "dev"
    plain = {name: value for name, value in found.items() if isinstance(value, str)}
    with mock.patch.dict(os.environ, plain):
        assert physical_name("schedule", "clean_up") == "shop-dev-clean_up"


def test_a_unit_knows_what_it_uses_and_nothing_else() -> None:
    resources = rendered(everything())
    assert sorted(variables(resources, "ApiFunction")) == [
        "LAMBENT_BUCKET_THEIRS",
        "LAMBENT_BUCKET_UPLOADS",
        "LAMBENT_BUS_DEFAULT",
        "LAMBENT_CHANNEL_COUNTER",
        "LAMBENT_FUNCTION_PRICES",
        "LAMBENT_QUEUE_ELSEWHERE",
        "LAMBENT_QUEUE_RECEIPTS",
        "LAMBENT_STAGE",
        "LAMBENT_STREAM_VIEWS",
        "LAMBENT_TABLE_ORDERS",
        "LAMBENT_TABLE_THEIRS",
        "LAMBENT_TOPIC_ALERTS",
        "QUEUE_URL_ELSEWHERE",
        "QUEUE_URL_RECEIPTS",
    ]
    assert variables(resources, "WorkerFunction")["LAMBENT_UNIT_ROUTERS"] == "shop.orders:router"
    assert variables(resources, "WorkerFunction")["GREETING"] == "Hällo"
    assert variables(resources, "PricesFunction")["LAMBENT_FUNCTION_API"] == "shop-dev-api"
    assert variables(resources, "AuditFunction")["LAMBENT_FUNCTION_READY"] == "shop-dev-ready:live"
    assert {"LAMBENT_API_HTTP", "LAMBENT_API_COUNTER"} < set(variables(resources, "GuardFunction"))


def test_the_project_s_variables_go_before_ours_and_the_target_s_before_both() -> None:
    shown = manifest(
        units=(msgspec.structs.replace(APP, environment={"LAMBENT_STAGE": "x", "PYTHONPATH": "y"}),)
    )
    assert variables(rendered(shown, environment={"PYTHONPATH": "/site"})) == {
        "LAMBENT_STAGE": "x",
        "PYTHONPATH": "/site",
    }


def test_roles_have_what_their_unit_does_and_no_more() -> None:
    resources = rendered(everything())
    assert statements(resources, "GuardRole") == [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": {"Fn::GetAtt": ["GuardLogGroup", "Arn"]},
        }
    ]
    allowed = {action for one in statements(resources, "ApiRole") for action in one["Action"]}
    assert allowed == {
        "dynamodb:BatchGetItem",
        "dynamodb:BatchWriteItem",
        "dynamodb:ConditionCheckItem",
        "dynamodb:DeleteItem",
        "dynamodb:DescribeTable",
        "dynamodb:GetItem",
        "dynamodb:PutItem",
        "dynamodb:Query",
        "dynamodb:Scan",
        "dynamodb:UpdateItem",
        "events:PutEvents",
        "execute-api:ManageConnections",
        "kinesis:PutRecord",
        "kinesis:PutRecords",
        "lambda:InvokeFunction",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:AbortMultipartUpload",
        "s3:DeleteObject",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:PutObject",
        "ses:SendEmail",
        "sns:Publish",
        "sqs:ChangeMessageVisibility",
        "sqs:DeleteMessage",
        "sqs:GetQueueAttributes",
        "sqs:ReceiveMessage",
        "sqs:SendMessage",
        "ssm:GetParameter",
        "xray:PutTelemetryRecords",
        "xray:PutTraceSegments",
    }
    for logical in ("ApiRole", "AuditRole", "WorkerRole", "ReadyRole", "PricesRole"):
        for one in statements(resources, logical):
            if one["Resource"] == "*":
                # Neither X-Ray nor what the project itself asks for can be narrowed.
                assert one["Action"] == ["ses:SendEmail", "xray:PutTelemetryRecords", "xray:PutTraceSegments"]
            assert not any("*" in action for action in one["Action"])


def test_what_is_done_of_several_resources_is_one_statement() -> None:
    shown = manifest(
        queues=tuple(Queue(name=f"q{index}") for index in range(3)),
        queue_triggers=(QueueTrigger(unit="app", queue="q2"),),
        uses=tuple(Use(unit="app", kind="queue", name=f"q{index}", access=("send",)) for index in range(3)),
    )
    found = {tuple(one["Action"]): one["Resource"] for one in statements(rendered(shown), "AppRole")}
    assert found[("sqs:SendMessage",)] == [{"Fn::GetAtt": [f"Q{index}Queue", "Arn"]} for index in range(2)]
    reads = ("sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage")
    assert found[reads] == {"Fn::GetAtt": ["Q2Queue", "Arn"]}


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


def test_without_roles_nothing_of_iam_is_asked_for() -> None:
    resources = rendered(everything(), roles="none")
    assert not [one for one in resources.values() if one["Type"].startswith("AWS::IAM::")]
    role = {"Fn::Sub": "arn:${AWS::Partition}:iam::${AWS::AccountId}:role/lambent"}
    assert resources["WorkerFunction"]["Properties"]["Role"] == role
    assert resources["NightlySchedule"]["Properties"]["Target"]["RoleArn"] == role


def test_policies_keep_variables_of_their_own() -> None:
    from lambent.deploy.render.composition import sub

    assert sub("arn:aws:s3:::b/${aws:username}") == "arn:aws:s3:::b/${aws:username}"
    assert sub("arn:aws:s3:::${AWS::AccountId}/${aws:username}") == {
        "Fn::Sub": "arn:aws:s3:::${AWS::AccountId}/${!aws:username}"
    }


def test_linked_code_and_debugging() -> None:
    resources = rendered(
        manifest(
            queues=(Queue(name="q", visibility_s=60),), queue_triggers=(QueueTrigger(unit="app", queue="q"),)
        ),
        code={"app": CodeLocation("hot-reload", "/ä b/app")},
        debug=True,
    )
    function = resources["AppFunction"]["Properties"]
    assert function["Code"] == {"S3Bucket": "hot-reload", "S3Key": "/ä b/app"}
    assert function["Timeout"] == 900
    assert resources["QQueue"]["Properties"]["VisibilityTimeout"] == 900


def test_layers_and_local_packages() -> None:
    shown = manifest(
        units=(msgspec.structs.replace(APP, layers=("arn:aws:lambda:us-east-1:1:layer:x:1",)), OTHER)
    )
    resources = rendered(
        shown,
        code={"app": CodeLocation("", "./app.zip"), "other": CodeLocation("", "./other.zip")},
        layers={"dependencies": CodeLocation("", "./dependencies.zip")},
        unit_layers={"app": ("dependencies",)},
    )
    assert resources["AppFunction"]["Properties"]["Code"] == "./app.zip"
    assert resources["AppFunction"]["Properties"]["Layers"] == [
        {"Ref": "DependenciesLayer"},
        "arn:aws:lambda:us-east-1:1:layer:x:1",
    ]
    assert "Layers" not in resources["OtherFunction"]["Properties"]
    assert resources["DependenciesLayer"]["Properties"]["Content"] == "./dependencies.zip"


def test_a_version_is_another_one_when_its_function_is() -> None:
    def version(key: str) -> str:
        shown = manifest(units=(msgspec.structs.replace(APP, provisioned_concurrency=1),))
        resources = rendered(shown, code={"app": CodeLocation("b", key)})
        (found,) = (name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Version")
        return found

    assert version("one") == version("one") != version("two")


# ------------------------------------------------------------ stages


def test_stages_share_no_names() -> None:
    """Nor anything else that has a name of its own: they can be in one account."""

    def named(stage: str) -> set[str]:
        found = set()
        for one in template_of(everything(), target(everything(), stage))["Resources"].values():
            for key, value in one["Properties"].items():
                alone = key.endswith("Name") and one["Type"] not in (
                    "AWS::ApiGatewayV2::Stage",
                    "AWS::Lambda::Alias",
                    "AWS::ApiGatewayV2::Authorizer",
                )
                if alone and (isinstance(value, str) or list(value) == ["Fn::Sub"]):
                    found.add(json.dumps(value))
        return found

    # The log group that is watched is that of another app's function, as the manifest says it.
    assert named("dev") & named("prod") <= {'"/aws/lambda/shop-dev-worker"'}
    assert len(named("dev")) > 20


def test_protected_stages_keep_what_has_data() -> None:
    def policies(stage: Stage) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for one in template_of(everything(), target(everything(), stage))["Resources"].values():
            for policy in ("DeletionPolicy", "UpdateReplacePolicy"):
                if policy in one:
                    found.setdefault(one[policy], set()).add(one["Type"])
        return found

    kept = {
        "AWS::Cognito::UserPool",
        "AWS::DynamoDB::Table",
        "AWS::Kinesis::Stream",
        "AWS::S3::Bucket",
        "AWS::SQS::Queue",
    }
    assert policies(Stage(name="prod", protected=True)) == {"Retain": kept, "Delete": {"AWS::Logs::LogGroup"}}
    assert policies(Stage(name="dev")) == {"Delete": {*kept, "AWS::Logs::LogGroup"}}


# ------------------------------------------------------------ what calls units


def test_messages_are_hidden_six_times_as_long_as_their_handler_may_take() -> None:
    def visibility(timeout: int) -> int:
        shown = manifest(
            units=(msgspec.structs.replace(APP, timeout_s=timeout),),
            queues=(Queue(name="q"),),
            queue_triggers=(QueueTrigger(unit="app", queue="q"),),
        )
        found: int = rendered(shown)["QQueue"]["Properties"]["VisibilityTimeout"]
        return found

    assert [visibility(3), visibility(30), visibility(900)] == [30, 180, 5400]


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
            BucketTrigger(unit=whose, bucket="uploads", events=(event,), prefix=prefix, suffix=suffix)
            for whose, event, prefix, suffix in asked
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
    ]
    for destination, action in cases:
        shown = manifest(
            units=(msgspec.structs.replace(APP, on_failure=destination), OTHER), queues=(Queue(name="q"),)
        )
        resources = rendered(shown)
        assert action in {each for one in statements(resources, "AppRole") for each in one["Action"]}
        (config,) = properties(resources, "AWS::Lambda::EventInvokeConfig")
        assert set(config["DestinationConfig"]) == {"OnFailure"}


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
