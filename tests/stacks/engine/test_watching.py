"""What stacks tell of themselves: drift, topics, policies, time-outs, types that nobody serves."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.events.conftest import SimulatedClock
from tests.stacks.engine.world import ACCOUNT, REGION, Platform, request, template

from lambent.clock import SystemClock
from lambent.stacks.errors import UnsupportedType, ValidationError

if TYPE_CHECKING:
    from pathlib import Path


async def test_drift(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create(
        "one", template({"A": {"Name": "a"}, "B": {"Name": "b"}, "C": {"Name": "c"}})
    )
    del platform.world.things["b"]
    platform.world.things["c"]["properties"]["Value"] = "other"
    found = await platform.stacks.drift_detected(await platform.stacks.detect_drift(ACCOUNT, REGION, "one"))
    assert (found.status, found.drift_status, found.drifted) == ("DETECTION_COMPLETE", "DRIFTED", 2)
    assert stack.drift_status == "DRIFTED"
    drifts = {drift.logical_id: drift for drift in platform.stacks.resource_drifts(stack)}
    assert {name: drift.status for name, drift in drifts.items()} == {
        "A": "IN_SYNC",
        "B": "DELETED",
        "C": "MODIFIED",
    }
    assert drifts["C"].differences == [
        {
            "PropertyPath": "/Value",
            "ExpectedValue": "x",
            "ActualValue": "other",
            "DifferenceType": "NOT_EQUAL",
        }
    ]
    platform.world.things["c"]["properties"]["Value"] = "x"
    drift = await platform.stacks.detect_resource_drift(ACCOUNT, REGION, "one", "C")
    assert drift.status == "IN_SYNC"
    await platform.close()


async def test_drift_tells_no_secrets(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    body = template(
        {name: {"Name": name.lower(), "Value": {"Ref": "P"}} for name in "AB"},
        Parameters={"P": {"Type": "String", "NoEcho": True, "Default": "secret"}},
    )
    stack = await platform.create("one", body)
    del platform.world.things["b"]
    await platform.stacks.drift_detected(await platform.stacks.detect_drift(ACCOUNT, REGION, "one"))
    drifts = {drift.logical_id: drift for drift in platform.stacks.resource_drifts(stack)}
    assert {name: drift.status for name, drift in drifts.items()} == {"A": "IN_SYNC", "B": "DELETED"}
    for drift in drifts.values():
        assert json.loads(drift.expected or "")["Value"] == "****"
        assert "secret" not in f"{drift.expected}{drift.actual}{drift.differences}"
    await platform.close()


async def test_topics_are_told_of_events(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:told"
    stack = await platform.create("one", template({"A": {}}), notification_arns=[arn])
    await platform.close()
    assert {told["TopicArn"] for told in platform.world.published} == {arn}
    statuses = []
    for told in platform.world.published:
        members = dict(line.split("=", 1) for line in told["Message"].splitlines())
        assert members["StackId"] == f"'{stack.id}'"
        statuses.append((members["LogicalResourceId"].strip("'"), members["ResourceStatus"].strip("'")))
    assert statuses == [
        ("one", "CREATE_IN_PROGRESS"),
        ("A", "CREATE_IN_PROGRESS"),
        ("A", "CREATE_IN_PROGRESS"),
        ("A", "CREATE_COMPLETE"),
        ("one", "CREATE_COMPLETE"),
    ]


def policy(effect: str, action: str, resource: str = "*", **members: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Principal": "*", "Resource": resource, **members}
    allowed = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}
    return json.dumps({"Statement": [statement, allowed] if effect == "Deny" else [statement]})


_DENIED = (
    "Action denied by stack policy: Statement [#1] does not allow [Update:Modify] for resource "
    "[LogicalResourceId/A];"
)
_OF_TYPE = {"StringEquals": {"ResourceType": ["AWS::SSM::Parameter"]}}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (policy("Allow", "Update:*"), None),
        ("{}", None),
        (policy("Deny", "Update:Modify", "LogicalResourceId/Other"), None),
        (
            policy("Deny", "Update:Modify"),
            _DENIED,
        ),
        (
            policy("Deny", "Update:Mod*", "*"),
            "Error validating stack policy: Invalid stack policy",
        ),
        (policy("Allow", "Update:Modify", "LogicalResourceId/B*"), "Action not allowed by stack policy"),
        (policy("Allow", "Update:Modify", Condition=_OF_TYPE), None),
        (
            policy("Deny", "Update:*", "LogicalResourceId/*", Condition=_OF_TYPE),
            _DENIED,
        ),
        (policy("Deny", "Update:Delete"), None),
        ("no", "Error validating stack policy: Invalid stack policy"),
        (
            json.dumps({"Statement": [{"Effect": "Deny"}]}),
            "Error validating stack policy: Invalid stack policy",
        ),
    ],
)
async def test_stack_policies(tmp_path: Path, text: str, reason: str | None) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}}))
    if reason is not None and reason.startswith("Error"):
        with pytest.raises(ValidationError) as refused:
            await platform.stacks.set_policy(ACCOUNT, REGION, "one", text)
        assert str(refused.value) == reason
    else:
        await platform.stacks.set_policy(ACCOUNT, REGION, "one", text)
        await platform.update("one", template({"A": {"Value": "y"}}))
        failed = [why for _, status, why in await platform.events(stack) if status == "UPDATE_FAILED"]
        assert failed == ([] if reason is None else [reason])
        if reason is not None:
            during = policy("Allow", "Update:*")
            await platform.update("one", template({"A": {"Value": "y"}}), policy_during_update=during)
        assert stack.status == "UPDATE_COMPLETE"
        assert stack.policy == text
    await platform.close()


async def test_a_creation_has_its_time(tmp_path: Path) -> None:
    clock = SimulatedClock()
    platform = await Platform.open(tmp_path, clock)
    platform.world.held["create A"] = asyncio.Event()
    stack = await platform.stacks.create(request("one", template({"A": {}}), timeout_minutes=1))
    while ("create", "A") not in platform.world.calls:
        await asyncio.sleep(0)
    platform.world.held.clear()
    await clock.advance(60_000)
    await platform.stacks.finished(stack)
    assert ("A", "CREATE_FAILED", "Resource creation cancelled") in await platform.events(stack)
    assert (
        "one",
        "ROLLBACK_IN_PROGRESS",
        "Stack creation time exceeded the specified timeout. Rollback requested by user.",
    ) in await platform.events(stack)
    assert platform.world.things == {}
    await platform.close()


async def test_types_that_nobody_serves(tmp_path: Path) -> None:
    body = template(
        {
            "A": {"Value": {"Fn::Sub": "${U} ${U.Arn}"}, "Name": "a"},
            "U": {"Type": "AWS::SSM::Paramete", "Properties": {}},
        }
    )
    platform = await Platform.open(tmp_path, SystemClock())
    with pytest.raises(
        UnsupportedType, match=r"Unrecognized resource types: \[AWS::SSM::Paramete\] \(near: AWS::S"
    ):
        await platform.create("one", body)
    await platform.close()
    platform = await Platform.open(tmp_path, SystemClock(), ignore_unsupported=True)
    stack = await platform.create("one", body)
    assert stack.status == "CREATE_COMPLETE"
    assert stack.resources["U"].reason == "Skipped: AWS::SSM::Paramete is not served by this platform."
    physical = stack.resources["U"].physical_id
    assert platform.world.things["a"]["properties"]["Value"] == f"{physical} U.Arn"
    await platform.delete(stack)
    assert stack.status == "DELETE_COMPLETE"
    await platform.close()
