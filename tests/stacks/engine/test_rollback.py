"""Going back: from creations that fail, from updates that are cancelled, and when that fails as well."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from tests.stacks.engine.world import ACCOUNT, REGION, Platform, request, template

from lambent.clock import SystemClock
from lambent.stacks.errors import ResourceFailure, TokenExists, ValidationError
from lambent.stacks.providers.work import StepWork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lambent.stacks.providers.provider import Work

BODY = template(
    {
        "A": {"Name": "a"},
        "B": {"Name": "b", "DependsOn": "A", "DeletionPolicy": "Retain"},
        "C": {"Name": "c", "DependsOn": "A", "DeletionPolicy": "RetainExceptOnCreate"},
        "D": {"Name": "d", "DependsOn": ["B", "C"]},
        "E": {"Name": "e", "DependsOn": "D"},
    }
)


def failing(*steps: str) -> Callable[[str, Work], None]:
    """Steps, like `create D`, that fail."""

    def fail(what: str, work: Work) -> None:
        if f"{what} {work.logical_id}" in steps:
            raise ResourceFailure("no", "InvalidRequest", reason="no")

    return fail


@pytest.mark.parametrize(
    ("members", "status", "reason", "left"),
    [
        ({}, "ROLLBACK_COMPLETE", None, {"b"}),
        ({"retain_except_on_create": True}, "ROLLBACK_COMPLETE", None, set()),
        ({"on_failure": "DELETE"}, "DELETE_COMPLETE", None, {"b"}),
        (
            {"disable_rollback": True},
            "CREATE_FAILED",
            "The following resource(s) failed to create: [D]. ",
            {"a", "b", "c", "d"},
        ),
    ],
)
async def test_a_creation_that_fails(
    tmp_path: Path, members: dict[str, object], status: str, reason: str | None, left: set[str]
) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.fail = failing("create D")
    stack = await platform.create("one", BODY, **members)
    events = await platform.events(stack)
    assert (stack.status, stack.reason) == (status, reason)
    assert set(platform.world.things) == left
    failed = events.index(("D", "CREATE_FAILED", "no"))
    if status != "CREATE_FAILED":
        what, word = ("Delete", "DELETE") if "on_failure" in members else ("Rollback", "ROLLBACK")
        assert events[failed + 1] == (
            "one",
            f"{word}_IN_PROGRESS",
            f"The following resource(s) failed to create: [D]. {what} requested by user.",
        )
        skipped = [name for name, status, _ in events if status == "DELETE_SKIPPED"]
        assert skipped == (["B"] if left else [])
        assert {resource.status for resource in stack.resources.values()} <= {
            "DELETE_COMPLETE",
            "DELETE_SKIPPED",
        }
    await platform.close()


async def test_others_are_cancelled_when_one_fails(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.held["create A"] = asyncio.Event()
    platform.world.fail = failing("create B")
    stack = await platform.create("one", template({"A": {"Name": "a"}, "B": {"Name": "b"}}))
    events = await platform.events(stack)
    assert ("A", "CREATE_FAILED", "Resource creation cancelled") in events
    reason = next(reason for _, status, reason in events if status == "ROLLBACK_IN_PROGRESS")
    assert reason == "The following resource(s) failed to create: [A, B]. Rollback requested by user."
    assert stack.status == "ROLLBACK_COMPLETE"
    assert platform.world.things == {}
    await platform.close()


async def test_a_creation_that_failed_is_tried_again_or_taken_back(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    platform.world.fail = failing("create D")
    stack = await platform.create("one", BODY, disable_rollback=True)
    await platform.update("one", BODY, disable_rollback=True)
    assert stack.status == "UPDATE_FAILED"
    platform.world.fail = failing()
    await platform.update("one", BODY)
    assert stack.status == "UPDATE_COMPLETE"
    assert set(platform.world.things) == {"a", "b", "c", "d", "e"}
    await platform.delete(stack)
    platform.world.things.clear()
    platform.world.fail = failing("create D")
    stack = await platform.create("one", BODY, disable_rollback=True)
    await platform.stacks.rollback(ACCOUNT, REGION, "one")
    await platform.stacks.finished(stack)
    assert stack.status == "ROLLBACK_COMPLETE"
    assert set(platform.world.things) == {"b"}
    with pytest.raises(ValidationError, match="is in ROLLBACK_COMPLETE state and can not be updated"):
        await platform.update("one", BODY)
    await platform.close()


async def test_an_update_that_failed_is_taken_back(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}, "B": {"Name": "b"}}))
    before = dict(platform.world.things)
    platform.world.fail = failing("create C")
    body = template({"A": {"Value": "y"}, "B": {"Name": "bb", "DependsOn": "A"}, "C": {"DependsOn": "B"}})
    await platform.update("one", body, disable_rollback=True)
    assert (stack.status, stack.reason) == (
        "UPDATE_FAILED",
        "The following resource(s) failed to create: [C]. ",
    )
    assert "bb" in platform.world.things
    again = template({"A": {"Value": "z"}, "B": {"Name": "bbb", "DependsOn": "A"}, "C": {"DependsOn": "B"}})
    await platform.update("one", again, disable_rollback=True)
    assert stack.status == "UPDATE_FAILED"
    await platform.stacks.rollback(ACCOUNT, REGION, "one")
    await platform.stacks.finished(stack)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert platform.world.things == before
    await platform.close()


async def test_an_update_is_cancelled(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}, "B": {"Name": "b"}}))
    before = dict(platform.world.things)
    platform.world.held["create C"] = asyncio.Event()
    with pytest.raises(ValidationError, match="CancelUpdateStack cannot be called from current stack status"):
        await platform.stacks.cancel_update(ACCOUNT, REGION, "one")
    await platform.stacks.update(
        request("one", template({"A": {"Value": "y"}, "B": {"Name": "b"}, "C": {"DependsOn": "A"}}))
    )
    while ("create", "C") not in platform.world.calls:
        await asyncio.sleep(0)
    with pytest.raises(ValidationError, match="is in UPDATE_IN_PROGRESS state and can not be updated"):
        await platform.update("one", template({"A": {}}))
    with pytest.raises(ValidationError, match="cannot be deleted while in status UPDATE_IN_PROGRESS"):
        await platform.delete(stack)
    await platform.stacks.cancel_update(ACCOUNT, REGION, "one")
    await platform.stacks.finished(stack)
    assert ("one", "UPDATE_ROLLBACK_IN_PROGRESS", "User Initiated") in await platform.events(stack)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert platform.world.things == before
    await platform.close()


async def test_a_way_back_that_fails_is_continued(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {"Name": "a"}, "B": {"Name": "b", "DependsOn": "A"}}))
    body = template(
        {
            "A": {"Name": "a", "Value": "y"},
            "B": {"Name": "b", "Value": "y", "DependsOn": "A"},
            "C": {"DependsOn": "B"},
        }
    )
    made = 0

    def fail(what: str, work: Work) -> None:
        nonlocal made
        if what == "create":
            made = 1
            raise ResourceFailure("no", reason="no")
        if made and work.logical_id == "A":
            raise ResourceFailure("never", reason="never")

    platform.world.fail = fail
    await platform.update("one", body)
    assert (stack.status, stack.reason) == (
        "UPDATE_ROLLBACK_FAILED",
        "The following resource(s) failed to update: [A]. ",
    )
    with pytest.raises(ValidationError, match=r"Resource \[B\] is in UPDATE_COMPLETE state"):
        await platform.stacks.continue_rollback(ACCOUNT, REGION, "one", skip=["B"])
    await platform.stacks.continue_rollback(ACCOUNT, REGION, "one")
    await platform.stacks.finished(stack)
    assert stack.status == "UPDATE_ROLLBACK_FAILED"
    await platform.stacks.continue_rollback(ACCOUNT, REGION, "one", skip=["A"])
    await platform.stacks.finished(stack)
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    assert platform.world.things["b"]["properties"]["Value"] == "x"
    assert set(platform.world.things) == {"a", "b"}
    await platform.close()


@pytest.mark.parametrize(
    ("touched", "status"), [(False, "UPDATE_ROLLBACK_COMPLETE"), (True, "UPDATE_ROLLBACK_FAILED")]
)
async def test_an_update_that_has_changed_nothing_needs_no_way_back(
    tmp_path: Path, touched: bool, status: str
) -> None:
    def refused(what: str, work: Work) -> None:
        # Both ways, as a service that has neither the operation that sets it nor the one that takes it away.
        if what == "update":
            assert isinstance(work, StepWork)
            work.touched = touched
            raise ResourceFailure("no", "InvalidRequest", reason="no")

    platform = await Platform.open(tmp_path, SystemClock())
    try:
        stack = await platform.create("one", template({"A": {"Name": "a", "Value": "1"}}))
        platform.world.fail = refused
        stack = await platform.update("one", template({"A": {"Name": "a", "Value": "2"}}))
        assert stack.status == status
        if not touched:
            happened = [(name, to) for name, to, _ in await platform.events(stack) if name == "A"]
            assert happened[-4:] == [
                ("A", "UPDATE_IN_PROGRESS"),
                ("A", "UPDATE_FAILED"),
                ("A", "UPDATE_IN_PROGRESS"),
                ("A", "UPDATE_COMPLETE"),
            ]
    finally:
        await platform.close()


async def test_what_an_update_could_not_even_begin_to_make(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {"Name": "a"}}))
    # One has no name of its own when it fails, the other's properties cannot be resolved.
    taken = {"Name": "a"}
    missing = {"Value": {"Fn::Select": ["1", {"Fn::Split": ["/", {"Ref": "Made"}]}]}}
    for new in ({"New": taken}, {"New": missing, "Made": {"Name": "made"}}):
        since = len(await platform.events(stack))
        await platform.update("one", template({"A": {"Name": "a"}, **new}))
        events = [(name, status) for name, status, _ in await platform.events(stack, since)]
        cleanup = events[events.index(("one", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")) :]
        assert ("New", "CREATE_FAILED") in events
        assert ("New", "DELETE_COMPLETE") in cleanup
        assert ("New", "DELETE_IN_PROGRESS") not in cleanup
        assert list(stack.resources) == ["A"]
    assert set(platform.world.things) == {"a"}
    await platform.close()


async def test_a_token_is_for_one_request(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}}), token="t")
    asked = request("one", template({"A": {"Value": "y"}}), token="u")
    for _ in range(2):
        assert await platform.stacks.finished(await platform.stacks.update(asked)) is stack
    assert stack.operations == 2
    with pytest.raises(TokenExists):
        await platform.stacks.update(request("one", template({"A": {"Value": "z"}}), token="u"))
    await platform.close()
