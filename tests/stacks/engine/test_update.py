"""Updates: in place, by replacement, what is removed afterwards, and going back."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

import pytest
from tests.stacks.engine.world import Platform, template

from lambent.clock import SystemClock
from lambent.stacks.errors import ResourceFailure, ValidationError

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.stacks.providers.provider import Work


async def test_in_place_replaced_added_and_removed(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}, "B": {"Name": "b"}, "C": {"Name": "c"}}))
    begun = len(await platform.events(stack))
    body = template(
        {
            "A": {"Value": "y"},
            "B": {"Name": "bb", "DependsOn": "A"},
            "D": {"Value": {"Ref": "B"}, "DependsOn": "B"},
        }
    )
    await platform.update("one", body)
    events = await platform.events(stack, begun)
    assert events[:10] == [
        ("one", "UPDATE_IN_PROGRESS", "User Initiated"),
        ("A", "UPDATE_IN_PROGRESS", None),
        ("A", "UPDATE_COMPLETE", None),
        (
            "B",
            "UPDATE_IN_PROGRESS",
            "Requested update requires the creation of a new physical resource; hence creating one.",
        ),
        ("B", "UPDATE_IN_PROGRESS", "Resource creation Initiated"),
        ("B", "UPDATE_COMPLETE", None),
        ("D", "CREATE_IN_PROGRESS", None),
        ("D", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("D", "CREATE_COMPLETE", None),
        ("one", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", None),
    ]
    assert sorted(events[10:-1]) == [
        ("B", "DELETE_COMPLETE", None),
        ("B", "DELETE_IN_PROGRESS", None),
        ("C", "DELETE_COMPLETE", None),
        ("C", "DELETE_IN_PROGRESS", None),
    ]
    assert events[-1] == ("one", "UPDATE_COMPLETE", None)
    removed = [one for one in await platform.stacks.events(stack) if one.status.startswith("DELETE")]
    assert {one.properties for one in removed} == {None}
    assert all(uuid.UUID(one.id.removeprefix(f"{one.logical_id}-")) for one in removed)
    assert {thing["properties"]["Value"] for thing in platform.world.things.values()} == {"x", "y", "bb"}
    assert set(stack.resources) == {"A", "B", "D"}
    with pytest.raises(ValidationError, match=r"^No updates are to be performed\.$"):
        await platform.update("one", body)
    await platform.close()


async def test_a_failed_update_goes_back(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {}, "B": {"Name": "b"}, "C": {"Name": "c"}}))
    before = dict(platform.world.things)
    begun = len(await platform.events(stack))

    def fail(what: str, work: Work) -> None:
        if what == "create" and work.logical_id == "D":
            raise ResourceFailure("no", "InvalidRequest")

    platform.world.fail = fail
    body = template(
        {
            "A": {"Value": "y"},
            "B": {"Name": "bb", "DependsOn": "A"},
            "D": {"Name": "d", "DependsOn": "B"},
        }
    )
    await platform.update("one", body)
    events = await platform.events(stack, begun)
    failed = next(reason for _, status, reason in events if status == "CREATE_FAILED")
    assert failed is not None
    assert failed.startswith('Resource handler returned message: "no" (RequestToken: ')
    assert failed.endswith(", HandlerErrorCode: InvalidRequest)")
    back = [event[1] for event in events].index("UPDATE_ROLLBACK_IN_PROGRESS")
    assert events[back][2] == "The following resource(s) failed to create: [D]. "
    assert sorted(events[back + 1 : back + 4]) == [
        ("A", "UPDATE_COMPLETE", None),
        ("A", "UPDATE_IN_PROGRESS", None),
        ("B", "UPDATE_COMPLETE", None),
    ]
    assert events[back + 4] == ("one", "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS", None)
    assert sorted(name for name, status, _ in events[back + 5 :] if status == "DELETE_COMPLETE") == ["B", "D"]
    assert events[-1] == ("one", "UPDATE_ROLLBACK_COMPLETE", None)
    assert platform.world.things == before
    assert set(stack.resources) == {"A", "B", "C"}
    with pytest.raises(ValidationError, match="No updates"):
        await platform.update("one", template({"A": {}, "B": {"Name": "b"}, "C": {"Name": "c"}}))
    await platform.close()


async def test_a_custom_name_cannot_be_replaced(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    stack = await platform.create("one", template({"A": {"Name": "a"}}))
    await platform.update("one", template({"A": {"Name": "a", "Description": "replace"}}))
    reasons = [reason for _, status, reason in await platform.events(stack) if status == "UPDATE_FAILED"]
    (reason,) = reasons
    assert reason == (
        "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename a and update "
        "the stack again."
    )
    assert stack.status == "UPDATE_ROLLBACK_COMPLETE"
    await platform.close()
