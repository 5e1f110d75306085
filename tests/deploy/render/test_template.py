"""What a manifest becomes in a template, member by member."""

from __future__ import annotations

import json
import os
from typing import Any
from unittest import mock

import msgspec
from tests.deploy.render.everything import (
    APP,
    OTHER,
    everything,
    manifest,
    properties,
    rendered,
    statements,
    target,
    variables,
)

from lambent.app.sources.naming import physical_name, variable
from lambent.deploy.manifest import (
    Queue,
    QueueTrigger,
    ScheduleTrigger,
    Use,
)
from lambent.deploy.project import Stage
from lambent.deploy.render import CodeLocation, template_of


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
    def version(key: str, *, layer: str = "one", reserved: int | None = None, bucket: str = "b") -> str:
        unit = msgspec.structs.replace(APP, provisioned_concurrency=1, reserved_concurrency=reserved)
        resources = rendered(
            manifest(units=(unit,)),
            code={"app": CodeLocation(bucket, key)},
            layers={"deps": CodeLocation("b", layer)},
            unit_layers={"app": ("deps",)},
        )
        (found,) = (name for name, one in resources.items() if one["Type"] == "AWS::Lambda::Version")
        return found

    assert version("one") == version("one") != version("two")
    assert version("one") != version("one", layer="two")
    # Lambda refuses a second version of what has not changed, and these are not in it.
    assert version("one") == version("one", reserved=5) == version("one", bucket="other")


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
