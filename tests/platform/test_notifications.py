"""Buckets and topics that call functions, queues and buses: what they say, to whom they may, and after kill -9.

The platform has credentials, so resource policies decide as on AWS. Which members events have is recorded by LocalStack
(tests/aws/services/s3/test_s3_notifications_*.snapshot.json, and test_sns.snapshot.json for functions).
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.platform.conftest import ROLE, RUNTIME, Background, Platform, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

TRACE = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=0;Lineage=4:519d7593:0"
ACCOUNT = "arn:aws:{}:us-east-1:000000000000:{}"
TEMPLATE = f"""
Transform: AWS::Serverless-2016-10-31
Resources:
  Inbox:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: inbox
  Alerts:
    Type: AWS::SNS::Topic
    Properties:
      TopicName: alerts
  Sorter:
    Type: AWS::Serverless::Function
    Properties:
      FunctionName: sorter
      Runtime: {RUNTIME}
      Handler: index.handler
      Timeout: 60
      InlineCode: |
        import json, os, time
        def handler(event, context):
            print("GOT " + json.dumps(event | {{"trace": os.environ["_X_AMZN_TRACE_ID"]}}))
            if "hold" in event:
                time.sleep(60)
      Events:
        Put:
          Type: S3
          Properties:
            Bucket: !Ref Inbox
            Events: s3:ObjectCreated:*
            Filter: {{S3Key: {{Rules: [{{Name: prefix, Value: in/}}, {{Name: suffix, Value: .txt}}]}}}}
        Alert:
          Type: SNS
          Properties:
            Topic: !Ref Alerts
            FilterPolicy: {{level: [high]}}
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A platform with moto, on which a SAM template has made a function with both events."""
    directory = tmp_path_factory.mktemp("notifications")
    platform = Platform(directory, credentials="test:test", async_retry_seconds="0.2,0.4").start()
    stacks = platform.client("cloudformation")
    stacks.create_stack(
        StackName="mail", TemplateBody=TEMPLATE, Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]
    )
    wait_until(
        lambda: stacks.describe_stacks(StackName="mail")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE"
    )
    yield platform
    assert platform.stop() == 0
    assert "Traceback" not in platform.printed


def got(running: Platform, *texts: str) -> list[Any]:
    """The events that the function has got with these texts in them, each once."""

    logs = running.client("logs")

    def events() -> list[str]:
        page = logs.filter_log_events(logGroupName="/aws/lambda/sorter", filterPattern="GOT")
        return [event["message"].removeprefix("GOT ") for event in page["events"]]

    wait_until(lambda: all(any(text in event for event in events()) for text in texts))
    found = [[event for event in events() if text in event] for text in texts]
    assert not [event for event in events() if "this one" in event or "this+one" in event]
    assert [len(one) for one in found] == [1] * len(texts), found
    return [json.loads(event) for (event,) in found]


def queue(running: Platform, name: str, *principals: str) -> str:
    """The URL of a new queue to which these services may send."""
    statements = [
        {"Effect": "Allow", "Principal": {"Service": one}, "Action": "sqs:SendMessage", "Resource": "*"}
        for one in principals
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    url: str = running.client("sqs").create_queue(
        QueueName=name, Attributes={"Policy": policy} if principals else {}
    )["QueueUrl"]
    return url


def taken(running: Platform, url: str, count: int) -> list[Any]:
    """The next messages of a queue, decoded, in the order in which they were sent."""
    sqs, found = running.client("sqs"), list[Any]()

    def take() -> bool:
        answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in answer.get("Messages", []):
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            found.append(json.loads(message["Body"]))
        return len(found) >= count

    wait_until(take)
    assert len(found) == count, found
    return found


def shape(value: Any) -> Any:
    """The members of a document, without what they hold."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in sorted(value.items())}
    return [shape(one) for one in value] if isinstance(value, list) else ""


def record(**members: Any) -> dict[str, Any]:
    """The shape of an event with these members of its object."""
    document = {
        "eventVersion": "",
        "eventSource": "",
        "awsRegion": "",
        "eventTime": "",
        "eventName": "",
        "userIdentity": {"principalId": ""},
        "requestParameters": {"sourceIPAddress": ""},
        "responseElements": {"x-amz-request-id": "", "x-amz-id-2": ""},
        "s3": {
            "s3SchemaVersion": "",
            "configurationId": "",
            "bucket": {"name": "", "ownerIdentity": {"principalId": ""}, "arn": ""},
            "object": {"key": "", **members},
        },
    }
    return dict(shape(document))


def test_a_template_s_events_call_its_function_also_after_kill_9(running: Platform) -> None:
    s3, sns = running.client("s3"), running.client("sns")
    high = {
        "level": {"DataType": "String", "StringValue": "high"},
        "n": {"DataType": "Number", "StringValue": "7"},
    }
    s3.meta.events.register(
        "before-call.s3.PutObject", lambda params, **_: params["headers"].update({"X-Amzn-Trace-Id": TRACE})
    )
    s3.put_object(Bucket="inbox", Key="in/a ü.txt", Body=b"hello")
    s3.put_object(Bucket="inbox", Key="in/not this one.png", Body=b"")
    s3.put_object(Bucket="inbox", Key="out/nor this one.txt", Body=b"")
    (put,) = got(running, "ObjectCreated:Put")
    # What the platform knows of the invocations before: a function that calls itself through its bucket is stopped.
    assert "Lineage=5:" in put.pop("trace")
    assert shape(put) == {"Records": [record(size="", eTag="", sequencer="")]}
    told = put["Records"][0]
    assert (told["eventName"], told["eventVersion"], told["eventSource"]) == (
        "ObjectCreated:Put",
        "2.1",
        "aws:s3",
    )
    assert (told["s3"]["object"]["key"], told["s3"]["object"]["size"]) == ("in/a+%C3%BC.txt", 5)
    assert told["s3"]["bucket"]["arn"] == "arn:aws:s3:::inbox"

    topic = ACCOUNT.format("sns", "alerts")
    sns.publish(TopicArn=topic, Message="not this one")
    published = sns.publish(TopicArn=topic, Message="look!", Subject="fire", MessageAttributes=high)
    ((raised,),) = (event["Records"] for event in got(running, "look!"))
    assert raised["EventSubscriptionArn"].startswith(f"{topic}:")
    notification = raised.pop("Sns")
    assert shape(raised) == {"EventSource": "", "EventSubscriptionArn": "", "EventVersion": ""}
    assert {
        name: notification.pop(name) for name in ("MessageId", "Message", "Subject", "TopicArn", "Type")
    } == {
        "MessageId": published["MessageId"],
        "Message": "look!",
        "Subject": "fire",
        "TopicArn": topic,
        "Type": "Notification",
    }
    assert notification.pop("MessageAttributes") == {
        "level": {"Type": "String", "Value": "high"},
        "n": {"Type": "Number", "Value": "7"},
    }
    others = ("Signature", "SignatureVersion", "SigningCertUrl", "Timestamp", "UnsubscribeUrl")
    assert tuple(sorted(notification)) == others

    # What was acknowledged reaches the function, whatever becomes of the platform.
    running.client().put_function_concurrency(FunctionName="sorter", ReservedConcurrentExecutions=1)
    holding = functools.partial(
        running.client().invoke, FunctionName="sorter", Payload=b'{"hold": "the only one"}'
    )
    held = Background(holding)
    got(running, "the only one")
    s3.put_object(Bucket="inbox", Key="in/later.txt", Body=b"")
    sns.publish(TopicArn=topic, Message="later", MessageAttributes=high)
    running.kill()
    with pytest.raises(BotoCoreError):
        held.result()
    running.start()
    got(running, "in/later.txt", '"Message": "later"')
    # And moto, which has forgotten everything, is told again whom it has to notify.
    running.client("s3").put_object(Bucket="inbox", Key="in/again.txt", Body=b"")
    got(running, "in/again.txt")


ASIDE = {"eTag": ""}
FULL = {"size": "", "eTag": "", "sequencer": ""}
# What is done, the event for queues, the members of its object, the type for buses, the members of its object there.
STEPS: list[tuple[str, dict[str, Any], str, dict[str, Any], str, set[str]]] = [
    ("put_object", {"Body": b"x"}, "ObjectCreated:Put", FULL, "Object Created", {"size", "etag", "sequencer"}),
    ("copy_object", {"CopySource": "told/k", "MetadataDirective": "REPLACE"}, "ObjectCreated:Copy", FULL,
     "Object Created", {"size", "etag", "sequencer"}),
    ("put_object_tagging", {"Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}, "ObjectTagging:Put", ASIDE,
     "Object Tags Added", {"etag"}),
    ("delete_object_tagging", {}, "ObjectTagging:Delete", ASIDE, "Object Tags Deleted", {"etag"}),
    ("put_object_acl", {"ACL": "public-read"}, "ObjectAcl:Put", ASIDE, "Object ACL Updated", {"etag"}),
    ("delete_object", {}, "ObjectRemoved:Delete", {"sequencer": ""}, "Object Deleted", {"sequencer"}),
]  # fmt: skip


def test_what_buckets_tell_queues_and_buses(running: Platform) -> None:
    s3, events = running.client("s3"), running.client("events")
    url = queue(running, "told", "s3.amazonaws.com")
    bus_url = queue(running, "bus", "events.amazonaws.com")
    # Through two buses, as in LocalStack's `test_put_events_to_default_eventbus_for_custom_eventbus`.
    custom = events.create_event_bus(Name="custom")["EventBusArn"]
    pattern = json.dumps({"source": ["aws.s3"]})
    events.put_rule(Name="on", EventPattern=pattern)
    events.put_targets(Rule="on", Targets=[{"Id": "1", "Arn": custom, "RoleArn": ROLE}])
    events.put_rule(Name="told", EventBusName="custom", EventPattern=pattern)
    events.put_targets(
        Rule="told", EventBusName="custom", Targets=[{"Id": "1", "Arn": ACCOUNT.format("sqs", "bus")}]
    )
    kinds = ("ObjectCreated", "ObjectRemoved", "ObjectTagging")
    s3.create_bucket(Bucket="told")
    s3.put_bucket_notification_configuration(
        Bucket="told",
        NotificationConfiguration={
            "EventBridgeConfiguration": {},
            "QueueConfigurations": [
                {
                    "QueueArn": ACCOUNT.format("sqs", "told"),
                    "Events": [*(f"s3:{kind}:*" for kind in kinds), "s3:ObjectAcl:Put"],
                    "Filter": {"Key": {"FilterRules": [{"Name": "Prefix", "Value": "k"}]}},
                }
            ],
        },
    )
    (test,) = taken(running, url, 1)
    assert shape(test) == shape(
        dict.fromkeys(("Service", "Event", "Time", "Bucket", "RequestId", "HostId"), "")
    )
    assert test["Event"] == "s3:TestEvent"
    for operation, members, name, told, kind, detailed in STEPS:
        getattr(s3, operation)(Bucket="told", Key="k", **members)
        (document,) = taken(running, url, 1)
        (one,) = document["Records"]
        assert one["eventName"] == name
        assert shape(one) == record(**told), name
        assert one["eventVersion"] == ("2.3" if told is ASIDE else "2.1")
        (event,) = taken(running, bus_url, 1)
        assert (event["detail-type"], event["resources"]) == (kind, ["arn:aws:s3:::told"])
        assert set(event["detail"]["object"]) == {"key", *detailed}, name

    s3.put_bucket_versioning(Bucket="told", VersioningConfiguration={"Status": "Enabled"})
    version = s3.put_object(Bucket="told", Key="k", Body=b"1")["VersionId"]
    marker = s3.delete_object(Bucket="told", Key="k")["VersionId"]
    s3.delete_object(Bucket="told", Key="k", VersionId=version)
    told_versions = [one["Records"][0] for one in taken(running, url, 3)]
    assert [(one["eventName"], one["s3"]["object"]["versionId"]) for one in told_versions] == [
        ("ObjectCreated:Put", version),
        ("ObjectRemoved:DeleteMarkerCreated", marker),
        ("ObjectRemoved:Delete", version),
    ]
    order = [one["s3"]["object"]["sequencer"] for one in told_versions]
    assert order == sorted(order)
    deleted = [event["detail"].get("deletion-type") for event in taken(running, bus_url, 3)]
    assert deleted == [None, "Delete Marker Created", "Permanently Deleted"]

    # In parts it is one event, and a bucket's topic gets it in an envelope of its own.
    topic = running.client("sns").create_topic(Name="parts")["TopicArn"]
    parts_url = queue(running, "parts", "sns.amazonaws.com")
    running.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=ACCOUNT.format("sqs", "parts"))
    s3.put_bucket_notification_configuration(
        Bucket="told",
        NotificationConfiguration={
            "TopicConfigurations": [{"TopicArn": topic, "Events": ["s3:ObjectCreated:*"]}]
        },
    )
    upload = s3.create_multipart_upload(Bucket="told", Key="parts", Tagging="a=b")["UploadId"]
    part = s3.upload_part(Bucket="told", Key="parts", UploadId=upload, PartNumber=1, Body=b"x")
    s3.complete_multipart_upload(
        Bucket="told",
        Key="parts",
        UploadId=upload,
        MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]},
    )
    test, whole = taken(running, parts_url, 2)
    assert [test["Subject"], whole["Subject"]] == ["Amazon S3 Notification"] * 2
    assert json.loads(test["Message"])["Event"] == "s3:TestEvent"
    assert json.loads(whole["Message"])["Records"][0]["eventName"] == "ObjectCreated:CompleteMultipartUpload"


def test_who_does_not_let_them_in_is_not_notified(running: Platform) -> None:
    s3, sns = running.client("s3"), running.client("sns")
    made = running.create("def handler(event, context): ...", client=running.client())
    function = ACCOUNT.format("lambda", f"function:{made}")
    closed = ACCOUNT.format("sqs", "closed")
    queue(running, "closed")
    s3.create_bucket(Bucket="refused")

    def refused(**configuration: Any) -> dict[str, Any]:
        with pytest.raises(ClientError) as caught:
            s3.put_bucket_notification_configuration(
                Bucket="refused",
                NotificationConfiguration={
                    name: [{"Events": ["s3:ObjectCreated:*"], **one} for one in found]
                    for name, found in configuration.items()
                },
            )
        found: dict[str, Any] = caught.value.response["Error"]
        assert found.pop("Code") == "InvalidArgument"
        return found

    missing = ACCOUNT.format("sqs", "missing")

    def keys(**rules: str) -> dict[str, Any]:
        return {"Key": {"FilterRules": [{"Name": name, "Value": value} for name, value in rules.items()]}}

    # Each is told of other objects: by prefix, by suffix.
    apart = [keys(Prefix="in/", suffix=".jpg"), keys(prefix="in/", suffix=".png"), keys(prefix="out/")]
    assert refused(
        QueueConfigurations=[
            {"QueueArn": missing, "Filter": apart[0]},
            {"QueueArn": closed, "Filter": apart[1]},
        ],
        LambdaFunctionConfigurations=[{"LambdaFunctionArn": function, "Filter": apart[2]}],
    ) == {
        "Message": "Unable to validate the following destination configurations",
        "ArgumentName1": missing,
        "ArgumentValue1": "The destination queue does not exist",
        "ArgumentName2": closed,
        "ArgumentValue2": "Permissions on the destination queue do not allow S3 to publish notifications from this"
        " bucket",
        "ArgumentName3": f"{function}, null",
        "ArgumentValue3": f"Not authorized to invoke function [{function}]",
    }
    assert refused(LambdaFunctionConfigurations=[{"LambdaFunctionArn": "resize"}]) == {
        "Message": "The ARN could not be parsed",
        "ArgumentName": "CloudFunction",
        "ArgumentValue": "resize",
    }
    put = {"QueueArn": closed, "Events": ["s3:ObjectCreated:Put"]}
    assert refused(QueueConfigurations=[put, {"QueueArn": missing}]) == {
        "Message": "Configurations overlap. Configurations on the same bucket cannot share a common event type.",
        "ArgumentName": "Event",
        "ArgumentValue": "s3:ObjectCreated:Put, s3:ObjectCreated:*",
    }
    for one, other in ((keys(prefix="in/"), keys(prefix="in/a")), (keys(suffix="pg"), keys(suffix="jpg"))):
        ambiguous = [{**put, "Filter": one}, {"QueueArn": missing, "Filter": other}]
        assert refused(QueueConfigurations=ambiguous)["Message"].startswith(
            "Configuration is ambiguously defined."
        )
    assert refused(QueueConfigurations=[{**put, "Filter": keys(infix="a")}]) == {
        "Message": "filter rule name must be either prefix or suffix",
        "ArgumentName": "FilterRule.Name",
        "ArgumentValue": "infix",
    }
    assert "LambdaFunctionConfigurations" not in s3.get_bucket_notification_configuration(Bucket="refused")
    s3.put_bucket_notification_configuration(
        Bucket="refused",
        NotificationConfiguration={
            "LambdaFunctionConfigurations": [
                {"LambdaFunctionArn": function, "Events": ["s3:ObjectCreated:*"]}
            ]
        },
        SkipDestinationValidation=True,
    )
    s3.put_object(
        Bucket="refused", Key="k", Body=b"x"
    )  # taken, and lost with a line in the platform's output
    wait_until(lambda: "does not let s3.amazonaws.com invoke it: allow it" in running.printed)

    topic = sns.create_topic(Name="redriven")["TopicArn"]
    letters = queue(running, "letters", "sns.amazonaws.com")
    sns.subscribe(
        TopicArn=topic,
        Protocol="lambda",
        Endpoint=function,
        Attributes={"RedrivePolicy": json.dumps({"deadLetterTargetArn": ACCOUNT.format("sqs", "letters")})},
    )
    sns.publish(TopicArn=topic, Message="nobody takes this")
    (message,) = running.client("sqs").receive_message(
        QueueUrl=letters, WaitTimeSeconds=10, MessageAttributeNames=["All"]
    )["Messages"]
    assert "MessageAttributes" not in message
    letter = json.loads(message["Body"])
    assert (letter["Type"], letter["Message"], letter["TopicArn"]) == (
        "Notification",
        "nobody takes this",
        topic,
    )


def test_a_fifo_topic_sends_equal_messages_to_its_queue_once(running: Platform) -> None:
    sns, sqs = running.client("sns"), running.client("sqs")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:*",
        "Resource": "*",
    }
    url = sqs.create_queue(
        QueueName="ordered.fifo",
        Attributes={
            "FifoQueue": "true",
            "Policy": json.dumps({"Version": "2012-10-17", "Statement": statement}),
        },
    )["QueueUrl"]
    topic = sns.create_topic(
        Name="ordered.fifo", Attributes={"FifoTopic": "true", "ContentBasedDeduplication": "true"}
    )["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=ACCOUNT.format("sqs", "ordered.fifo"))
    for text in ("one", "one", "two"):
        sns.publish(TopicArn=topic, Message=text, MessageGroupId="g")
    assert [one["Message"] for one in taken(running, url, 2)] == ["one", "two"]
