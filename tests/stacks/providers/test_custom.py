"""Custom resources against a running platform: functions and topics are asked, and answer by their URL."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING, Any

import pytest
from tests.stacks.providers.answering import Answering, send

from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.custom import NO_ECHO
from lambent.stacks.providers.work import StepCancelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stacks.providers.conftest import Resource, World

ROLE = "arn:aws:iam::000000000000:role/any"
RUNTIME = f"python3.{min(sys.version_info[1], 14)}"
REFUSED = "Received response status [FAILED] from custom resource. Message returned:"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"

# Does what `Answers` among the properties says, and keeps the requests that it gets in a queue.
SCRIPTED = """
    import json, urllib.request

    def handler(event, context):
        print("REQUEST", json.dumps(event))
        common = {name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")}
        for answer in event["ResourceProperties"].get("Answers", []):
            if isinstance(answer, dict):
                answer = json.dumps({"Status": "SUCCESS", "PhysicalResourceId": "it", **common, **answer})
            request = urllib.request.Request(event["ResponseURL"], answer.encode(), method="PUT")
            urllib.request.urlopen(request).close()
"""

PYTHON = """
    import cfnresponse

    def handler(event, context):
        data = {"Sum": int(event["ResourceProperties"]["A"]) + 1, "Kind": event["RequestType"]}
        cfnresponse.send(event, context, cfnresponse.SUCCESS, data, "counted", noEcho=True)
"""

NODE = """
    const response = require('cfn-response');
    exports.handler = (event, context) => {
        if (event.ResourceProperties.Fail) response.send(event, context, response.FAILED, {});
        else response.send(event, context, response.SUCCESS, { Kind: event.RequestType }, 'counted');
    };
"""


@pytest.fixture(scope="module")
def answering(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    answering = Answering(world, tmp_path_factory.mktemp("responses"))
    yield answering
    answering.close()


@pytest.fixture(scope="module")
def scripted(world: World, answering: Answering) -> str:
    """The ARN of the function that answers as it is told."""
    return function(world, SCRIPTED)


def function(world: World, source: str, runtime: str = RUNTIME) -> str:
    resource = world.resource("AWS::Lambda::Function", f"F{abs(hash(source)) % 10_000}")
    resource.create(
        Runtime=runtime, Handler="index.handler", Role=ROLE, Code={"ZipFile": textwrap.dedent(source)}
    )
    arn: str = resource.attributes["Arn"]
    return arn


def requests(world: World, function_arn: str, resource: Resource) -> list[dict[str, Any]]:
    """The requests for a resource that a function has printed so far."""
    group = f"/aws/lambda/{function_arn.rpartition(':')[2]}"
    events = world.ask("logs", "FilterLogEvents", logGroupName=group)["events"]
    texts = [event["message"] for event in events if event["message"].startswith("REQUEST ")]
    found = [json.loads(text.removeprefix("REQUEST ")) for text in texts]
    return [
        each
        for each in found
        if (each["ResourceType"], each["LogicalResourceId"]) == (resource.type, resource.logical_id)
    ]


def wait_for(condition: Any, seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.01)
    return found


def fails(resource: Resource, **properties: Any) -> str:
    """The whole reason of a creation's failure."""
    with pytest.raises(ResourceFailure) as failure:
        resource.create(**properties)
    assert failure.value.reason is not None
    return failure.value.reason


def test_the_life_of_a_custom_resource(world: World, scripted: str) -> None:
    custom = world.resource("Custom::Thing", "Mine")
    answers = [{"Data": {"Number": 1, "Flag": True, "Deep": {"List": [1]}}}]
    given: dict[str, Any] = {
        "ServiceToken": scripted,
        "Answers": answers,
        "Count": 3,
        "On": False,
        "Share": 0.5,
    }
    custom.create(**given)
    custom.again()
    custom.lost()
    assert custom.id == "it"
    assert custom.attributes == {"Number": "1", "Flag": "true", "Deep": {"List": ["1"]}}
    custom.update_twice(**given | {"Count": 4, "Answers": [{"PhysicalResourceId": "other"}]})
    assert custom.id == "other"
    custom.delete_twice()

    created, updated, deleted, again = wait_for(
        lambda: (found := requests(world, scripted, custom))[3:] and found
    )[:4]
    texts = {
        "ServiceToken": scripted,
        "Answers": [{"Data": {"Number": "1", "Flag": "true", "Deep": {"List": ["1"]}}}],
        "Count": "3",
        "On": "false",
        "Share": "0.5",
    }
    assert created == {
        "RequestType": "Create",
        "ServiceToken": scripted,
        "ResponseURL": created["ResponseURL"],
        "StackId": world.stack.id,
        "RequestId": created["RequestId"],
        "LogicalResourceId": "Mine",
        "ResourceType": "Custom::Thing",
        "ResourceProperties": texts,
    }
    assert updated["RequestType"] == "Update"
    assert (updated["PhysicalResourceId"], updated["OldResourceProperties"]) == ("it", texts)
    assert updated["ResourceProperties"]["Count"] == "4"
    assert (deleted["RequestType"], deleted["PhysicalResourceId"]) == ("Delete", "other")
    # The third deletion of `delete_twice` is another step.
    assert again["RequestId"] != deleted["RequestId"]
    assert len({each["RequestId"] for each in (created, updated, deleted)}) == 3


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([{"Status": "FAILED", "Reason": "no room"}], f"{REFUSED} no room (RequestId: {{id}})"),
        ([{"Status": "FAILED", "PhysicalResourceId": ""}], "Invalid PhysicalResourceId"),
        ([{"PhysicalResourceId": "x" * 1025}], "Invalid PhysicalResourceId"),
        ([{"Data": {"Much": "x" * 4096}}], "Response object is too long."),
        (["{"], "Response is not valid JSON"),
        (["[" * 4000], "Response is not valid JSON"),
        ([{"Reason": None}], "Value of property Reason must be of type String"),
        ([{"Status": "DONE"}], "Invalid response status [DONE]"),
        ([{"Data": "text"}], "Value of property Data must be an object"),
    ],
)  # fmt: skip
def test_answers_that_fail(world: World, scripted: str, answers: list[Any], reason: str) -> None:
    custom = world.resource("AWS::CloudFormation::CustomResource", f"Wrong{abs(hash(str(answers)))}")
    said = fails(custom, ServiceToken=scripted, Answers=answers)
    (request,) = requests(world, scripted, custom)
    assert said == reason.format(id=request["RequestId"])
    # The roll-back deletes what may be there.
    assert custom.work.physical_id == ("it" if "no room" in reason else custom.work.name(1024))


def test_what_is_answered_first_counts(world: World, answering: Answering, scripted: str) -> None:
    custom = world.resource("Custom::Twice")
    custom.create(
        ServiceToken=scripted,
        Answers=[{"PhysicalResourceId": "first"}, {"PhysicalResourceId": "second", "Status": "FAILED"}],
    )
    custom.again()
    assert custom.id == "first"


def test_no_answer_in_time(world: World, scripted: str) -> None:
    custom = world.resource("Custom::Silent")
    reason = fails(custom, ServiceToken=scripted, ServiceTimeout="1")
    (request,) = requests(world, scripted, custom)
    assert reason == (
        "CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId "
        f"[{request['RequestId']}]. If you are using the Python cfn-response module, you may need to update your "
        "Lambda function code so that CloudFormation can attach the updated version."
    )


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"ServiceTimeout": 3601}, "Invalid ServiceTimeout [3601]: it must be an integer between 1 and 3600."),
        ({"ServiceToken": QUEUE}, f"Invalid service token: {QUEUE}"),
    ],
)  # fmt: skip
def test_requests_that_cannot_be_sent(
    world: World, scripted: str, properties: dict[str, Any], reason: str
) -> None:
    custom = world.resource("Custom::Wrong")
    assert fails(custom, **{"ServiceToken": scripted, **properties}) == reason
    # Nothing was begun: nothing is deleted.
    assert custom.work.physical_id == ""


def test_the_service_token_cannot_be_changed(world: World, scripted: str) -> None:
    custom = world.resource("Custom::Fixed").create(ServiceToken=scripted, Answers=[{}])
    with pytest.raises(ResourceFailure, match=r"^Modifying service token is not allowed\.$"):
        custom.update(ServiceToken=f"{scripted}:live", Answers=[{}])


def test_it_waits_across_a_restart(world: World, answering: Answering, scripted: str) -> None:
    custom = world.resource("Custom::Patient")
    custom._next(again=False)
    properties = {"ServiceToken": scripted, "Answers": [], "ServiceTimeout": 30}

    async def cut() -> None:
        creating = asyncio.ensure_future(custom.provider.create(custom._work(properties, {})))
        while (
            not (url := answering.responses.find(f"custom/{custom.work.token}/Thing/Create"))
            or not url.asked_ms
        ):
            await asyncio.sleep(0.001)
        creating.cancel()
        await asyncio.wait([creating])

    world.run(cut())
    answering.close()
    answering.open()
    custom = _moved(custom, world)

    (request,) = wait_for(lambda: requests(world, scripted, custom))
    url = request["ResponseURL"]
    body = {"Status": "SUCCESS", "PhysicalResourceId": "late", "Data": {"A": "b"}}
    assert send(url, json.dumps(body).encode()) == 200
    custom.create(again=True, **properties)
    assert (custom.id, custom.attributes) == ("late", {"A": "b"})
    assert len(requests(world, scripted, custom)) == 1


def test_a_step_that_is_cancelled(world: World, answering: Answering, scripted: str) -> None:
    custom = world.resource("Custom::Cancelled")
    custom._next(again=False)
    work = custom._work({"ServiceToken": scripted, "Answers": []}, {})

    async def cancel() -> None:
        creating = asyncio.ensure_future(work.run(custom.provider.create(work)))
        while not (url := answering.responses.find(f"custom/{work.token}/Thing/Create")) or not url.asked_ms:
            await asyncio.sleep(0.001)
        work.cancel()
        await creating

    with pytest.raises(StepCancelled):
        world.run(cancel())
    # The function may have made something: the roll-back deletes it.
    assert work.physical_id == work.name(1024)


def _moved(resource: Resource, world: World) -> Resource:
    """The same step with the catalogue of the new start."""
    moved = world.resource(resource.type, resource.logical_id)
    moved._step = resource._step
    return moved


def test_a_topic_is_asked(world: World, answering: Answering) -> None:
    topic = world.ask("sns", "CreateTopic", Name="lambda-makers")["TopicArn"]
    queue = world.ask("sqs", "CreateQueue", QueueName="lambda-makers")["QueueUrl"]
    arn = "arn:aws:sqs:us-east-1:000000000000:lambda-makers"
    world.ask("sns", "Subscribe", TopicArn=topic, Protocol="sqs", Endpoint=arn)
    custom = world.resource("Custom::Told")
    custom._next(again=False)
    creating = asyncio.run_coroutine_threadsafe(
        custom.provider.create(custom._work({"ServiceToken": topic}, {})), world.loop
    )
    messages = world.ask("sqs", "ReceiveMessage", QueueUrl=queue, WaitTimeSeconds=10)["Messages"]
    told = json.loads(messages[0]["Body"])
    assert told["Subject"] == "AWS CloudFormation custom resource request"
    request = json.loads(told["Message"])
    assert (request["RequestType"], request["ResourceType"]) == ("Create", "Custom::Told")
    send(request["ResponseURL"], b'{"Status": "SUCCESS", "PhysicalResourceId": "made"}')
    assert creating.result(20).physical_id == "made"


def test_the_module_for_python(world: World, answering: Answering) -> None:
    custom = world.resource("Custom::Python").create(ServiceToken=function(world, PYTHON), A=41)
    assert (custom.id, custom.attributes) == ("counted", {"Sum": "42", "Kind": "Create", NO_ECHO: True})


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
def test_the_module_for_node(world: World, answering: Answering) -> None:
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    arn = function(world, NODE, f"nodejs{version[1:].partition('.')[0]}.x")
    custom = world.resource("Custom::Node").create(ServiceToken=arn)
    assert (custom.id, custom.attributes) == ("counted", {"Kind": "Create"})
    reason = fails(world.resource("Custom::Fails"), ServiceToken=arn, Fail="yes")
    assert "Message returned: See the details in CloudWatch Log Stream: 2" in reason
