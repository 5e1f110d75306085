"""send, publish, emit, fire and put: names of the code, of the resources, and mistakes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest
from click.testing import CliRunner

from lambent.cli.app import lambent as program
from lambent.cli.failure import Failure

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

SETTINGS = '[app]\nname = "shop"\nhandler = "app.app"\n\n[stages.prod]\n'
CODE = "def handler(event, context):\n    if event == 'fail':\n        raise ValueError('no')\n    return event\n"
TEMPLATE = {
    "Resources": {
        "ReceiptsQueue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "shop-dev-receipts"}},
        "LinesQueue": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "QueueName": "shop-dev-lines.fifo",
                "FifoQueue": True,
                "ContentBasedDeduplication": True,
            },
        },
        "EchoFunction": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "FunctionName": "shop-dev-echo",
                "Runtime": "python3.11",
                "Handler": "index.handler",
                "Role": "arn:aws:iam::000000000000:role/r",
                "Code": {"ZipFile": CODE},
            },
        },
        "CleanUpSchedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "Name": "shop-dev-clean_up",
                "ScheduleExpression": "rate(1 day)",
                "State": "DISABLED",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": {"Fn::GetAtt": ["EchoFunction", "Arn"]},
                    "RoleArn": "arn:aws:iam::000000000000:role/r",
                },
            },
        },
        "RemindSchedule": {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {
                "Name": "shop-dev-remind",
                "ScheduleExpression": "rate(1 day)",
                "State": "DISABLED",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {
                    "Arn": {"Fn::GetAtt": ["ReceiptsQueue", "Arn"]},
                    "RoleArn": "arn:aws:iam::000000000000:role/r",
                    "Input": '{"at": "<aws.scheduler.scheduled-time>"}',
                },
            },
        },
        "OnOrderRule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": "shop-dev-on_order",
                "EventPattern": {"source": ["shop"], "detail-type": ["order.placed"]},
                "Targets": [{"Id": "q", "Arn": {"Fn::GetAtt": ["ReceiptsQueue", "Arn"]}}],
            },
        },
        "NightlyRule": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "Name": "shop-dev-nightly",
                "ScheduleExpression": "rate(1 day)",
                "State": "DISABLED",
                "Targets": [
                    {"Id": "q", "Arn": {"Fn::GetAtt": ["ReceiptsQueue", "Arn"]}},
                    {
                        "Id": "p",
                        "Arn": {"Fn::GetAtt": ["ReceiptsQueue", "Arn"]},
                        "InputPath": "$.detail-type",
                    },
                ],
            },
        },
    }
}
MOTO = {
    "AlertsTopic": {"Type": "AWS::SNS::Topic", "Properties": {"TopicName": "shop-prod-alerts"}},
    "UploadsBucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "shop-prod-uploads"}},
    "InboxQueue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "shop-prod-inbox"}},
    "Subscription": {
        "Type": "AWS::SNS::Subscription",
        "Properties": {
            "TopicArn": {"Ref": "AlertsTopic"},
            "Protocol": "sqs",
            "Endpoint": {"Fn::GetAtt": ["InboxQueue", "Arn"]},
            "FilterPolicy": {"n": [{"numeric": [">", 6]}]},
        },
    },
}


class Shop:
    """A project that is deployed, without what deploys: its stack is there. Commands run in its folder."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.folder.mkdir()
        (self.folder / "lambent.toml").write_text(SETTINGS)
        (self.folder / "app.py").write_text("raise RuntimeError('nobody need import this')\n")
        self._session = botocore.session.Session()

    def client(self, service: str) -> Any:
        return self._session.create_client(
            service,
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id="x",
            aws_secret_access_key="x",
        )

    def deploy(self, stage: str, resources: dict[str, Any]) -> None:
        stacks = self.client("cloudformation")
        stacks.create_stack(StackName=f"shop-{stage}", TemplateBody=json.dumps({"Resources": resources}))
        stacks.get_waiter("stack_create_complete").wait(
            StackName=f"shop-{stage}", WaiterConfig={"Delay": 0.05}
        )

    def run(self, *arguments: str, stdin: str | None = None) -> Result:
        """A command in this process, as it starts a second faster there."""
        options = ["--endpoint-url", self.url] if arguments[0] != "event" else []
        ended = CliRunner().invoke(program, [*arguments, *options], input=stdin, standalone_mode=False)
        ended.exit_code = ended.exit_code or int(ended.return_value or 0)
        return ended

    def received(self, queue: str) -> dict[str, Any]:
        """The next message of a queue, which goes."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        (message,) = sqs.receive_message(
            QueueUrl=url, WaitTimeSeconds=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        )["Messages"]
        sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        found: dict[str, Any] = message
        return found


@pytest.fixture(scope="module")
def shop(platform: Any, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    made = Shop(platform.url, tmp_path_factory.mktemp("projects") / "my shöp")
    made.deploy("dev", TEMPLATE["Resources"])
    return made


@pytest.fixture(autouse=True)
def _there(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shop.folder)
    for name in (
        "AWS_PROFILE",
        "AWS_ACCESS_KEY_ID",
        "AWS_REGION",
        "LAMBENT_ENDPOINT_URL",
        "AWS_ENDPOINT_URL",
    ):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    "name",
    [
        "receipts",
        "ReceiptsQueue",
        "shop-dev-receipts",
        "arn:aws:sqs:us-east-1:000000000000:shop-dev-receipts",
        "URL",
    ],
)
def test_a_queue_by_all_its_names(shop: Shop, name: str) -> None:
    if name == "URL":
        name = shop.client("sqs").get_queue_url(QueueName="shop-dev-receipts")["QueueUrl"]
    ended = shop.run("send", name, '{"order": 7}', "--attribute", "who=me", "--attribute", "n:Number=7")
    assert ended.exit_code == 0, ended.output
    message = shop.received("shop-dev-receipts")
    assert ended.output == f"Sent to shop-dev-receipts: {message['MessageId']}\n"
    assert message["Body"] == '{"order": 7}'
    assert message["MessageAttributes"] == {
        "who": {"DataType": "String", "StringValue": "me"},
        "n": {"DataType": "Number", "StringValue": "7"},
    }


def test_messages_from_files_and_input_and_as_text(shop: Shop) -> None:
    (shop.folder / "order.json").write_text('{"from": "a file"}')
    told = json.loads(shop.run("send", "receipts", "@order.json", "--json").stdout)
    message = shop.received("shop-dev-receipts")
    assert (told["MessageId"], message["Body"]) == (message["MessageId"], '{"from": "a file"}')
    shop.run("send", "receipts", "-", stdin='"from the input"')
    assert shop.received("shop-dev-receipts")["Body"] == '"from the input"'
    shop.run("send", "receipts", "{no json", "--text")
    assert shop.received("shop-dev-receipts")["Body"] == "{no json"
    shop.run("send", "lines", "1", "--deduplication", "d")
    message = shop.received("shop-dev-lines.fifo")
    assert message["Attributes"]["MessageGroupId"] == "default"
    assert message["Attributes"]["MessageDeduplicationId"] == "d"


def test_a_schedule_is_fired_with_what_the_scheduler_sends(shop: Shop) -> None:
    ended = shop.run("fire", "clean_up", "--wait", "--at", "2026-02-03T04:05:06+01:00")
    assert ended.exit_code == 0, ended.output
    event = json.loads(ended.stdout)
    assert event.pop("id")
    assert event == {
        "version": "0",
        "detail-type": "Scheduled Event",
        "source": "aws.scheduler",
        "account": "000000000000",
        "time": "2026-02-03T03:05:06Z",
        "region": "us-east-1",
        "resources": ["arn:aws:scheduler:us-east-1:000000000000:schedule/default/shop-dev-clean_up"],
        "detail": "{}",
    }
    assert "Fired shop-dev-clean_up: shop-dev-echo was called" in ended.stderr
    # Without waiting; and by its physical name, its group's, its ARN.
    assert "shop-dev-echo is called" in shop.run("fire", "clean_up").stdout
    for name in ("shop-dev-clean_up", "default/shop-dev-clean_up", event["resources"][0]):
        told = json.loads(shop.run("fire", name, "--wait", "--data", '{"mine": 1}', "--json").stdout)
        assert told["Targets"][0]["Answer"] == {"mine": 1}
    failed = shop.run("fire", "clean_up", "--wait", "--data", '"fail"')
    assert failed.exit_code == 1
    assert "The function failed (Unhandled)" in failed.stderr


def test_inputs_of_schedules_and_rules(shop: Shop) -> None:
    shop.run("fire", "remind", "--at", "2026-02-03T04:05:06Z")
    assert shop.received("shop-dev-receipts")["Body"] == '{"at": "2026-02-03T04:05:06Z"}'
    ended = shop.run("fire", "nightly")
    assert ended.output.count("Fired shop-dev-nightly: sent to shop-dev-receipts") == 2
    bodies = sorted(shop.received("shop-dev-receipts")["Body"] for _ in range(2))
    assert bodies[0] == '"Scheduled Event"'
    event = json.loads(bodies[1])
    assert (event["source"], event["detail"]) == ("aws.events", {})
    assert event["resources"] == ["arn:aws:events:us-east-1:000000000000:rule/shop-dev-nightly"]
    shop.run("fire", "on_order", "--data", '{"id": 1}')
    assert shop.received("shop-dev-receipts")["Body"] == '{"id": 1}'


def test_an_event_is_the_app_s_unless_it_says_whose(shop: Shop) -> None:
    ended = shop.run("emit", "order.placed", '{"id": 7}')
    assert "Put on the bus default by shop" in ended.output
    event = json.loads(shop.received("shop-dev-receipts")["Body"])
    assert (event["source"], event["detail-type"], event["detail"]) == ("shop", "order.placed", {"id": 7})
    ended = shop.run(
        "emit", "order.placed", "--source", "elsewhere", "--resource", "arn:aws:s3:::b", "--json"
    )
    assert json.loads(ended.stdout)["Source"] == "elsewhere"


def test_files_go_into_buckets_and_messages_to_topics(shop: Shop) -> None:
    shop.deploy("prod", MOTO)
    (shop.folder / "a photo.jpg").write_bytes(b"x" * 1200)
    ended = shop.run("put", "uploads", "a photo.jpg", "--stage", "prod")
    assert ended.output == "Put s3://shop-prod-uploads/a photo.jpg (1,200 bytes, image/jpeg)\n"
    found = shop.client("s3").get_object(Bucket="shop-prod-uploads", Key="a photo.jpg")
    assert (len(found["Body"].read()), found["ContentType"]) == (1200, "image/jpeg")
    told = json.loads(
        shop.run("put", "shop-prod-uploads", "-", "--key", "in/ü", "--json", stdin="hello").stdout
    )
    assert (told["Key"], told["Size"]) == ("in/ü", 5)
    refused(shop, "There is no bucket upload", "shop-prod has uploads.", "put", "upload", "app.py",
            "--stage", "prod")  # fmt: skip

    shop.run("publish", "alerts", '"too low"', "--stage", "prod", "--attribute", "n:Number=6")
    ended = shop.run(
        "publish", "alerts", '{"n": 7}', "--stage", "prod", "--subject", "s", "--attribute", "n:Number=7"
    )
    envelope = json.loads(shop.received("shop-prod-inbox")["Body"])
    assert ended.output == f"Published to shop-prod-alerts: {envelope['MessageId']}\n"
    assert (envelope["Message"], envelope["Subject"]) == ('{"n": 7}', "s")
    assert shop.run("publish", "shop-prod-alerts", "x", "--text").exit_code == 0
    refused(shop, "There is no topic alert", "shop-prod has alerts.", "publish", "alert", "1",
            "--stage", "prod")  # fmt: skip


def refused(shop: Shop, message: str, hint: str, *arguments: str, stdin: str | None = None) -> None:
    ended = shop.run(*arguments, stdin=stdin)
    assert isinstance(ended.exception, Failure), (ended.output, ended.exception)
    assert message in ended.exception.message
    assert hint in (ended.exception.hint or "")


MISTAKES: list[tuple[str, str, list[str]]] = [
    (
        "There is no queue recipes",
        "shop-dev has lines.fifo, receipts.",
        ["send", "recipes", "1"],
    ),
    ("There is no queue receipts", "No stack of a project", ["send", "receipts", "1", "--stage", "test"]),
    (
        "'my stage' cannot be the name of a stage",
        "begins with a letter",
        ["send", "q", "1", "--stage", "my stage"],
    ),
    ("is not the ARN of a queue", "", ["send", "arn:aws:sns:us-east-1:000000000000:x", "1"]),
    ("{no is not JSON: Expecting property name", "--text", ["send", "receipts", "{no"]),
    ("no.json: No such file", "", ["send", "receipts", "@no.json"]),
    ("--attribute a: it must be NAME=VALUE", "", ["send", "receipts", "1", "--attribute", "a"]),
    ("--attribute a:Float=1: it must be", "", ["send", "receipts", "1", "--attribute", "a:Float=1"]),
    (
        "There is no schedule or rule clean",
        "shop-dev has clean_up, nightly, on_order, remind.",
        ["fire", "clean"],
    ),
    ("on_order has no schedule", "lambent emit order.placed '{…}' --source shop", ["fire", "on_order"]),
    ("--at tomorrow: it must be a time in ISO 8601", "2026-", ["fire", "clean_up", "--at", "tomorrow"]),
    ("must be a JSON object", "", ["emit", "order.placed", "[1]"]),
    ("What is the object called?", "--key", ["put", "uploads", "-"]),
    ("my shöp is a folder", "aws s3 cp --recursive", ["put", "uploads", "../my shöp"]),
    ("none.jpg: No such file", "", ["put", "uploads", "none.jpg"]),
    ("There is no sample event s4-put", "s3-put", ["event", "s4-put"]),
    ("has no member buckets: it has bucket,", "", ["event", "s3-put", "-m", "buckets=b"]),
    ("the event has no such place", "", ["event", "sqs", "-m", "Records.7.body=b"]),
]


@pytest.mark.parametrize(("message", "hint", "arguments"), MISTAKES)
def test_mistakes(shop: Shop, message: str, hint: str, arguments: list[str]) -> None:
    refused(shop, message, hint, *arguments)


def test_an_app_that_cannot_tell_its_name(shop: Shop) -> None:
    settings = shop.folder / "lambent.toml"
    settings.write_text(SETTINGS.replace('name = "shop"\n', ""))
    try:
        refused(shop, "What the app is called cannot be told: app.py:1: ", "", "emit", "order.placed")
    finally:
        settings.write_text(SETTINGS)


def test_nobody_answers(shop: Shop) -> None:
    ended = CliRunner().invoke(
        program, ["send", "receipts", "1", "--endpoint-url", "http://127.0.0.1:9"], standalone_mode=False
    )
    assert isinstance(ended.exception, Failure)
    assert "No platform answers at http://127.0.0.1:9" in ended.exception.message


def test_sample_events(shop: Shop) -> None:
    names = [line.split()[0] for line in shop.run("event").stdout.splitlines() if line.strip()][2:]
    assert {"http", "sqs", "s3-put", "dynamodb-modify", "cognito-pre-sign-up"} <= set(names)
    event = json.loads(
        shop.run("event", "s3", "-m", "bucket=b", "-m", "keys=a b", "-m", "Records.0.awsRegion=x").stdout
    )
    (record,) = event["Records"]
    assert (record["s3"]["bucket"]["name"], record["s3"]["object"]["key"], record["awsRegion"]) == (
        "b",
        "a+b",
        "x",
    )
    (message,) = json.loads(shop.run("event", "sqs", "-m", 'message={"a": 1}', "--line").stdout)["Records"]
    assert json.loads(message["body"]) == {"a": 1}
    assert "ObjectCreated:Put" in shop.run("event", "s3-put", "--members").stdout
    # Through a pipe, to a function by its unit's name.
    printed = shop.run("event", "sns", "-m", "topic=alerts", "--line").stdout
    assert json.loads(shop.run("invoke", "echo", "-d", "-", stdin=printed).stdout) == json.loads(printed)
    refused(shop, "Function not found", "lambent functions", "invoke", "ech", "-d", "1")


def test_names_of_sample_events_are_the_code_s_in_a_session(shop: Shop) -> None:
    from lambent.deploy import dev_session

    started = time.time()
    session = dev_session.DevSession(
        url=shop.url, pid=1, app="shop", stack="shop-dev", stage="dev", region="us-east-1"
    )
    dev_session.write(shop.folder, session)
    try:
        named = json.loads(shop.run("event", "sqs", "-m", "queue=receipts").stdout)
        assert named["Records"][0]["eventSourceARN"].endswith(":shop-dev-receipts")
        only = json.loads(
            CliRunner().invoke(program, ["fire", "clean_up", "--wait"], standalone_mode=False).stdout
        )
        assert only["resources"][0].endswith("/shop-dev-clean_up")
    finally:
        (shop.folder / dev_session.PATH).unlink()
    assert time.time() - started < 20
