"""Deletions: what stays, what fails, and what is in the way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.stacks.engine.test_rollback import failing
from tests.stacks.engine.world import ACCOUNT, REGION, Platform, request, template

from lambent.clock import SystemClock
from lambent.stacks.errors import StackExists, StackNotFound, ValidationError

if TYPE_CHECKING:
    from pathlib import Path

BODY = template({"A": {"Name": "a"}, "B": {"Name": "b", "DependsOn": "A"}, "C": {"Name": "c"}})


async def test_what_cannot_be_deleted_is_tried_again_retained_or_left(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", BODY)
    begun = len(await platform.events(stack))
    platform.world.fail = failing("delete B")
    with pytest.raises(
        ValidationError, match="Specify resources to retain only when the current stack state is"
    ):
        await platform.delete(stack, retain=["B"])
    await platform.delete(stack)
    assert (stack.status, stack.reason) == (
        "DELETE_FAILED",
        "The following resource(s) failed to delete: [B]. ",
    )
    assert sorted(await platform.events(stack, begun + 1))[:4] == [
        ("B", "DELETE_FAILED", "no"),
        ("B", "DELETE_IN_PROGRESS", None),
        ("C", "DELETE_COMPLETE", None),
        ("C", "DELETE_IN_PROGRESS", None),
    ]
    assert set(platform.world.things) == {"a", "b"}
    with pytest.raises(StackExists, match=r"Stack \[one\] already exists"):
        await platform.create("one", BODY)
    with pytest.raises(ValidationError, match=r"resources \[N\] to retain do not exist in stack one"):
        await platform.delete(stack, retain=["B", "N"])
    await platform.delete(stack, retain=["B"])
    assert stack.status == "DELETE_COMPLETE"
    assert set(platform.world.things) == {"b"}
    again = await platform.create(
        "one", template({"A": {"Name": "a"}, "B": {"Name": "bb", "DependsOn": "A"}})
    )
    assert again.id != stack.id
    assert platform.stacks.find(ACCOUNT, REGION, stack.id) is stack
    await platform.delete(again)
    await platform.delete(again, force=True)
    assert again.status == "DELETE_COMPLETE"
    assert ("B", "DELETE_SKIPPED", "no") in await platform.events(again)
    with pytest.raises(StackNotFound, match="Stack with id one does not exist"):
        platform.stacks.find(ACCOUNT, REGION, "one")
    await platform.stacks.delete(ACCOUNT, REGION, "one")
    await platform.close()


async def test_deletion_policies(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    body = {
        "A": {"Name": "a", "DeletionPolicy": "Retain"},
        "B": {"Name": "b", "DeletionPolicy": "RetainExceptOnCreate"},
        "C": {"Name": "c", "DeletionPolicy": "Delete", "UpdateReplacePolicy": "Retain"},
    }
    stack = await platform.create("one", template(body))
    await platform.update("one", template({**body, "C": {**body["C"], "Name": "cc"}}))
    assert set(platform.world.things) == {"a", "b", "c", "cc"}
    await platform.delete(stack)
    assert stack.status == "DELETE_COMPLETE"
    assert set(platform.world.things) == {"a", "b", "c"}
    await platform.close()


async def test_protected_stacks_stay(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", BODY, termination_protection=True)
    with pytest.raises(ValidationError) as refused:
        await platform.delete(stack)
    assert str(refused.value) == "Stack [one] cannot be deleted while TerminationProtection is enabled"
    await platform.stacks.set_termination_protection(ACCOUNT, REGION, "one", False)
    await platform.delete(stack)
    assert stack.status == "DELETE_COMPLETE"
    await platform.close()


async def test_exports_that_are_imported_stay_as_they_are(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())

    def exporting(value: str, name: str = "shared") -> str:
        outputs = {"Out": {"Value": value, "Export": {"Name": name}}}
        return template({"A": {"Value": value}}, Outputs=outputs)

    one = await platform.create("one", exporting("x"))
    user = await platform.create("user", template({"A": {"Value": {"Fn::ImportValue": "shared"}}}))
    assert platform.stacks.imports(ACCOUNT, REGION, "shared") == ["user"]
    await platform.update("one", exporting("y"))
    assert (one.status, await _went_back(platform, "one")) == (
        "UPDATE_ROLLBACK_COMPLETE",
        "Cannot update export shared as it is in use by user.",
    )
    await platform.update("one", exporting("x", "other"))
    refused = "Delete canceled. Cannot delete export shared as it is in use by user."
    assert await _went_back(platform, "one") == refused
    other = await platform.create("two", exporting("z"))
    assert (
        "two",
        "ROLLBACK_IN_PROGRESS",
        "Export with name shared is already exported by stack one. Rollback requested by user.",
    ) in await platform.events(other)
    await platform.delete(one)
    assert (one.status, one.reason) == (
        "UPDATE_ROLLBACK_COMPLETE",
        "Delete canceled. Cannot delete export shared as it is in use by user.",
    )
    await platform.delete(user)
    with pytest.raises(ValidationError, match="Export 'shared' is not imported by any stack"):
        platform.stacks.imports(ACCOUNT, REGION, "shared")
    await platform.delete(one)
    assert one.status == "DELETE_COMPLETE"
    assert platform.stacks.exports(ACCOUNT, REGION) == []
    missing = await platform.create("user", template({"A": {"Value": {"Fn::ImportValue": "shared"}}}))
    assert missing.status == "ROLLBACK_COMPLETE"
    await platform.close()


async def _went_back(platform: Platform, name: str) -> str | None:
    stack = platform.stacks.find(ACCOUNT, REGION, name)
    events = await platform.events(stack)
    return [reason for _, status, reason in events if status == "UPDATE_ROLLBACK_IN_PROGRESS"][-1]


async def test_what_goes_back_is_deleted(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.held["delete B"] = asyncio.Event()
    platform.world.fail = failing("create C")
    body = template(
        {"A": {"Name": "a"}, "B": {"Name": "b", "DependsOn": "A"}, "C": {"Name": "c", "DependsOn": "B"}}
    )
    stack = await platform.stacks.create(request("one", body))
    while ("delete", "B") not in platform.world.calls:
        await asyncio.sleep(0)
    assert stack.status == "ROLLBACK_IN_PROGRESS"
    await platform.stacks.delete(ACCOUNT, REGION, "one")
    platform.world.held.clear()
    await platform.stacks.finished(stack)
    assert stack.status == "DELETE_COMPLETE"
    assert platform.world.things == {}
    await platform.close()
