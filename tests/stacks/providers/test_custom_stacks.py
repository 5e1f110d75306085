"""Custom resources and shifted traffic in stacks, on a platform in a process of its own, which may be killed."""

from __future__ import annotations

import json
import socket
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from tests.platform.conftest import ROLE, RUNTIME, Platform, wait_until
from tests.stacks.providers.answering import send

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSED = "Received response status [FAILED] from custom resource. Message returned:"

# Prints its requests, and answers those that `Answers` knows by their type.
SCRIPTED = textwrap.dedent("""
    import json, urllib.request

    def handler(event, context):
        print("REQUEST", json.dumps(event))
        answer = event["ResourceProperties"].get("Answers", {}).get(event["RequestType"], {})
        if answer == "none":
            return
        body = {"Status": "SUCCESS", "PhysicalResourceId": "first", "Data": {"Word": "said"}, **answer}
        request = urllib.request.Request(event["ResponseURL"], json.dumps(body).encode(), method="PUT")
        urllib.request.urlopen(request).close()
""")


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # The same port after a restart: functions have been given URLs with it.
    platform = Platform(
        tmp_path_factory.mktemp("platform"), port=port, durability="full", traffic_shifting_minute_s=0.02
    ).start()
    yield platform
    platform.stop()


def template(answers: dict[str, Any], **more: Any) -> str:
    return json.dumps(
        {
            "Resources": {
                "Maker": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "Runtime": RUNTIME,
                        "Handler": "index.handler",
                        "Role": ROLE,
                        "Code": {"ZipFile": SCRIPTED},
                    },
                },
                "Thing": {
                    "Type": "Custom::Thing",
                    "Properties": {
                        "ServiceToken": {"Fn::GetAtt": ["Maker", "Arn"]},
                        "Answers": answers,
                        **more,
                    },
                },
            },
            "Outputs": {
                "Maker": {"Value": {"Ref": "Maker"}},
                "Word": {"Value": {"Fn::GetAtt": ["Thing", "Word"]}},
            },
        }
    )


class Stack:
    """A stack of that template."""

    def __init__(self, platform: Platform, name: str) -> None:
        self.platform = platform
        self.name = name
        self.client = platform.client("cloudformation")

    def create(self, body: str) -> None:
        self.client.create_stack(StackName=self.name, TemplateBody=body)

    def update(self, body: str) -> None:
        self.client.update_stack(StackName=self.name, TemplateBody=body)

    @property
    def now(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.describe_stacks(StackName=self.name)["Stacks"][0]
        return found

    def ended(self) -> dict[str, Any]:
        """It, once nothing is being done with it."""
        found: dict[str, Any] = wait_until(
            lambda: (now := self.now) and not now["StackStatus"].endswith("_IN_PROGRESS") and now
        )
        return found

    def events(self, logical_id: str = "Thing") -> list[tuple[str, str, str]]:
        """Status, reason and physical id, from the first to the last."""
        pages = self.client.get_paginator("describe_stack_events").paginate(StackName=self.name)
        events = [event for page in pages for event in page["StackEvents"]]
        return [
            (event["ResourceStatus"], event.get("ResourceStatusReason", ""), event["PhysicalResourceId"])
            for event in reversed(events)
            if event["LogicalResourceId"] == logical_id
        ]

    def requests(self) -> list[dict[str, Any]]:
        """What the function has been asked."""
        groups = self.platform.client("logs").describe_log_groups(
            logGroupNamePrefix=f"/aws/lambda/{self.name}-Maker-"
        )["logGroups"]
        lines = [line for group in groups for line in self.platform.logs(group["logGroupName"][12:])]
        return [json.loads(line.removeprefix("REQUEST ")) for line in lines if line.startswith("REQUEST ")]

    def asked(self) -> list[tuple[str, str]]:
        """The types of the requests, and the physical ids in them."""
        return [(each["RequestType"], each.get("PhysicalResourceId", "")) for each in self.requests()]


def test_a_creation_that_fails_is_deleted(platform: Platform) -> None:
    stack = Stack(platform, "fails")
    stack.create(
        template({"Create": {"Status": "FAILED", "Reason": "no room", "PhysicalResourceId": "half"}})
    )
    assert stack.ended()["StackStatus"] == "ROLLBACK_COMPLETE"
    assert stack.asked() == [("Create", ""), ("Delete", "half")]
    (request, _) = stack.requests()
    assert stack.events()[1:] == [
        ("CREATE_IN_PROGRESS", "Resource creation Initiated", "half"),
        (
            "CREATE_FAILED",
            f"{REFUSED} no room (RequestId: {request['RequestId']})",
            "half",
        ),
        ("DELETE_IN_PROGRESS", "", "half"),
        ("DELETE_COMPLETE", "", "half"),
    ]


def test_another_physical_id_replaces_the_resource(platform: Platform) -> None:
    stack = Stack(platform, "replaces")
    stack.create(template({}))
    assert {each["OutputKey"]: each["OutputValue"] for each in stack.ended()["Outputs"]}["Word"] == "said"
    stack.update(template({"Update": {"PhysicalResourceId": "second"}}))
    assert stack.ended()["StackStatus"] == "UPDATE_COMPLETE"
    assert stack.asked() == [("Create", ""), ("Update", "first"), ("Delete", "first")]
    created, updated, deleted = stack.requests()
    assert updated["OldResourceProperties"] == created["ResourceProperties"]
    assert deleted["ResourceProperties"] == created["ResourceProperties"]
    resources = stack.client.describe_stack_resources(StackName=stack.name)["StackResources"]
    ids = {each["LogicalResourceId"]: each["PhysicalResourceId"] for each in resources}
    assert ids["Thing"] == "second"


def test_an_update_that_fails_goes_back(platform: Platform) -> None:
    stack = Stack(platform, "back")
    stack.create(template({}))
    stack.ended()
    stack.update(template({"Update": {"Status": "FAILED", "Reason": "cannot"}}, Count=2))
    assert stack.ended()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert stack.asked() == [("Create", ""), ("Update", "first"), ("Update", "first")]
    created, failed, back = stack.requests()
    assert back["ResourceProperties"] == created["ResourceProperties"]
    assert back["OldResourceProperties"] == failed["ResourceProperties"]


def test_the_service_token_is_kept(platform: Platform) -> None:
    stack = Stack(platform, "token")
    stack.create(template({}))
    stack.ended()
    changed = json.loads(template({}))
    changed["Resources"]["Thing"]["Properties"]["ServiceToken"] = {"Fn::Sub": "${Maker.Arn}:$LATEST"}
    stack.update(json.dumps(changed))
    assert stack.ended()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    reasons = [reason for status, reason, _ in stack.events() if status == "UPDATE_FAILED"]
    assert reasons == ["Modifying service token is not allowed."]
    assert stack.asked() == [("Create", "")]
    stack.update(template({}, Count=2))
    assert stack.ended()["StackStatus"] == "UPDATE_COMPLETE"


def test_an_answer_after_the_platform_was_killed(platform: Platform) -> None:
    stack = Stack(platform, "killed")
    stack.create(template({"Create": "none"}))
    (request,) = wait_until(stack.requests)
    platform.kill()
    platform.start()
    stack = Stack(platform, "killed")
    assert stack.now["StackStatus"] == "CREATE_IN_PROGRESS"
    answer = json.dumps({"Status": "SUCCESS", "PhysicalResourceId": "late", "Data": {"Word": "late"}})
    assert send(request["ResponseURL"], answer.encode()) == 200
    ended = stack.ended()
    assert ended["StackStatus"] == "CREATE_COMPLETE"
    assert {each["OutputKey"]: each["OutputValue"] for each in ended["Outputs"]}["Word"] == "late"
    assert stack.asked() == [("Create", "")]
    stack.client.delete_stack(StackName=stack.name)
    wait_until(lambda: ("Delete", "late") in stack.asked())


# Reports to CodeDeploy what its environment says, by plain HTTP.
HOOK = textwrap.dedent("""
    import json, os, urllib.request

    def handler(event, context):
        body = {
            "deploymentId": event["DeploymentId"],
            "lifecycleEventHookExecutionId": event["LifecycleEventHookExecutionId"],
            "status": os.environ["STATUS"],
        }
        headers = {
            "X-Amz-Target": "CodeDeploy_20141006.PutLifecycleEventHookExecutionStatus",
            "Content-Type": "application/x-amz-json-1.1",
        }
        url = os.environ["AWS_ENDPOINT_URL"]
        urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers)).close()
""")


def released(number: int, status: str) -> str:
    """A template whose alias leads to version `number`; its hook says `status`."""

    def function(source: str, **environment: str) -> dict[str, Any]:
        return {
            "Type": "AWS::Lambda::Function",
            "Properties": {
                "Runtime": RUNTIME,
                "Handler": "index.handler",
                "Role": ROLE,
                "Code": {"ZipFile": source},
                "Environment": {"Variables": environment},
            },
        }

    policy = {
        "ApplicationName": {"Ref": "Application"},
        "DeploymentGroupName": {"Ref": "Group"},
        "BeforeAllowTrafficHook": {"Ref": "Hook"},
        "AfterAllowTrafficHook": {"Ref": "Hook"},
    }
    return json.dumps(
        {
            "Resources": {
                "Hook": function(HOOK, STATUS=status),
                "Served": function(f"def handler(event, context):\n    return {number}\n"),
                f"Version{number}": {
                    "Type": "AWS::Lambda::Version",
                    "DeletionPolicy": "Retain",
                    "Properties": {"FunctionName": {"Ref": "Served"}},
                },
                "Live": {
                    "Type": "AWS::Lambda::Alias",
                    "Properties": {
                        "FunctionName": {"Ref": "Served"},
                        "FunctionVersion": {"Fn::GetAtt": [f"Version{number}", "Version"]},
                        "Name": "live",
                    },
                    "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": policy},
                },
                "Application": {
                    "Type": "AWS::CodeDeploy::Application",
                    "Properties": {"ComputePlatform": "Lambda"},
                },
                "Group": {
                    "Type": "AWS::CodeDeploy::DeploymentGroup",
                    "Properties": {
                        "ApplicationName": {"Ref": "Application"},
                        "ServiceRoleArn": ROLE,
                        "DeploymentConfigName": "CodeDeployDefault.LambdaLinear10PercentEvery1Minute",
                    },
                },
            },
            "Outputs": {"Served": {"Value": {"Ref": "Live"}}},
        }
    )


def test_traffic_is_shifted_when_an_alias_is_updated(platform: Platform) -> None:
    stack = Stack(platform, "shifts")
    stack.create(released(1, "Succeeded"))
    (output,) = stack.ended()["Outputs"]
    deploy = platform.client("codedeploy")
    assert deploy.list_deployments()["deployments"] == []
    stack.update(released(2, "Succeeded"))
    assert stack.ended()["StackStatus"] == "UPDATE_COMPLETE"
    assert platform.invoke(output["OutputValue"]).json == 2
    (done,) = deploy.list_deployments()["deployments"]
    assert deploy.get_deployment(deploymentId=done)["deploymentInfo"]["status"] == "Succeeded"

    stack.update(released(3, "Failed"))
    assert stack.ended()["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    assert platform.invoke(output["OutputValue"]).json == 2
    failed, done = deploy.list_deployments()["deployments"]
    reasons = [reason for status, reason, _ in stack.events("Live") if status == "UPDATE_FAILED"]
    assert len(reasons) == 1
    assert reasons[0].startswith(f"CodeDeploy deployment {failed} failed: The BeforeAllowTraffic hook ")
