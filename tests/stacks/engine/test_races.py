"""What comes at an unlucky moment: the platform's end, somebody's wish, an error that nobody has thought of."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.events.conftest import SimulatedClock
from tests.stacks.engine.test_nested import child, child_of, parent
from tests.stacks.engine.world import ACCOUNT, REGION, Platform, request, template

from lambent.clock import SystemClock
from lambent.stacks.errors import ChangeSetNotFound, ResourceFailure, StackExists
from lambent.stacks.forward import Forward
from lambent.stacks.ledger import KEPT_MS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lambent.neighbours.service_calls import ServiceCall
    from lambent.stacks.providers.provider import Work
    from lambent.stacks.records import Deployment


HELD = {"create": "create A", "update": "update A", "delete": "delete B", "rollback": "update A"}
ENDS = {
    "create": "CREATE_COMPLETE",
    "update": "UPDATE_COMPLETE",
    "delete": "DELETE_COMPLETE",
    "rollback": "UPDATE_ROLLBACK_COMPLETE",
}


async def until(condition: Callable[[], object]) -> None:
    """It holds, within ten seconds."""
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.001)


def hold(platform: Platform, step: str, value: str = "") -> asyncio.Event:
    """Let a step of a thing with that value, if one is given, wait; the event ends it."""
    held = asyncio.Event()

    def look(what: str, work: Work) -> None:
        if f"{what} {work.logical_id}" == step and value in ("", work.properties["Value"]):
            platform.world.held[step] = held
        elif (what, work.logical_id) == ("create", "BAD"):
            raise ResourceFailure("no", reason="no")

    platform.world.fail = look
    return held


@pytest.mark.parametrize("operation", list(HELD))
async def test_the_platform_ends_while_a_nested_stack_is_busy(tmp_path: Path, operation: str) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    world = platform.world
    world.templates["child"] = child("a", "b").replace('"B": {', '"B": {"DependsOn": "A", ')
    if operation != "create":
        await platform.create("one", parent())
    held = hold(platform, HELD[operation], "x" if operation == "rollback" else "")
    if operation == "create":
        await platform.stacks.create(request("one", parent()))
    elif operation == "delete":
        await platform.stacks.delete(ACCOUNT, REGION, "one")
    elif operation == "update":
        await platform.stacks.update(request("one", parent("y")))
    else:
        await platform.stacks.update(request("one", parent("y", BAD={"DependsOn": "Child"})))
    await until(lambda: world.held)
    ending = asyncio.create_task(platform.close())
    await asyncio.sleep(0)
    held.set()
    await ending
    again = await Platform.open(tmp_path, SystemClock(), world)
    world.held.clear()
    await again.stacks.start()
    # What a child has left is removed after its parent has ended.
    for _ in range(2):
        for one in again.stacks.stacks(ACCOUNT, REGION):
            await again.stacks.finished(one)
    assert {one.status for one in again.stacks.stacks(ACCOUNT, REGION)} == {ENDS[operation]}
    assert set(world.things) == (set() if operation == "delete" else {"a", "b", "after"})
    await again.close()


async def test_the_platform_does_not_wait_for_what_can_be_gone_on_with(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    world = platform.world
    world.held["create A"] = asyncio.Event()
    await platform.stacks.create(request("one", template({"A": {"Name": "a"}})))
    await until(lambda: ("create", "A") in world.calls)
    async with asyncio.timeout(2):
        await platform.close()
    world.held.clear()
    again = await Platform.open(tmp_path, SystemClock(), world)
    await again.stacks.start()
    stack = await again.stacks.finished(again.stacks.find(ACCOUNT, REGION, "one"))
    assert stack.status == "CREATE_COMPLETE"
    assert world.calls == [("create", "A"), ("create", "A")]
    await again.close()


async def test_change_sets_that_were_interrupted_are_found_out_again(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    world = platform.world
    world.templates["child"] = child("a")
    made = await platform.stacks.create_change_set(
        request("one", parent(), change_set_name="c", change_set_type="CREATE", include_nested=True)
    )
    lost = await platform.stacks.create_change_set(
        request("two", template({"A": {}}), change_set_name="c", change_set_type="CREATE")
    )
    for one in (made, lost):
        one.status = "CREATE_IN_PROGRESS"
    entry = platform.stacks.ledger.entry().change_set(made).change_set(lost)
    await entry.template(lost.id, lost.stack_id, "", "").write()
    await platform.close()
    again = await Platform.open(tmp_path, SystemClock(), world)
    await again.stacks.start()
    made, lost = (again.stacks.change_set(ACCOUNT, REGION, one.id) for one in (made, lost))
    async with asyncio.timeout(10):
        await until(lambda: made.status == "CREATE_COMPLETE" and lost.status == "FAILED")
    # Those of its nested stacks have been made anew, those of before are gone with their stacks.
    assert len(again.stacks.ledger.change_sets) == 3
    reviewed = [
        one.name for one in again.stacks.stacks(ACCOUNT, REGION) if one.status == "REVIEW_IN_PROGRESS"
    ]
    assert len(reviewed) == 3
    await again.close()


async def test_a_stack_that_is_deleted_just_when_it_is_there(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    world = platform.world
    world.parameters["/p"] = "v"
    asked, answered = asyncio.Event(), asyncio.Event()
    answer = world.ask

    async def ask(call: ServiceCall) -> dict[str, Any]:
        asked.set()
        await answered.wait()
        return await answer(call)

    platform.stacks.operations.steps._ask = ask
    outputs = {"P": {"Value": "{{resolve:ssm:/p}}"}}
    stack = await platform.stacks.create(request("one", template({"A": {"Name": "a"}}, Outputs=outputs)))
    await asked.wait()
    await platform.stacks.delete(ACCOUNT, REGION, "one")
    answered.set()
    await platform.stacks.finished(stack)
    assert (stack.status, world.things) == ("DELETE_COMPLETE", {})
    # What is told of it is not kept with what nobody can ask for.
    assert stack.resources["A"].physical_id == "a"
    assert stack.resources["A"].properties == {}
    await platform.close()


async def test_an_error_that_nobody_has_thought_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    held = hold(platform, "create A")
    platform.world.held["create A"] = held
    wanted = Forward._wanted

    async def strange(forward: Forward, logical_id: str) -> Deployment:
        if logical_id == "B":
            await until(lambda: ("create", "A") in platform.world.calls)
            raise KeyError(logical_id)
        return await wanted(forward, logical_id)

    monkeypatch.setattr(Forward, "_wanted", strange)
    stack = await platform.create("one", template({"A": {"Name": "a"}, "B": {"Name": "b"}}))
    events = await platform.events(stack)
    assert ("B", "CREATE_FAILED", "Internal Failure") in events
    assert ("A", "CREATE_FAILED", "Resource creation cancelled") in events
    assert (stack.status, platform.world.things) == ("ROLLBACK_COMPLETE", {})
    await platform.close()


async def test_a_parent_is_deleted_while_its_creation_is_taken_back(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.templates["child"] = child("a", "b")
    held = hold(platform, "delete A")
    stack = await platform.stacks.create(request("one", parent(BAD={"DependsOn": "Child"})))
    await until(lambda: platform.world.held)
    assert stack.status == "ROLLBACK_IN_PROGRESS"
    await platform.stacks.delete(ACCOUNT, REGION, "one")
    held.set()
    await platform.stacks.finished(stack)
    assert {one.status for one in platform.stacks.stacks(ACCOUNT, REGION)} == {"DELETE_COMPLETE"}
    assert platform.world.things == {}
    await platform.close()


def exporting(*names: str) -> str:
    """A template that exports these."""
    return template(
        {"E": {"Name": "e"}, **{name: {"Name": name} for name in names}},
        Outputs={name: {"Value": "v", "Export": {"Name": name}} for name in names},
    )


async def test_an_export_stays_while_somebody_begins_to_import_it(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    exporter = await platform.create("exporter", exporting("X"))
    held = hold(platform, "create I")
    body = template({"I": {"Name": "i", "Value": {"Fn::ImportValue": "X"}}})
    importer = await platform.stacks.create(request("importer", body))
    await until(lambda: platform.world.held)
    await platform.delete(exporter)
    assert exporter.reason == "Delete canceled. Cannot delete export X as it is in use by importer."
    await platform.update("exporter", exporting())
    assert exporter.status == "UPDATE_ROLLBACK_COMPLETE"
    held.set()
    await platform.stacks.finished(importer)
    assert platform.stacks.imports(ACCOUNT, REGION, "X") == ["importer"]
    await platform.delete(importer)
    await platform.delete(exporter)
    assert exporter.status == "DELETE_COMPLETE"
    await platform.close()


async def test_the_exports_of_a_nested_stack_stay_its_own_until_its_parent_has_decided(
    tmp_path: Path,
) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "child"}}
    platform.world.templates["child"] = exporting("X")
    stack = await platform.create("one", template({"Child": nested}))
    platform.world.templates["child"] = exporting("Y")
    held = hold(platform, "create Late")
    after = {"Child": nested, "Late": {"DependsOn": "Child"}, "BAD": {"DependsOn": "Late"}}
    await platform.stacks.update(request("one", template(after)))
    await until(lambda: platform.world.held)
    other = await platform.create(
        "other", template({"O": {}}, Outputs={"X": {"Value": "o", "Export": {"Name": "X"}}})
    )
    assert other.status == "ROLLBACK_COMPLETE"
    held.set()
    await platform.stacks.finished(stack)
    await platform.stacks.finished(child_of(platform, stack))
    assert [export.name for export in platform.stacks.exports(ACCOUNT, REGION)] == ["X"]
    platform.world.fail = lambda what, work: None
    platform.world.held.clear()
    del after["BAD"]
    await platform.update("one", template(after))
    assert [export.name for export in platform.stacks.exports(ACCOUNT, REGION)] == ["Y"]
    await platform.close()


async def test_change_sets_go_with_their_stack_and_old_stacks_are_forgotten(tmp_path: Path) -> None:
    clock = SimulatedClock()
    platform = await Platform.open(tmp_path, clock)
    made = await platform.stacks.create_change_set(
        request("one", template({"A": {}}), change_set_name="c", change_set_type="CREATE")
    )
    stack = platform.stacks.find(ACCOUNT, REGION, "one")
    await platform.delete(stack)
    with pytest.raises(ChangeSetNotFound):
        platform.stacks.change_set(ACCOUNT, REGION, made.id)
    clock.jump(KEPT_MS + 1)
    other = await platform.create("two", template({"A": {}}))
    await platform.delete(other)
    assert platform.stacks.stacks(ACCOUNT, REGION) == [other]
    rows = await platform.database.read("SELECT DISTINCT stack_id FROM stack_events")
    assert rows == [(other.id,)]
    await platform.close()


async def test_only_one_of_two_at_once_where_templates_take_their_time(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stacks = platform.stacks
    large = template({"A": {"Metadata": {"x": "x" * 10_000}}})
    asked = [stacks.create(request("one", large)) for _ in range(3)]
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(outcome, StackExists) for outcome in outcomes) == 2
    wanted = request("two", large, change_set_name="c", change_set_type="CREATE")
    made = await stacks.create_change_set(wanted)
    preparation = stacks.operations.preparation
    # As if many others had been read since.
    preparation.remember("other", await preparation.template(made.id), "x" * 4_000_000)
    executions = [stacks.execute_change_set(ACCOUNT, REGION, made.id) for _ in range(3)]
    ended = await asyncio.gather(*executions, return_exceptions=True)
    assert sum(outcome is None for outcome in ended) == 1
    for stack in stacks.stacks(ACCOUNT, REGION):
        await stacks.finished(stack)
    assert len(platform.world.things) == 2
    await platform.close()


async def test_events_in_one_millisecond_have_times_of_their_own(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SimulatedClock())
    stack = await platform.create("one", template({"A": {}, "B": {}}))
    times = [event.time_ms for event in await platform.stacks.events(stack)]
    assert times == sorted(set(times), reverse=True)
    await platform.close()


async def test_every_resource_has_the_stacks_tags(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    seen: dict[str, str] = {}
    platform.world.fail = lambda what, work: seen.update(work.tags)
    stack = await platform.create("one", template({"A": {}}), tags={"team": "t"})
    assert seen == {
        "team": "t",
        "aws:cloudformation:stack-name": "one",
        "aws:cloudformation:stack-id": stack.id,
        "aws:cloudformation:logical-id": "A",
    }
    await platform.close()


async def test_a_cancelled_update_goes_back_whatever_it_was_told_of_failures(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}}))
    platform.world.held["update A"] = asyncio.Event()
    await platform.stacks.update(request("one", template({"A": {"Value": "y"}}), disable_rollback=True))
    await until(lambda: ("update", "A") in platform.world.calls)
    del platform.world.held["update A"]
    await platform.stacks.cancel_update(ACCOUNT, REGION, "one")
    await platform.stacks.finished(stack)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    await platform.close()


async def test_a_deletion_that_was_cut_is_told_once(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    world = platform.world
    stack = await platform.create("one", template({"A": {}}))
    world.held["delete A"] = asyncio.Event()
    await platform.stacks.delete(ACCOUNT, REGION, "one")
    await until(lambda: ("delete", "A") in world.calls)
    await platform.close()
    world.held.clear()
    again = await Platform.open(tmp_path, SystemClock(), world)
    await again.stacks.start()
    stack = await again.stacks.finished(again.stacks.find(ACCOUNT, REGION, stack.id))
    assert stack.status == "DELETE_COMPLETE"
    told = [status for name, status, _ in await again.events(stack) if name == "A"]
    assert told[-2:] == ["DELETE_IN_PROGRESS", "DELETE_COMPLETE"]
    assert told.count("DELETE_IN_PROGRESS") == 1
    await again.close()
