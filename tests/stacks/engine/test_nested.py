"""Stacks in stacks: made, changed and removed with their parents, and never for good before these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.stacks.engine.test_rollback import failing
from tests.stacks.engine.world import ACCOUNT, REGION, Platform, request, template

from lambent.clock import SystemClock
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.limits import DEEPEST

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.stacks.providers.provider import Work
    from lambent.stacks.records import ChangeSet, Stack

PARAMETERS = {"Value": {"Type": "String", "Default": "x"}}


def child(*names: str, **members: Any) -> str:
    """A template with things of these names, all with the parameter's value."""
    return template(
        {name.upper(): {"Name": name, "Value": {"Ref": "Value"}, **members} for name in names},
        Parameters=PARAMETERS,
        Outputs={"Out": {"Value": {"Ref": "Value"}}},
    )


def parent(value: str = "x", url: str = "child", **resources: Any) -> str:
    nested = {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": url, "Parameters": {"Value": value}},
    }
    after = {"Value": {"Fn::GetAtt": ["Child", "Outputs.Out"]}, "Name": "after"}
    return template({"Child": nested, "After": after, **resources})


def child_of(platform: Platform, stack: Stack) -> Stack:
    return platform.stacks.find(ACCOUNT, REGION, stack.resources["Child"].physical_id)


def nested_of(platform: Platform, change_set: ChangeSet) -> ChangeSet:
    ids = [change["ChangeSetId"] for change in change_set.changes if change["LogicalResourceId"] == "Child"]
    return platform.stacks.change_set(ACCOUNT, REGION, ids[0])


async def test_life_of_a_nested_stack(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.templates.update(child=child("a", "b"), other=child("a", "c"))
    stack = await platform.create("one", parent(), tags={"team": "t"})
    nested = child_of(platform, stack)
    assert (stack.status, nested.status) == ("CREATE_COMPLETE", "CREATE_COMPLETE")
    assert (nested.parent_id, nested.root_id, nested.tags) == (stack.id, stack.id, {"team": "t"})
    assert nested.name.startswith("one-Child-")
    assert platform.world.things["after"]["properties"]["Value"] == "x"
    await platform.update("one", parent("y", "other"), tags={"team": "t"})
    await platform.stacks.finished(nested)
    assert (stack.status, nested.status) == ("UPDATE_COMPLETE", "UPDATE_COMPLETE")
    assert set(platform.world.things) == {"a", "c", "after"}
    assert {thing["properties"]["Value"] for thing in platform.world.things.values()} == {"y"}
    await platform.delete(stack)
    assert (stack.status, nested.status) == ("DELETE_COMPLETE", "DELETE_COMPLETE")
    assert platform.world.things == {}
    await platform.close()


async def test_a_nested_stack_that_cannot_be_made(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.templates["child"] = child("a", "b")
    platform.world.fail = failing("create B")
    stack = await platform.create("one", parent())
    nested = next(one for one in platform.stacks.stacks(ACCOUNT, REGION) if one.parent_id)
    assert (stack.status, nested.status) == ("ROLLBACK_COMPLETE", "DELETE_COMPLETE")
    assert (
        "Child",
        "CREATE_FAILED",
        f"Embedded stack {nested.id} was not successfully created: The following resource(s) failed to create: [B]. ",
    ) in await platform.events(stack)
    assert platform.world.things == {}
    await platform.close()


async def test_the_parent_goes_back_after_the_child_was_updated(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.templates["child"] = child("a", "b")
    stack = await platform.create("one", parent())
    before = dict(platform.world.things)
    nested = child_of(platform, stack)
    # The template at the same place is another one now.
    platform.world.templates["child"] = child("a", "c")
    platform.world.fail = failing("create Bad")
    await platform.update("one", parent("y", Bad={"DependsOn": "Child"}))
    statuses = [status for name, status, _ in await platform.events(nested) if name == nested.name]
    assert statuses[-5:] == [
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
    ]
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert platform.world.things == before
    assert [output.value for output in nested.outputs] == ["x"]
    await platform.close()


async def test_a_child_whose_update_fails_goes_back_with_its_parent(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.templates.update(child=child("a"), other=child("a", "c"))
    stack = await platform.create("one", parent())
    before = dict(platform.world.things)
    nested = child_of(platform, stack)
    platform.world.fail = failing("create C")
    await platform.update("one", parent("y", "other"))
    assert (stack.status, nested.status) == ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    assert platform.world.things == before
    await platform.close()


async def test_nested_change_sets(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.templates.update(child=child("a"), other=child("a", "c"))
    asked = request("one", parent(), change_set_name="first", change_set_type="CREATE", include_nested=True)
    first = await platform.stacks.create_change_set(asked)
    await platform.stacks._change_sets.settled(first)
    stack = platform.stacks.find(ACCOUNT, REGION, "one")
    nested = nested_of(platform, first)
    assert (nested.parent_id, nested.root_id, nested.status) == (first.id, first.id, "CREATE_COMPLETE")
    assert [change["LogicalResourceId"] for change in nested.changes] == ["A"]
    await platform.stacks.execute_change_set(ACCOUNT, REGION, first.id)
    await platform.stacks.finished(stack)
    assert (stack.status, child_of(platform, stack).id) == ("CREATE_COMPLETE", nested.stack_id)
    assert nested.execution_status == "EXECUTE_COMPLETE"
    asked = request("one", parent("y", "other"), change_set_name="second", include_nested=True)
    second = await platform.stacks.create_change_set(asked)
    await platform.stacks._change_sets.settled(second)
    nested = nested_of(platform, second)
    assert {change["LogicalResourceId"]: change["Action"] for change in nested.changes} == {
        "A": "Modify",
        "C": "Add",
    }
    await platform.stacks.delete_change_set(ACCOUNT, REGION, second.id)
    assert nested not in platform.stacks.change_sets(child_of(platform, stack))
    await platform.close()


async def test_a_resource_of_a_nested_stack_is_skipped(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.templates["child"] = child("a", "b")
    stack = await platform.create("one", parent())
    nested = child_of(platform, stack)
    changed = False

    def fail(what: str, work: Work) -> None:
        nonlocal changed
        changed = changed or (what == "update" and work.properties["Value"] == "y")
        back = changed and what == "update" and work.properties["Value"] == "x"
        if (back and work.logical_id == "A") or (what, work.logical_id) == ("create", "BAD"):
            raise ResourceFailure("no", reason="no")

    platform.world.fail = fail
    await platform.update("one", parent("y", BAD={"DependsOn": "Child"}))
    assert (stack.status, nested.status) == ("UPDATE_ROLLBACK_FAILED", "UPDATE_ROLLBACK_FAILED")
    assert stack.resources["Child"].reason is not None
    assert "Currently in UPDATE_ROLLBACK_FAILED with reason" in stack.resources["Child"].reason
    await platform.stacks.continue_rollback(ACCOUNT, REGION, "one", skip=[f"{nested.name}.A"])
    await platform.stacks.finished(stack)
    assert (stack.status, nested.status) == ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    values = {name: thing["properties"]["Value"] for name, thing in platform.world.things.items()}
    assert values == {"a": "y", "b": "x", "after": "x"}
    await platform.close()


async def test_the_parent_goes_on_after_a_failure_that_it_has_kept(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.templates["child"] = child("a", "b")
    stack = await platform.create("one", parent())
    before = dict(platform.world.things)
    nested = child_of(platform, stack)
    platform.world.fail = failing("create BAD")
    bad: Any = {"BAD": {"DependsOn": "Child"}}
    await platform.update("one", parent("y", **bad), disable_rollback=True)
    assert (stack.status, nested.status) == ("UPDATE_FAILED", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    await platform.update("one", parent("z", **bad), disable_rollback=True)
    assert (stack.status, nested.status) == ("UPDATE_FAILED", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    await platform.stacks.rollback(ACCOUNT, REGION, "one")
    await platform.stacks.finished(stack)
    assert (stack.status, nested.status) == ("UPDATE_ROLLBACK_COMPLETE", "UPDATE_ROLLBACK_COMPLETE")
    assert platform.world.things == before
    await platform.update("one", parent("y", **bad), disable_rollback=True)
    await platform.update("one", parent("z"))
    await platform.stacks.finished(nested)
    assert (stack.status, nested.status) == ("UPDATE_COMPLETE", "UPDATE_COMPLETE")
    assert {thing["properties"]["Value"] for thing in platform.world.things.values()} == {"z"}
    await platform.update("one", parent("y", **bad), disable_rollback=True)
    await platform.delete(stack)
    assert (stack.status, nested.status) == ("DELETE_COMPLETE", "DELETE_COMPLETE")
    assert platform.world.things == {}
    await platform.close()


async def test_a_template_that_nests_itself_ends(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    nested = {"Type": "AWS::CloudFormation::Stack", "Properties": {"TemplateURL": "itself"}}
    platform.world.templates["itself"] = template({"Child": nested, "A": {}})
    stack = await platform.create("one", platform.world.templates["itself"])
    assert stack.status == "ROLLBACK_COMPLETE"
    everyone = platform.stacks.stacks(ACCOUNT, REGION)
    assert len(everyone) == DEEPEST + 1
    assert [one.name for one in everyone if one.status != "DELETE_COMPLETE"] == ["one"]
    assert not platform.world.things
    await platform.close()
