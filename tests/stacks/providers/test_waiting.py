"""Wait conditions, and the URLs to which signals and answers are sent."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.stacks.providers.answering import Answering, send

from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.stacks.providers.conftest import Resource, World


@pytest.fixture(scope="module")
def answering(world: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answering]:
    answering = Answering(world, tmp_path_factory.mktemp("responses"))
    yield answering
    answering.close()


@pytest.fixture
def handle(world: World, answering: Answering) -> Resource:
    """A handle that is ready."""
    return world.resource("AWS::CloudFormation::WaitConditionHandle", "Signals").create()


def signal(name: str, **members: Any) -> bytes:
    return json.dumps({"Status": "SUCCESS", "UniqueId": name, "Reason": "done", **members}).encode()


def waits(handle: Resource, **properties: Any) -> Resource:
    given = {"Handle": handle.id, "Timeout": "30", **properties}
    return handle.world.resource("AWS::CloudFormation::WaitCondition", "Waits").create(**given)


def test_signals(world: World, handle: Resource) -> None:
    handle.again()
    handle.lost()
    assert handle.id.startswith("http://127.0.0.1:")
    assert send(handle.id, signal("one", Data="first")) == 200
    assert send(handle.id, signal("one", Data="again", Status="FAILURE")) == 200  # sent twice: not looked at
    condition = world.resource("AWS::CloudFormation::WaitCondition", "Waits")
    condition._next(again=False)
    work = condition._work({"Handle": handle.id, "Timeout": "30", "Count": "2"}, {})
    creating = asyncio.run_coroutine_threadsafe(condition.provider.create(work), world.loop)
    assert send(handle.id, signal("two", Data={"a": [1]})) == 200
    made = creating.result(20)
    assert made.physical_id == f"{world.stack.id}/Signals"
    assert made.attributes["Data"] == '{"one":"first","two":{"a":[1]}}'
    condition.create(again=True, **work.properties)
    assert condition.made == made
    condition.update(**work.properties)
    with pytest.raises(ResourceFailure, match=r"^Update to resource type AWS::CloudFormation::WaitCondition"):
        condition.update(**work.properties | {"Count": "3"})
    condition.delete_twice()
    handle.delete_twice()
    assert send(handle.id, signal("three")) == 403


@pytest.mark.parametrize(
    ("bodies", "reason"),
    [
        ([signal("a", Status="FAILURE", Reason="no")], "WaitCondition received failed message: 'no' for uniqueId: a"),
        ([signal("a"), b"{"], "Unparsable WaitCondition data"),
        ([signal("a", Status="DONE")], "Unparsable WaitCondition data"),
        ([b'{"Status": "SUCCESS"}'], "Unparsable WaitCondition data"),
        ([signal("a", Data="x" * 4096)], "Unparsable WaitCondition data"),
        ([b"[" * 4000], "Unparsable WaitCondition data"),
        ([signal("a")], "WaitCondition timed out. Received 1 conditions when expecting 2"),
    ],
)  # fmt: skip
def test_what_fails(handle: Resource, bodies: list[bytes], reason: str) -> None:
    for body in bodies:
        assert send(handle.id, body) == 200
    with pytest.raises(ResourceFailure) as failure:
        waits(handle, Count=2, Timeout="0")
    assert failure.value.reason == reason


@pytest.mark.parametrize(
    ("properties", "reason"),
    [
        ({"Timeout": "43201"}, "Invalid Timeout [43201] of a WaitCondition: it is at most 43200."),
        ({"Count": 0}, "Invalid Count [0] of a WaitCondition: it is at most 1000."),
        ({"Handle": "http://x/_lambent/responses/none"}, "Invalid wait condition handle: http://x/_lambent/responses/none"),
    ],
)  # fmt: skip
def test_what_is_not_waited_for(handle: Resource, properties: dict[str, Any], reason: str) -> None:
    with pytest.raises(ResourceFailure) as failure:
        waits(handle, **properties)
    assert failure.value.reason == reason


def test_signals_outlive_the_platform(world: World, answering: Answering, handle: Resource) -> None:
    assert send(handle.id, signal("one", Data="kept")) == 200
    answering.close()
    answering.open()
    assert send(handle.id, signal("one", Data="again")) == 200
    assert send(handle.id, signal("two")) == 200
    condition = waits(handle, Count=2)
    assert json.loads(condition.attributes["Data"]) == {"one": "kept", "two": ""}


def test_a_condition_without_a_handle_waits_for_nothing(world: World, answering: Answering) -> None:
    condition = world.resource("AWS::CloudFormation::WaitCondition", "Policy").create()
    assert condition.id == f"{world.stack.id}/Policy"
    signalled = world.resource("AWS::CloudFormation::WaitCondition", "Signalled")
    signalled.policy = {"ResourceSignal": {"Count": 1}}
    with pytest.raises(ResourceFailure, match="A CreationPolicy with a ResourceSignal is not supported"):
        signalled.create()


def test_who_does_not_know_the_secret_is_refused(answering: Answering, handle: Resource) -> None:
    assert send(handle.id[:-1], signal("one")) == 403
    assert send(handle.id, signal("one"), "POST") == 403
    assert send(handle.id, b"", "GET") == 403
    assert send(f"{handle.id}?more=1", signal("one")) == 200


def test_macros(world: World, answering: Answering) -> None:
    macro = world.resource("AWS::CloudFormation::Macro", "Expand")
    macro.create(Name="Expander", FunctionName="f", Description="more")
    macro.again()
    macro.lost()
    assert (macro.id, macro.read()) == (
        "Expander",
        {"Name": "Expander", "FunctionName": "f", "Description": "more"},
    )
    macro.update_twice(Name="Expander", FunctionName="g")
    with pytest.raises(ResourceFailure, match="Expander already exists"):
        world.resource("AWS::CloudFormation::Macro", "Other").create(Name="Expander", FunctionName="f")
    answering.close()
    answering.open()
    found = answering.macros.find("000000000000", "us-east-1", "Expander")
    assert found is not None
    assert found.function == "g"
    again = world.resource("AWS::CloudFormation::Macro", "Expand").create(Name="Expander", FunctionName="g")
    again.delete_twice()
    assert again.read() is None
    assert answering.macros.find("000000000000", "us-east-1", "Expander") is None
