"""What is asked of stacks: what is refused, what is the same again, and what is read from elsewhere."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.stacks.engine.world import ACCOUNT, REGION, Platform, request, template

from lambent.clock import SystemClock
from lambent.stacks.errors import InsufficientCapabilities, StackExists, TokenExists, ValidationError

if TYPE_CHECKING:
    from pathlib import Path

ROLE = {
    "Type": "AWS::IAM::Role",
    "Properties": {"AssumeRolePolicyDocument": {}, "RoleName": "named"},
}
ALARM = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:loud"


def triggers(kind: str, arn: str) -> dict[str, Any]:
    return {
        "rollback_configuration": {
            "RollbackTriggers": [{"Type": kind, "Arn": arn}],
            "MonitoringTimeInMinutes": 1,
        }
    }


@pytest.mark.parametrize(
    ("body", "members", "message"),
    [
        (template({"A": {}}), {"name": "*no"}, "Member must satisfy regular expression pattern: [a-zA-Z]"),
        (template({"A": {}}), {"name": "a" * 129}, "Member must have length less than or equal to 128"),
        (None, {}, "Either Template URL or Template Body must be specified."),
        (template({"A": {"Value": "x" * 60_000}}), {}, "Member must have length less than or equal to 51200"),
        (
            template({"A": {}}),
            {"on_failure": "DELETE", "disable_rollback": True},
            "You can specify either DisableRollback or OnFailure, but not both.",
        ),
        (template({"A": {}}), triggers("AWS::Wrong", ALARM), "Rollback Trigger Type not supported"),
        (
            template({"A": {}}),
            triggers("AWS::CloudWatch::Alarm", ALARM.replace("alarm:", "")),
            "RelativeId of a Rollback Trigger's ARN is incorrect",
        ),
        (
            template({"A": {}}),
            {"resource_types": ["AWS::EC2::*"]},
            "Resource type AWS::SSM::Parameter is not allowed by parameter ResourceTypes [AWS::EC2::*]",
        ),
        (
            template({"A": {}}),
            {"parameters": [{"ParameterKey": "P"}]},
            "Invalid input for parameter key P. Need to specify either usePreviousValue as true or a value",
        ),
        (
            template({"A": {}}),
            {"parameters": [{"ParameterKey": "P", "ParameterValue": "x"}]},
            "do not exist in the",
        ),
        (
            template({"A": {"DependsOn": "B"}, "B": {"DependsOn": "A"}}),
            {},
            "Circular dependency between resources",
        ),
        (template({"R": ROLE}), {}, "Requires capabilities : [CAPABILITY_NAMED_IAM]"),
        (
            template({"R": ROLE}),
            {"capabilities": ["CAPABILITY_IAM"]},
            "Requires capabilities : [CAPABILITY_NAMED_IAM]",
        ),
        (
            template({"A": {}}, Transform="AWS::LanguageExtensions"),
            {},
            "Requires capabilities : [CAPABILITY_AUTO_EXPAND]",
        ),
        (template({"A": {}}), {"stack_policy": "no"}, "Error validating stack policy: Invalid stack policy"),
        (
            template({"A": {"Value": "{{resolve:ssm-secure:p:1}}"}}),
            {},
            "SSM Secure reference is not supported in: [AWS::SSM::Parameter/Properties/Value]",
        ),
    ],
)
async def test_refusals(tmp_path: Path, body: str | None, members: dict[str, Any], message: str) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    asked = request("one", body or "")
    asked.template_body = body
    for name, value in members.items():
        setattr(asked, name, value)
    with pytest.raises((ValidationError, InsufficientCapabilities)) as refused:
        await platform.stacks.create(asked)
    assert message in str(refused.value)
    assert platform.stacks.stacks(ACCOUNT, REGION) == []
    await platform.close()


async def test_requests_with_tokens(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}}), token="t1")
    assert await platform.create("one", template({"A": {}}), token="t1") is stack
    with pytest.raises(TokenExists):
        await platform.create("one", template({"B": {}}), token="t1")
    with pytest.raises(StackExists):
        await platform.create("one", template({"A": {}}), token="t2")
    await platform.update("one", template({"A": {"Value": "y"}}), token="t3")
    await platform.update("one", template({"A": {"Value": "y"}}), token="t3")
    events = await platform.stacks.events(stack)
    assert [event.token for event in reversed(events)] == ["t1"] * 5 + ["t3"] * 5
    await platform.close()


async def test_two_at_once_claim_one_name(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    outcomes = await asyncio.gather(
        *(platform.stacks.create(request("one", template({"A": {"Value": str(i)}}))) for i in range(5)),
        return_exceptions=True,
    )
    assert sum(isinstance(outcome, StackExists) for outcome in outcomes) == 4
    await platform.close()


async def test_transforms_that_fail_begin_and_go_back(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    body = template({"A": {}}, Transform="Unknown")
    stack = await platform.create("one", body, capabilities=["CAPABILITY_AUTO_EXPAND"])
    said = f"No transform named {ACCOUNT}::Unknown found."
    assert ("one", "ROLLBACK_IN_PROGRESS", f"{said} Rollback requested by user.") in await platform.events(
        stack
    )
    assert stack.status == "ROLLBACK_COMPLETE"
    two = await platform.create("two", template({"A": {}}))
    await platform.update("two", body, capabilities=["CAPABILITY_AUTO_EXPAND"])
    assert ("two", "UPDATE_ROLLBACK_IN_PROGRESS", said) in await platform.events(two)
    assert two.status == "UPDATE_ROLLBACK_COMPLETE"
    await platform.close()


async def test_previous_values_and_secret_ones(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    parameters = {"P": {"Type": "String", "NoEcho": True}, "Q": {"Type": "String", "Default": "q"}}
    body = template({"A": {"Value": {"Fn::Sub": "${P}-${Q}"}}}, Parameters=parameters)
    stack = await platform.create("one", body, parameters=[{"ParameterKey": "P", "ParameterValue": "secret"}])
    assert stack.parameters == [
        {"ParameterKey": "P", "ParameterValue": "****"},
        {"ParameterKey": "Q", "ParameterValue": "q"},
    ]
    previous = [
        {"ParameterKey": "P", "UsePreviousValue": True},
        {"ParameterKey": "Q", "ParameterValue": "r"},
    ]
    asked = request("one", "", parameters=previous, use_previous=True)
    asked.template_body = None
    await platform.stacks.finished(await platform.stacks.update(asked))
    (thing,) = platform.world.things.values()
    assert thing["properties"]["Value"] == "secret-r"
    await platform.close()


async def test_values_of_parameter_store(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.parameters["p"] = "one"

    def body(other: str) -> str:
        value = "a {{resolve:ssm:p}}"
        return template(
            {"A": {"Name": "a", "Value": value}, "B": {"Value": other}}, Outputs={"Out": {"Value": value}}
        )

    stack = await platform.create("one", body("x"))
    assert platform.world.things["a"]["properties"]["Value"] == "a one"
    assert stack.outputs[0].value == "a one"
    platform.world.parameters["p"] = "two"
    await platform.update("one", body("y"))
    assert platform.world.things["a"]["properties"]["Value"] == "a two"
    assert stack.outputs[0].value == "a two"
    await platform.close()


async def test_what_a_stop_has_cut_goes_on(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.held["create B"] = asyncio.Event()
    body = template(
        {"A": {"Name": "a"}, "B": {"Name": "b", "DependsOn": "A"}, "C": {"Name": "c", "DependsOn": "B"}}
    )
    stack = await platform.stacks.create(request("one", body))
    while ("create", "B") not in platform.world.calls:
        await asyncio.sleep(0)
    await platform.stacks.drain(0.01)
    await platform.database.close()
    assert set(platform.world.things) == {"a", "b"}
    platform = await Platform.open(tmp_path, SystemClock())
    stack = platform.stacks.find(ACCOUNT, REGION, stack.id)
    assert stack.status == "CREATE_IN_PROGRESS"
    await platform.stacks.start()
    await platform.stacks.finished(stack)
    assert stack.status == "CREATE_COMPLETE"
    assert [name for what, name in platform.world.calls if what == "create"] == ["B", "C"]
    started = [name for name, status, reason in await platform.events(stack) if (status, reason) == _STARTED]
    assert started == ["A", "B", "C"]
    await platform.close()


_STARTED = ("CREATE_IN_PROGRESS", None)


async def test_a_creation_is_deleted_while_it_runs(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.held["create B"] = asyncio.Event()
    body = template(
        {"A": {"Name": "a"}, "B": {"Name": "b", "DependsOn": "A"}, "C": {"Name": "c", "DependsOn": "B"}}
    )
    stack = await platform.stacks.create(request("one", body))
    while ("create", "B") not in platform.world.calls:
        await asyncio.sleep(0)
    await platform.delete(stack)
    assert stack.status == "DELETE_COMPLETE"
    assert platform.world.things == {}
    assert "C" not in stack.resources
    await platform.close()


async def test_an_output_of_another_stack(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    await platform.create("one", template({"A": {}}, Outputs={"Out": {"Value": "there"}}))
    asked = {"Fn::GetStackOutput": {"StackName": "one", "OutputName": "Out"}}
    await platform.create("two", template({"B": {"Name": "b", "Value": asked}}))
    assert platform.world.things["b"]["properties"]["Value"] == "there"
    await platform.close()


async def test_everything_is_forgotten(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.held["create A"] = asyncio.Event()
    await platform.stacks.create(request("one", template({"A": {}})))
    await platform.stacks.clear()
    assert platform.stacks.stacks(ACCOUNT, REGION) == []
    platform.world.held.clear()
    platform.world.things.clear()
    assert (await platform.create("one", template({"A": {}}))).status == "CREATE_COMPLETE"
    await platform.close()


async def test_secrets_are_not_told(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    body = template(
        {"A": {"Name": "a", "Value": {"Fn::Sub": "x-${P}"}}, "B": {"Value": {"Fn::GetAtt": ["A", "Length"]}}},
        Parameters={"P": {"Type": "String", "NoEcho": True}},
    )
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:told"
    stack = await platform.create(
        "one", body, parameters=[{"ParameterKey": "P", "ParameterValue": "hush"}], notification_arns=[arn]
    )
    assert platform.world.things["a"]["properties"]["Value"] == "x-hush"
    told = [event.properties for event in await platform.stacks.events(stack) if event.logical_id == "A"]
    assert told == ['{"Type":"String","Value":"x-****","Name":"a"}'] * 3
    await platform.delete(stack)
    assert not any("hush" in str(event.properties) for event in await platform.stacks.events(stack))
    await platform.close()
    assert not any("hush" in message["Message"] for message in platform.world.published)
