"""kill -9 in the middle of operations on stacks: each ends by itself, nothing is there twice, nothing is left."""

from __future__ import annotations

import contextlib
import functools
import json
import random
import re
import socket
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

SCOPE = "test/20260101/us-east-1/cloudformation/aws4_request"
AUTHORIZATION = f"AWS4-HMAC-SHA256 Credential={SCOPE}, SignedHeaders=host, Signature=00"
ROLE = "arn:aws:iam::000000000000:role/any"


def template(number: int, runtime: str, *, fails: bool = False) -> str:
    """Of each number another one: some resources are changed in place, some replaced, some come, some go."""

    def att(name: str, attribute: str) -> dict[str, Any]:
        return {"Fn::GetAtt": [name, attribute]}

    resources: dict[str, tuple[str, dict[str, Any]]] = {
        "F": (
            "Lambda::Function",
            {
                "Runtime": runtime,
                "Handler": "index.handler",
                "Role": ROLE,
                "MemorySize": 128 + number,
                "Code": {"ZipFile": f"def handler(event, context):\n    return {number}"},
            },
        ),
        f"V{number}": ("Lambda::Version", {"FunctionName": {"Ref": "F"}}),
        "A": (
            "Lambda::Alias",
            {"FunctionName": {"Ref": "F"}, "FunctionVersion": att(f"V{number}", "Version"), "Name": "live"},
        ),
        "P": (
            "Lambda::Permission",
            {
                "FunctionName": {"Ref": "A"},
                "Action": "lambda:InvokeFunction",
                "Principal": ("events", "s3", "sns")[number % 3] + ".amazonaws.com",
            },
        ),
        "M": (
            "Lambda::EventSourceMapping",
            {"EventSourceArn": att("Q", "Arn"), "FunctionName": {"Ref": "A"}, "BatchSize": number},
        ),
        "Dead": ("SQS::Queue", {}),
        "Q": (
            "SQS::Queue",
            {"RedrivePolicy": {"deadLetterTargetArn": att("Dead", "Arn"), "maxReceiveCount": number}},
        ),
        "N": ("SQS::Queue", {"QueueName": f"named-{number}"}),
        f"L{number}": ("Logs::LogGroup", {"RetentionInDays": 7}),
        "R": ("Events::Rule", {"ScheduleExpression": f"rate({number + 1} hours)"}),
        "S": (
            "Scheduler::Schedule",
            {
                "ScheduleExpression": f"rate({number + 1} hours)",
                "FlexibleTimeWindow": {"Mode": "OFF"},
                "Target": {"Arn": att("Q", "Arn"), "RoleArn": ROLE},
            },
        ),
        "Api": ("ApiGatewayV2::Api", {"Name": f"api{number}", "ProtocolType": "HTTP"}),
        "Route": ("ApiGatewayV2::Route", {"ApiId": {"Ref": "Api"}, "RouteKey": f"GET /{number}"}),
    }
    if fails:
        resources["Bad"] = (
            "SQS::Queue",
            {"QueueName": "no name", "Tags": [{"Key": "a", "Value": {"Ref": "M"}}]},
        )
    return json.dumps(
        {
            "Resources": {
                name: {"Type": f"AWS::{kind}", "Properties": properties}
                for name, (kind, properties) in resources.items()
            }
        }
    )


def found(client: Callable[[str], Any]) -> dict[str, list[Any]]:
    """What there is in all services, without what is random in names."""
    functions, queues, apis = client("lambda"), client("sqs"), client("apigatewayv2")
    there = functions.list_functions()["Functions"]
    names = [function["FunctionName"] for function in there]
    everything = {
        "functions": [(function["FunctionName"], function["MemorySize"]) for function in there],
        "versions": [
            version["MemorySize"]
            for name in names
            for version in functions.list_versions_by_function(FunctionName=name)["Versions"]
        ],
        "aliases": [
            len(functions.list_aliases(FunctionName=name, FunctionVersion=version)["Aliases"])
            for name in names
            for version in ("1", "2", "3", "4")
        ],
        "permissions": [
            statement["Principal"]
            for name in names
            for statement in json.loads(functions.get_policy(FunctionName=name, Qualifier="live")["Policy"])[
                "Statement"
            ]
        ],
        "mappings": [
            one["BatchSize"] for one in functions.list_event_source_mappings()["EventSourceMappings"]
        ],
        "queues": [url.rpartition("/")[2] for url in queues.list_queues().get("QueueUrls", ())],
        # Not those that functions have written to: they outlive their stacks, as on AWS.
        "groups": [
            group["logGroupName"]
            for group in client("logs").describe_log_groups()["logGroups"]
            if not group["logGroupName"].startswith("/aws/lambda/")
        ],
        "rules": [rule["ScheduleExpression"] for rule in client("events").list_rules()["Rules"]],
        "schedules": [one["Name"] for one in client("scheduler").list_schedules()["Schedules"]],
        "apis": [
            (api["Name"], [route["RouteKey"] for route in apis.get_routes(ApiId=api["ApiId"])["Items"]])
            for api in apis.get_apis()["Items"]
        ],
    }
    plain = json.loads(re.sub(r"-[A-Za-z0-9]{12}\b", "", json.dumps(everything)))
    return {kind: sorted(things, key=str) for kind, things in plain.items()}


class Life:
    """A stack on a platform that is killed in the middle of every operation, or never."""

    def __init__(
        self,
        platform: Platform,
        client: Callable[[str], Any],
        chance: random.Random | None,
        poll: Callable[..., Any],
    ) -> None:
        self._platform = platform
        self._client = client
        self._chance = chance
        self._poll = poll
        self.stack_id = ""

    def live(self) -> list[tuple[str, dict[str, list[Any]]]]:
        """All operations: the status after each of them and what there was."""
        runtime = self._platform.runtime
        ends = [
            self._do("create_stack", TemplateBody=template(1, runtime)),
            self._do("update_stack", TemplateBody=template(2, runtime)),
            self._do("update_stack", TemplateBody=template(3, runtime, fails=True)),
        ]
        client = self._client("cloudformation")
        client.create_change_set(
            StackName=self.stack_id, ChangeSetName="again", TemplateBody=template(1, runtime)
        )
        ends.append(self._do("execute_change_set", ChangeSetName="again"))
        ends.append(self._do("delete_stack"))
        return ends

    def _killed(self, operation: str, members: dict[str, Any], known: list[str]) -> None:
        """Begin it, kill the platform when there are some events of it or it has ended, and start it again."""
        assert self._chance is not None
        after = self._chance.randint(1, 24)
        client = self._client("cloudformation")

        def begin() -> None:
            # Whether it is acknowledged does not matter: the platform dies.
            with contextlib.suppress(BotoCoreError, ClientError):
                getattr(client, operation)(**members)

        thread = threading.Thread(target=begin)
        thread.start()
        self._poll(
            lambda: not thread.is_alive() or newer(self._platform, members["StackName"], known) >= after
        )
        self._platform.kill()
        thread.join()
        self._platform.start()

    def _do(self, operation: str, **members: Any) -> tuple[str, dict[str, list[Any]]]:
        name = "life"
        members |= {"StackName": name if operation == "create_stack" else self.stack_id}
        client = self._client("cloudformation")
        known = events(self._platform, members["StackName"])
        if self._chance is not None:
            self._killed(operation, members, known)
        if not newer(self._platform, members["StackName"], known):
            getattr(client, operation)(**members)
        if operation == "create_stack":
            self.stack_id = client.describe_stacks(StackName=name)["Stacks"][0]["StackId"]

        def status() -> str:
            now: str = client.describe_stacks(StackName=self.stack_id)["Stacks"][0]["StackStatus"]
            return "" if now.endswith("IN_PROGRESS") else now

        return self._poll(status), found(self._client)


def events(platform: Platform, name: str) -> list[str]:
    """The ids of a stack's latest events, newest first; none while there is no stack.

    Not by boto3: it is asked all the time while something is done.
    """
    answer = platform.request(
        "POST",
        "/",
        urlencode({"Action": "DescribeStackEvents", "Version": "2010-05-15", "StackName": name}).encode(),
        {"Content-Type": "application/x-www-form-urlencoded", "Authorization": AUTHORIZATION},
    )
    return re.findall(r"<EventId>(.*?)</EventId>", answer.body.decode())


def newer(platform: Platform, name: str, known: list[str]) -> int:
    """How many events there are since."""
    found = events(platform, name)
    return found.index(known[0]) if known and known[0] in found else len(found)


def test_operations_on_stacks_end_after_kill_9_as_they_would_have_ended(
    own: Callable[..., Platform], poll: Callable[..., Any]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    platform = own(port=port)
    client = functools.cache(platform.client)
    expected = Life(platform, client, None, poll).live()
    assert [status for status, _ in expected] == [
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE",
        "UPDATE_COMPLETE",
        "DELETE_COMPLETE",
    ]
    assert not any(expected[4][1].values())
    assert expected[1][1] == expected[2][1]
    seed = random.randrange(1 << 30)  # noqa: S311 - the moments are what is varied
    assert Life(platform, client, random.Random(seed), poll).live() == expected, seed  # noqa: S311
    assert "Traceback" not in platform.printed
