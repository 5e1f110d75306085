"""Creations: order, events, outputs, and going back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.stacks.engine.world import ACCOUNT, REGION, Platform, request, template

from lambent.clock import SystemClock

if TYPE_CHECKING:
    from pathlib import Path


async def test_resources_are_made_in_order_of_their_needs(tmp_path: Path) -> None:
    platform = await Platform.open(tmp_path, SystemClock())
    body = template(
        {"B": {"Value": {"Fn::GetAtt": ["A", "Length"]}}, "A": {"Name": "first"}},
        Outputs={"Of": {"Value": {"Ref": "B"}, "Export": {"Name": "of-b"}}},
    )
    stack = await platform.stacks.create(request("one", body))
    assert stack.status == "CREATE_IN_PROGRESS"
    await platform.stacks.finished(stack)
    assert [(name, status, reason) for name, status, reason in await platform.events(stack)] == [
        ("one", "CREATE_IN_PROGRESS", "User Initiated"),
        ("A", "CREATE_IN_PROGRESS", None),
        ("A", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("A", "CREATE_COMPLETE", None),
        ("B", "CREATE_IN_PROGRESS", None),
        ("B", "CREATE_IN_PROGRESS", "Resource creation Initiated"),
        ("B", "CREATE_COMPLETE", None),
        ("one", "CREATE_COMPLETE", None),
    ]
    made = stack.resources["B"].physical_id
    assert platform.world.things[made]["properties"] == {"Type": "String", "Value": "5"}
    assert [(output.key, output.value) for output in stack.outputs] == [("Of", made)]
    assert [export.name for export in platform.stacks.exports(ACCOUNT, REGION)] == ["of-b"]
    await platform.stacks.delete(ACCOUNT, REGION, "one")
    await platform.stacks.finished(stack)
    assert stack.status == "DELETE_COMPLETE"
    assert platform.world.things == {}
    assert [name for what, name in platform.world.calls if what == "delete"] == ["B", "A"]
    await platform.close()
