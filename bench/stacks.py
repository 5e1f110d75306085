"""Figures of stacks: a template of five hundred resources, deployed, deployed again, and with one function's new code.

Measured as `aws cloudformation deploy` does it, over HTTP with boto3: a change set, looked at until it is there, and
its execution, until the stack says so. Beside others that serve CloudFormation.
"""

from __future__ import annotations

import contextlib
import json
import statistics
import time
from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from bench.events_queues import PEERS
from bench.figure import Figure
from bench.targets import KEY, RUNTIME, Platform, archive

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BUCKET: Final = "bench-code"
CAPABILITIES: Final = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]

_LOOK_S: Final = 0.01
_LONG_S: Final = 300.0

_ASSUMED: Final = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}


class Refused(Exception):
    """Whoever is measured does not do that; str() says what it has said."""


class Stacks:
    """Whoever serves CloudFormation at a port."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.cloudformation = self._client("cloudformation")
        self.s3 = self._client("s3")
        self._number = 0

    def upload(self, key: str, source: str) -> float:
        """A package, put into the bucket; the seconds that took."""
        begin = time.perf_counter()
        with contextlib.suppress(self.s3.exceptions.BucketAlreadyOwnedByYou):
            self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=archive(source))
        return time.perf_counter() - begin

    def change_set(self, stack: str, template: str, kind: str, **parameters: str) -> tuple[float, str, str]:
        """Seconds until it is made; its id; and its status."""
        self._number += 1
        begin = time.perf_counter()
        made = self.cloudformation.create_change_set(
            StackName=stack,
            ChangeSetName=f"bench-{self._number}",
            ChangeSetType=kind,
            TemplateURL=f"https://s3.amazonaws.com/{BUCKET}/{template}",
            Capabilities=CAPABILITIES,
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
            ],
        )["Id"]
        while True:
            found = self.cloudformation.describe_change_set(ChangeSetName=made, StackName=stack)
            if found["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                return time.perf_counter() - begin, made, found["Status"]
            self._wait(begin)

    def execute(self, stack: str, change_set: str) -> float:
        """Seconds until the stack is what it is to be. Raises Refused when it is not."""
        begin = time.perf_counter()
        self.cloudformation.execute_change_set(ChangeSetName=change_set, StackName=stack)
        return self._settled(stack, begin)

    def update(self, stack: str, template: str, **parameters: str) -> float:
        """The same by UpdateStack."""
        begin = time.perf_counter()
        self.cloudformation.update_stack(
            StackName=stack,
            TemplateURL=f"https://s3.amazonaws.com/{BUCKET}/{template}",
            Capabilities=CAPABILITIES,
            Parameters=[
                {"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()
            ],
        )
        return self._settled(stack, begin)

    def delete(self, stack: str) -> float:
        """Seconds until it is gone."""
        stack_id = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        begin = time.perf_counter()
        self.cloudformation.delete_stack(StackName=stack)
        with contextlib.suppress(ClientError):
            self._settled(stack_id, begin)
        return time.perf_counter() - begin

    def _settled(self, stack: str, begin: float) -> float:
        while True:
            found = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            status = found["StackStatus"]
            if not status.endswith("_IN_PROGRESS"):
                break
            self._wait(begin)
        seconds = time.perf_counter() - begin
        if "ROLLBACK" in status or "FAILED" in status:
            raise Refused(f"{status}: {found.get('StackStatusReason', '')}")
        return seconds

    @staticmethod
    def _wait(begin: float) -> None:
        if time.perf_counter() - begin > _LONG_S:
            raise Refused(f"not done after {_LONG_S:.0f} s")
        time.sleep(_LOOK_S)

    def _client(self, service: str) -> Any:
        return boto3.client(
            service,
            endpoint_url=f"http://127.0.0.1:{self._port}",
            region_name="us-east-1",
            aws_access_key_id=KEY[0],
            aws_secret_access_key=KEY[1],
            config=Config(
                read_timeout=_LONG_S, retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}
            ),
        )


def template(count: int) -> str:
    """A template of about `count` resources: functions with their roles, queues and topics and what joins them."""
    resources: dict[str, Any] = {}
    for at in range(count // 10):
        resources |= _service(at)
    return json.dumps(
        {
            "Parameters": {"CodeKey": {"Type": "String"}, "OneKey": {"Type": "String"}},
            "Resources": resources,
            "Outputs": {"First": {"Value": {"Fn::GetAtt": ["Function0", "Arn"]}}},
        }
    )


def serverless_template(count: int) -> str:
    """A SAM template of `count` functions, each with an event of its own."""
    resources = {
        f"Function{at}": {
            "Type": "AWS::Serverless::Function",
            "Properties": {
                "Runtime": RUNTIME,
                "Handler": "app.handler",
                "CodeUri": {"Bucket": BUCKET, "Key": {"Ref": "CodeKey"}},
                "Events": {"Often": {"Type": "Schedule", "Properties": {"Schedule": "rate(1 day)"}}},
            },
        }
        for at in range(count)
    }
    return json.dumps(
        {
            "Transform": "AWS::Serverless-2016-10-31",
            "Parameters": {"CodeKey": {"Type": "String"}},
            "Resources": resources,
        }
    )


def _service(at: int) -> dict[str, Any]:
    """Ten resources."""
    function = {"Fn::GetAtt": [f"Function{at}", "Arn"]}
    return {
        f"Role{at}": {
            "Type": "AWS::IAM::Role",
            "Properties": {
                "AssumeRolePolicyDocument": _ASSUMED,
                "Policies": [
                    {
                        "PolicyName": "queue",
                        "PolicyDocument": {
                            "Version": "2012-10-17",
                            "Statement": [
                                {
                                    "Effect": "Allow",
                                    "Action": "sqs:*",
                                    "Resource": {"Fn::GetAtt": [f"Queue{at}", "Arn"]},
                                }
                            ],
                        },
                    }
                ],
            },
        },
        f"Function{at}": {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": RUNTIME,
                "Handler": "app.handler",
                "Role": {"Fn::GetAtt": [f"Role{at}", "Arn"]},
                "Code": {"S3Bucket": BUCKET, "S3Key": {"Ref": "CodeKey" if at else "OneKey"}},
                "Environment": {
                    "Variables": {"QUEUE": {"Ref": f"Queue{at}"}, "TOPIC": {"Ref": f"Topic{at}"}}
                },
            },
        },
        f"Log{at}": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {
                "LogGroupName": {"Fn::Sub": f"/aws/lambda/${{Function{at}}}"},
                "RetentionInDays": 7,
            },
        },
        f"Dead{at}": {"Type": "AWS::SQS::Queue"},
        f"Queue{at}": {
            "Type": "AWS::SQS::Queue",
            "Properties": {
                "RedrivePolicy": {
                    "deadLetterTargetArn": {"Fn::GetAtt": [f"Dead{at}", "Arn"]},
                    "maxReceiveCount": 3,
                }
            },
        },
        f"Topic{at}": {"Type": "AWS::SNS::Topic"},
        f"Subscription{at}": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "Protocol": "sqs",
                "TopicArn": {"Ref": f"Topic{at}"},
                "Endpoint": {"Fn::GetAtt": [f"Queue{at}", "Arn"]},
            },
        },
        f"Rule{at}": {
            "Type": "AWS::Events::Rule",
            "Properties": {
                "ScheduleExpression": "rate(1 day)",
                "Targets": [{"Id": "function", "Arn": function}],
            },
        },
        f"Permission{at}": {
            "Type": "AWS::Lambda::Permission",
            "Properties": {
                "Action": "lambda:InvokeFunction",
                "FunctionName": {"Ref": f"Function{at}"},
                "Principal": "events.amazonaws.com",
                "SourceArn": {"Fn::GetAtt": [f"Rule{at}", "Arn"]},
            },
        },
        f"Parameter{at}": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": f"/bench/{at}", "Type": "String", "Value": function},
        },
    }


STEPS: Final = {
    "change set": ("change set", 2.0),
    "execute": ("the same, executed", 10.0),
    "unchanged": ("deployed again, nothing changed", 0.3),
    "code": ("one function's new code, beyond the upload", 0.5),
    "delete": ("deleted", None),
}


def steps(port: int, text: str, rounds: int) -> dict[str, float]:
    """Seconds of each step with a template that has the parameters of `template`, of as many steps as are done."""
    stacks = Stacks(port)
    found: dict[str, float] = {}
    with contextlib.suppress(Refused, ClientError, BotoCoreError):
        stacks.upload("one", "def handler(event, context):\n    return 1\n")
        stacks.s3.put_object(Bucket=BUCKET, Key="template.json", Body=text.encode())
        parameters = {"CodeKey": "one", "OneKey": "one"}
        seconds, made, _ = stacks.change_set("many", "template.json", "CREATE", **parameters)
        found["change set"] = seconds
        found["execute"] = stacks.execute("many", made)
        found["unchanged"] = statistics.median(
            _unchanged(stacks, "many", "template.json", parameters) for _ in range(rounds)
        )
        codes = []
        for at in range(rounds):
            stacks.upload(f"code-{at}", f"def handler(event, context):\n    return {at + 2}\n")
            parameters["OneKey"] = f"code-{at}"
            seconds, made, _ = stacks.change_set("many", "template.json", "UPDATE", **parameters)
            codes.append(seconds + stacks.execute("many", made))
        found["code"] = statistics.median(codes)
        found["delete"] = stacks.delete("many")
    return found


def serverless(port: int, count: int, rounds: int) -> dict[str, float]:
    """The same of a SAM template, as far as it is a figure of its own."""
    stacks = Stacks(port)
    found: dict[str, float] = {}
    with contextlib.suppress(Refused, ClientError, BotoCoreError):
        stacks.upload("one", "def handler(event, context):\n    return 1\n")
        stacks.s3.put_object(Bucket=BUCKET, Key="sam.json", Body=serverless_template(count).encode())
        seconds, made, _ = stacks.change_set("sam", "sam.json", "CREATE", CodeKey="one")
        found["change set"] = seconds
        found["execute"] = stacks.execute("sam", made)
        found["unchanged"] = statistics.median(
            _unchanged(stacks, "sam", "sam.json", {"CodeKey": "one"}) for _ in range(rounds)
        )
    return found


def _unchanged(stacks: Stacks, stack: str, template_key: str, parameters: dict[str, str]) -> float:
    seconds, made, status = stacks.change_set(stack, template_key, "UPDATE", **parameters)
    if status != "FAILED":
        # It has found changes where there are none, and executes them.
        seconds += stacks.execute(stack, made)
    return seconds


def measure(data: Path, quick: bool) -> Iterator[Figure]:
    """All of them, in milliseconds or seconds as they are asked for."""
    count, rounds = (50, 1) if quick else (500, 5)
    functions = 10 if quick else 100
    text = template(count)
    for part in ("ours", *PEERS):
        (data / part).mkdir()
    with Platform(data / "ours") as ours:
        first, second = steps(ours.port, text, rounds), serverless(ours.port, functions, rounds)
    others: dict[str, dict[str, float]] = {}
    for name, start in PEERS.items():
        with start(data / name) as port:
            if port is not None:
                others[name] = steps(port, text, 1)
    for step, (name, most) in STEPS.items():
        if step not in first:
            raise SystemExit(f"stacks: {name}: failed")
        value = first[step]
        yield Figure(
            f"{count} resources: {name}",
            "ms",
            value * 1000,
            None,
            "" if most is None else f"<= {most * 1000:,.0f}" + (" for 500" if most > 1 else ""),
            None if most is None else value <= most,
            {who: found[step] * 1000 for who, found in others.items() if step in found},
        )
    for step in ("change set", "execute", "unchanged"):
        if step in second:
            yield Figure(f"SAM, {functions} functions: {STEPS[step][0]}", "ms", second[step] * 1000)
