"""Change sets: how they come to be, are executed, and go."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
from tests.stacks.engine.test_rollback import failing
from tests.stacks.engine.world import ACCOUNT, REGION, Platform, request, template

from lambent.clock import SystemClock
from lambent.stacks.errors import ChangeSetNotFound, InvalidChangeSetStatus, StackExists, ValidationError

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.stacks.records import ChangeSet


async def change_set(
    platform: Platform, name: str, body: str, kind: str = "UPDATE", **members: Any
) -> ChangeSet:
    asked = request("one", body, change_set_name=name, change_set_type=kind, **members)
    return await platform.stacks._change_sets.settled(await platform.stacks.create_change_set(asked))


async def test_a_stack_is_made_by_a_change_set(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    made = await change_set(platform, "first", template({"A": {}}), "CREATE")
    other = await change_set(platform, "other", template({"B": {}}), "CREATE")
    stack = platform.stacks.find(ACCOUNT, REGION, "one")
    assert (stack.status, stack.reason) == ("REVIEW_IN_PROGRESS", "User Initiated")
    assert (made.status, made.execution_status) == ("CREATE_COMPLETE", "AVAILABLE")
    assert made.changes == [
        {
            "Action": "Add",
            "LogicalResourceId": "A",
            "ResourceType": "AWS::SSM::Parameter",
            "Scope": [],
            "Details": [],
        }
    ]
    await platform.stacks.execute_change_set(ACCOUNT, REGION, "first", "one")
    await platform.stacks.finished(stack)
    assert stack.status == "CREATE_COMPLETE"
    assert made.execution_status == "EXECUTE_COMPLETE"
    assert platform.stacks.change_sets(stack) == [made]
    with pytest.raises(ChangeSetNotFound, match="does not exist"):
        platform.stacks.change_set(ACCOUNT, REGION, other.id)
    with pytest.raises(InvalidChangeSetStatus, match=r"current execution status of \[EXECUTE_COMPLETE\]"):
        await platform.stacks.execute_change_set(ACCOUNT, REGION, made.id)
    with pytest.raises(ValidationError) as refused:
        await change_set(platform, "again", template({"A": {}}), "CREATE")
    assert str(refused.value) == (
        "Stack [one] already exists and cannot be created again with the changeSet [again]."
    )
    nothing = await change_set(platform, "nothing", template({"A": {}}))
    assert (nothing.status, nothing.execution_status) == ("FAILED", "UNAVAILABLE")
    assert nothing.reason == (
        "The submitted information didn't contain changes. Submit different information to create a change set."
    )
    with pytest.raises(
        InvalidChangeSetStatus, match=r"cannot be executed in its current status of \[FAILED\]"
    ):
        await platform.stacks.execute_change_set(ACCOUNT, REGION, nothing.id)
    more = await change_set(platform, "more", template({"A": {"Value": "y"}}))
    assert [change["Action"] for change in more.changes] == ["Modify"]
    await platform.stacks.execute_change_set(ACCOUNT, REGION, more.id)
    await platform.stacks.finished(stack)
    assert stack.status == "UPDATE_COMPLETE"
    left = await change_set(platform, "left", template({"A": {"Value": "z"}}))
    await platform.delete(stack)
    assert platform.stacks.change_set(ACCOUNT, REGION, more.id).execution_status == "EXECUTE_COMPLETE"
    with pytest.raises(ChangeSetNotFound, match="does not exist"):
        platform.stacks.change_set(ACCOUNT, REGION, left.id)
    await platform.close()


async def test_a_direct_creation_makes_change_sets_obsolete(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    made = await change_set(platform, "first", template({"A": {}}), "CREATE")
    stack = await platform.create("one", template({"A": {}}))
    assert stack.id == made.stack_id
    assert stack.status == "CREATE_COMPLETE"
    assert made.execution_status == "OBSOLETE"
    await platform.close()


async def test_imports(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}}))
    platform.world.things["there"] = {
        "properties": {"Name": "there", "Type": "String", "Value": "x"},
        "token": "",
    }
    body = template({"A": {}, "B": {"Name": "there", "DeletionPolicy": "Retain"}})
    wanted = [
        {
            "ResourceType": "AWS::SSM::Parameter",
            "LogicalResourceId": "B",
            "ResourceIdentifier": {"Name": "there"},
        }
    ]
    begun = len(await platform.events(stack))
    made = await change_set(platform, "import", body, "IMPORT", resources_to_import=wanted)
    assert [change["Action"] for change in made.changes] == ["Import"]
    await platform.stacks.execute_change_set(ACCOUNT, REGION, made.id)
    await platform.stacks.finished(stack)
    assert [(name, status) for name, status, _ in await platform.events(stack, begun)] == [
        ("one", "IMPORT_IN_PROGRESS"),
        ("B", "IMPORT_IN_PROGRESS"),
        ("B", "IMPORT_COMPLETE"),
        ("B", "UPDATE_IN_PROGRESS"),
        ("B", "UPDATE_COMPLETE"),
        ("one", "IMPORT_COMPLETE"),
    ]
    assert stack.resources["B"].physical_id == "there"
    await platform.close()


async def test_an_import_of_what_is_not_there(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}}))
    there = dict(platform.world.things)
    body = template({"A": {}, "B": {"Name": "missing", "DeletionPolicy": "Retain"}})
    wanted = [
        {
            "ResourceType": "AWS::SSM::Parameter",
            "LogicalResourceId": "B",
            "ResourceIdentifier": {"Name": "missing"},
        }
    ]
    made = await change_set(platform, "import", body, "IMPORT", resources_to_import=wanted)
    await platform.stacks.execute_change_set(ACCOUNT, REGION, made.id)
    await platform.stacks.finished(stack)
    assert (stack.status, set(stack.resources)) == ("IMPORT_ROLLBACK_COMPLETE", {"A"})
    assert made.execution_status == "EXECUTE_FAILED"
    assert platform.world.things == there
    await platform.close()


async def test_what_is_being_found_out_is_found_out_by_the_next_platform(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    made = await change_set(platform, "first", template({"A": {}}), "CREATE")
    made.status, made.execution_status, made.changes = "CREATE_IN_PROGRESS", "UNAVAILABLE", []
    await platform.stacks.ledger.entry().change_set(made).write()
    await platform.close()
    platform = await Platform.open(tmp_path, SystemClock())
    await platform.stacks.start()
    again = platform.stacks.change_set(ACCOUNT, REGION, made.id)
    await platform.stacks._change_sets.settled(again)
    assert (again.status, len(again.changes)) == ("CREATE_COMPLETE", 1)
    await platform.close()


async def test_what_is_there_already_is_imported_when_asked_for(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    there = {"properties": {"Name": "there", "Type": "String", "Value": "x"}, "token": ""}
    platform.world.things["there"] = there
    body = template(
        {
            "A": {"Name": "there", "DeletionPolicy": "RetainExceptOnCreate"},
            "B": {"Name": "new", "DeletionPolicy": "Retain", "DependsOn": "A"},
        }
    )
    made = await change_set(platform, "first", body, "CREATE", import_existing=True)
    assert [(change["LogicalResourceId"], change["Action"]) for change in made.changes] == [
        ("A", "Import"),
        ("B", "Add"),
    ]
    platform.world.fail = failing("create B")
    await platform.stacks.execute_change_set(ACCOUNT, REGION, made.id)
    stack = await platform.stacks.finished(platform.stacks.find(ACCOUNT, REGION, "one"))
    assert stack.status == "ROLLBACK_COMPLETE"
    assert platform.world.things["there"] == there
    await platform.delete(stack)
    platform.world.things.pop("new", None)
    platform.world.fail = failing()
    made = await change_set(platform, "again", body, "CREATE", import_existing=True)
    await platform.stacks.execute_change_set(ACCOUNT, REGION, made.id)
    stack = await platform.stacks.finished(platform.stacks.find(ACCOUNT, REGION, "one"))
    assert (stack.status, stack.resources["A"].physical_id) == ("CREATE_COMPLETE", "there")
    assert ("A", "IMPORT_COMPLETE", "Resource import completed.") in await platform.events(stack)
    await platform.close()


async def test_only_one_of_two_at_once(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    asked = [
        request("one", template({"A": {}}), change_set_name="same", change_set_type="CREATE")
        for _ in range(3)
    ]
    outcomes = await asyncio.gather(*map(platform.stacks.create_change_set, asked), return_exceptions=True)
    assert sum(isinstance(outcome, StackExists) for outcome in outcomes) == 2
    made = platform.stacks.change_set(ACCOUNT, REGION, "same", "one")
    executions = [platform.stacks.execute_change_set(ACCOUNT, REGION, made.id) for _ in range(3)]
    ended = await asyncio.gather(
        *executions,
        platform.stacks.create(request("one", template({"A": {}}))),
        platform.stacks.delete_change_set(ACCOUNT, REGION, made.id),
        return_exceptions=True,
    )
    assert sum(not isinstance(outcome, Exception) for outcome in ended[:4]) == 1, ended
    await platform.stacks.finished(platform.stacks.find(ACCOUNT, REGION, "one"))
    assert len(platform.world.things) == 1
    await platform.close()


async def test_accounts_are_apart(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}}))
    made = await change_set(platform, "mine", template({"B": {}}))
    other = "111111111111"
    with pytest.raises(ChangeSetNotFound):
        platform.stacks.change_set(other, REGION, made.id)
    with pytest.raises(ChangeSetNotFound):
        await platform.stacks.execute_change_set(other, REGION, made.id)
    with pytest.raises(ValidationError, match="does not exist"):
        platform.stacks.change_set(other, REGION, "mine", stack.id)
    asked = request(stack.id, template({"B": {}}), change_set_name="theirs")
    asked.account = other
    for begin in (platform.stacks.update, platform.stacks.create_change_set):
        with pytest.raises(ValidationError, match="does not exist"):
            await begin(asked)
    with pytest.raises(ValidationError, match="does not exist"):
        platform.stacks.find(other, REGION, stack.id)
    await platform.stacks.delete(other, REGION, stack.id)
    assert stack.status == "CREATE_COMPLETE"
    await platform.close()
