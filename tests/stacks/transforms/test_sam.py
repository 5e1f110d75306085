"""AWS::Serverless-2016-10-31. Errors are AWS's; what comes of which template is the translator's own matter."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from lambent.clock import SystemClock
from lambent.neighbours.service_calls import ServiceCall, ServiceFailure
from lambent.stacks.errors import ValidationError
from lambent.stacks.schemas import schema_of
from lambent.stacks.template import Pseudo, Scope, Template
from lambent.stacks.transforms import Fetcher, Transforms
from lambent.stacks.transforms.sam import SAM, SamTranslator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stacks.transforms.conftest import Later

FUNCTION: dict[str, Any] = {
    "Type": "AWS::Serverless::Function",
    "Properties": {
        "InlineCode": "def handler(*_): pass",
        "Handler": "index.handler",
        "Runtime": "python3.12",
    },
}

ONE = "Invalid Serverless Application Specification document. Number of errors found: 1. "
TWO = ONE.replace("1", "2")


class Iam:
    """Answers as IAM does when it is asked for policies."""

    def __init__(self) -> None:
        self.asked = 0
        self.fails = False

    async def __call__(self, call: ServiceCall) -> dict[str, Any]:
        self.asked += 1
        assert (call.service, call.operation, call.parameters["Scope"]) == ("iam", "ListPolicies", "AWS")
        if self.fails:
            raise ServiceFailure("iam", "ListPolicies", "ServiceFailure", "", 500)
        if "Marker" not in call.parameters:
            return {"Policies": [_policy("A")], "IsTruncated": True, "Marker": "more"}
        return {"Policies": [_policy("NewerThanTheTranslator")], "IsTruncated": False}


def _policy(name: str) -> dict[str, str]:
    return {"PolicyName": name, "Arn": f"arn:aws:iam::aws:policy/{name}"}


class Sam:
    """Transforms on a loop of their own, which the tests of this module share: the process starts once."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.iam = Iam()

        async def made() -> Transforms:
            return Transforms(self.iam, Fetcher(self.iam, list), SystemClock())

        self.transforms = self.loop.run_until_complete(made())

    async def apply(
        self, resources: dict[str, Any], region: str = "us-east-1", parameters: Any = None, **more: Any
    ) -> dict[str, Any]:
        template = {"Transform": SAM, "Resources": resources, **more}
        before = json.dumps(template)
        try:
            return await self.transforms.apply(
                template, account="000000000000", region=region, stack_name="s", parameters=parameters or {}
            )
        finally:
            assert json.dumps(template) == before

    def __call__(self, resources: dict[str, Any], region: str = "us-east-1", **more: Any) -> dict[str, Any]:
        return self.loop.run_until_complete(asyncio.wait_for(self.apply(resources, region, **more), 30))


@pytest.fixture(scope="module")
def sam() -> Iterator[Sam]:
    sam = Sam()
    yield sam
    sam.transforms.close()
    sam.loop.run_until_complete(sam.loop.shutdown_default_executor())
    sam.loop.close()


def function(**properties: Any) -> dict[str, Any]:
    return {**FUNCTION, "Properties": {**FUNCTION["Properties"], **properties}}


def test_functions_become_resources_and_transform_is_gone(sam: Sam) -> None:
    processed = sam({"Hello": FUNCTION}, Globals={"Function": {"MemorySize": 512}}, Description="Kept")
    assert set(processed) == {"Description", "Resources"}
    assert {name: one["Type"] for name, one in processed["Resources"].items()} == {
        "Hello": "AWS::Lambda::Function",
        "HelloRole": "AWS::IAM::Role",
    }
    assert processed["Resources"]["Hello"]["Properties"]["MemorySize"] == 512


def test_metadata_stays_with_the_resource(sam: Sam) -> None:
    processed = sam({"Hello": {**FUNCTION, "Metadata": {"SamResourceId": "Hello"}}})
    assert processed["Resources"]["Hello"]["Metadata"] == {"SamResourceId": "Hello"}


def test_parameters_have_their_values(sam: Sam) -> None:
    resources = {"Hello": function(AutoPublishAlias={"Ref": "Alias"})}
    parameters = {"Alias": {"Type": "String", "Default": "not this"}}
    processed = sam(resources, Parameters=parameters, parameters={"Alias": "live"})
    assert processed["Resources"]["HelloAliaslive"]["Properties"]["Name"] == "live"


def test_regions_have_their_partition(sam: Sam) -> None:
    for region, partition in (
        ("cn-north-1", "aws-cn"),
        ("us-east-1", "aws"),
        ("us-gov-west-1", "aws-us-gov"),
    ):
        role = sam({"Hello": FUNCTION}, region)["Resources"]["HelloRole"]
        assert role["Properties"]["ManagedPolicyArns"] == [
            f"arn:{partition}:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
        ]


def test_managed_policies_by_name(sam: Sam) -> None:
    sam.iam.asked = 0
    sam.iam.fails = True

    def arns(*names: str) -> list[str]:
        role = sam({"Hello": function(Policies=list(names))})["Resources"]["HelloRole"]
        found: list[str] = role["Properties"]["ManagedPolicyArns"][1:]
        return found

    assert arns("AmazonS3ReadOnlyAccess") == ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]
    assert sam.iam.asked == 0
    assert arns("NewerThanTheTranslator") == ["NewerThanTheTranslator"]
    sam.iam.fails = False
    assert arns("NewerThanTheTranslator", "Own") == [
        "arn:aws:iam::aws:policy/NewerThanTheTranslator",
        "Own",
    ]
    assert sam.iam.asked == 3
    assert arns("A") == ["arn:aws:iam::aws:policy/A"]
    assert sam.iam.asked == 3


@pytest.mark.parametrize(
    ("resources", "reason"),
    [
        (
            {"A": {"Type": "AWS::Serverless::Function", "Properties": {"Foo": 1}}},
            (
                f"{ONE}Resource with id [A] is "
                "invalid. property Foo not defined for resource of type AWS::Serverless::Function"
            ),
        ),
        (
            {
                "B": {"Type": "AWS::Serverless::Function"},
                "A": {"Type": "AWS::Serverless::Api", "Properties": {}},
            },
            (
                f"{TWO}Resource with id [A] is invalid. Missing required property 'StageName'. Resource with id [B] "
                "is invalid. Only one of 'InlineCode' or 'CodeUri' can be set."
            ),
        ),
        (
            {},
            (f"{ONE}Structure of the SAM template is invalid. 'Resources' section is required"),
        ),
        (
            {
                "App": {
                    "Type": "AWS::Serverless::Application",
                    "Properties": {
                        "Location": {
                            "ApplicationId": "arn:aws:serverlessrepo:us-east-1:1:applications/a",
                            "SemanticVersion": "1.0.0",
                        }
                    },
                }
            },
            (
                f"{ONE}Resource with id [App] "
                "is invalid. The Serverless Application Repository is not served here: give Location as the URL of a "
                "template."
            ),
        ),
    ],
)
def test_what_is_wrong_is_told_as_aws_does(sam: Sam, resources: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError) as caught:
        sam(resources)
    assert str(caught.value) == f"Transform AWS::Serverless-2016-10-31 failed with: {reason}"


def test_what_the_translator_stumbles_over_is_its_internal_failure(sam: Sam) -> None:
    with pytest.raises(ValidationError) as caught:
        sam({"Hello": function(Environment=[1])}, Conditions=3, Mappings=7, Parameters={"a": 1})
    assert str(caught.value).startswith("Transform AWS::Serverless-2016-10-31 failed with: ")
    assert sam({"Hello": FUNCTION})


def test_templates_at_the_same_time_do_not_get_each_others_answer(sam: Sam) -> None:
    async def both() -> None:
        names = [f"Hello{number}" for number in range(6)]
        answers = await asyncio.gather(*(sam.apply({name: FUNCTION}) for name in names))
        for name, answer in zip(names, answers, strict=True):
            assert name in answer["Resources"]

    sam.loop.run_until_complete(both())


def test_who_gives_up_waiting_leaves_nothing_to_the_next(sam: Sam) -> None:
    async def run() -> None:
        waiting = asyncio.create_task(sam.apply({f"Hello{number}": FUNCTION for number in range(50)}))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert "Other" in (await sam.apply({"Other": FUNCTION}))["Resources"]

    sam.loop.run_until_complete(run())


def test_a_process_that_is_killed_is_started_again(sam: Sam) -> None:
    sam({"Hello": FUNCTION})
    worker = sam.transforms._sam._worker
    assert worker is not None
    os.kill(worker.pid, signal.SIGKILL)
    with pytest.raises(ValidationError, match="Internal transform failure"):
        sam({"Hello": FUNCTION})
    assert sam({"Hello": FUNCTION})


def test_the_process_ends_when_it_has_been_idle(later: Later) -> None:
    async def run() -> None:
        translator = SamTranslator(Iam(), later)
        await translator.translate({"Resources": {"Hello": FUNCTION}}, {}, "000000000000", "us-east-1")
        worker = translator._worker
        assert worker is not None
        ((when_ms, end),) = later.timers
        assert when_ms == 600_000
        end()
        assert translator._worker is None
        with pytest.raises(ProcessLookupError):
            os.kill(worker.pid, 0)
        translator.close()

    asyncio.run(run())


def test_everything_that_sam_makes_fits_the_schemas(sam: Sam) -> None:
    events = {
        "Rest": {"Type": "Api", "Properties": {"Path": "/{proxy+}", "Method": "any"}},
        "Http": {"Type": "HttpApi", "Properties": {"Path": "/x", "Method": "get", "TimeoutInMillis": 15000}},
        "Rate": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 minute)", "Input": "{}"}},
        "Cron": {
            "Type": "ScheduleV2",
            "Properties": {
                "ScheduleExpression": "cron(0 12 * * ? *)",
                "RetryPolicy": {"MaximumRetryAttempts": 5},
            },
        },
        "Event": {
            "Type": "EventBridgeRule",
            "Properties": {"Pattern": {"source": ["shop"]}, "DeadLetterConfig": {"Type": "SQS"}},
        },
        "Queue": {
            "Type": "SQS",
            "Properties": {"Queue": {"Fn::GetAtt": ["Q", "Arn"]}, "BatchSize": 10, "Enabled": False},
        },
        "Topic": {
            "Type": "SNS",
            "Properties": {"Topic": {"Ref": "T"}, "FilterPolicy": {"a": ["b"]}, "SqsSubscription": True},
        },
        "Bucket": {"Type": "S3", "Properties": {"Bucket": {"Ref": "B"}, "Events": "s3:ObjectCreated:*"}},
        "Log": {"Type": "CloudWatchLogs", "Properties": {"LogGroupName": "g", "FilterPattern": ""}},
        "Stream": {
            "Type": "Kinesis",
            "Properties": {
                "Stream": "arn:aws:kinesis:us-east-1:000000000000:stream/s",
                "StartingPosition": "LATEST",
            },
        },
        "Pool": {"Type": "Cognito", "Properties": {"UserPool": {"Ref": "P"}, "Trigger": "PreSignUp"}},
    }
    resources = {
        "F": function(
            Events=events,
            AutoPublishAlias="live",
            DeploymentPreference={"Type": "Canary10Percent5Minutes", "Alarms": [{"Ref": "Alarm"}]},
            FunctionUrlConfig={"AuthType": "NONE", "Cors": {"AllowOrigins": ["*"]}},
            EventInvokeConfig={
                "MaximumRetryAttempts": 1,
                "DestinationConfig": {"OnSuccess": {"Type": "SQS"}},
            },
            Environment={"Variables": {"NN": 1, "BB": True}},
            Policies=[{"SQSPollerPolicy": {"QueueName": "q"}}, "AmazonS3ReadOnlyAccess"],
            Tags={"a": "b"},
        ),
        "L": {
            "Type": "AWS::Serverless::LayerVersion",
            "Properties": {"ContentUri": "s3://code/layer.zip", "CompatibleRuntimes": ["python3.12"]},
        },
        "Table": {
            "Type": "AWS::Serverless::SimpleTable",
            "Properties": {"PrimaryKey": {"Name": "id", "Type": "String"}},
        },
        "Machine": {
            "Type": "AWS::Serverless::StateMachine",
            "Properties": {
                "Definition": {"StartAt": "A", "States": {"A": {"Type": "Pass", "End": True}}},
                "Policies": [{"LambdaInvokePolicy": {"FunctionName": {"Ref": "F"}}}],
            },
        },
        "Reads": {
            "Type": "AWS::Serverless::Connector",
            "Properties": {
                "Source": {"Id": "Other"},
                "Destination": {"Id": "Table"},
                "Permissions": ["Read"],
            },
        },
        "Other": FUNCTION,
        "Nested": {
            "Type": "AWS::Serverless::Application",
            "Properties": {"Location": "https://s3.amazonaws.com/code/t.yaml", "Parameters": {"A": 1}},
        },
        "Q": {"Type": "AWS::SQS::Queue"},
        "T": {"Type": "AWS::SNS::Topic"},
        "B": {"Type": "AWS::S3::Bucket"},
        "P": {"Type": "AWS::Cognito::UserPool"},
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "MetricName": "m",
            },
        },
    }
    template = Template.read(sam(resources))
    pseudo = Pseudo.of("000000000000", "us-east-1", "arn:aws:cloudformation:::stack/s/1", "s")
    scope = Scope(template, {}, pseudo, resources=lambda name: None, imports=lambda name: name)
    types = set()
    for name, resource in template.resources.items():
        schema = schema_of(resource.type)
        assert schema is not None, resource.type
        schema.check(name, scope.resolve(resource.properties))
        types.add(resource.type)
    assert len(types) > 25
