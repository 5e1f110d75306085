"""What has changed between two manifests."""

from __future__ import annotations

import pytest

from lambent.deploy.manifest import Manifest, Queue, Route, ScheduleTrigger, Unit
from lambent.dev.differences import differences

UNIT = Unit(name="app", kind="app", handler="app.app", runtime="python3.11", files=("app.py",))


@pytest.mark.parametrize(
    ("before", "after", "lines"),
    [
        ({}, {"routes": (Route(unit="app", method="GET", path="/x"),)}, ["+ route GET /x"]),
        ({"queues": (Queue(name="receipts"),)}, {}, ["- queue receipts"]),
        (
            {"schedules": (ScheduleTrigger(unit="app", name="clean", expression="rate(1 day)"),)},
            {"schedules": (ScheduleTrigger(unit="app", name="clean", expression="rate(2 days)"),)},
            ["~ schedule clean"],
        ),
        ({"units": (UNIT,)}, {"units": (UNIT,)}, []),
    ],
)
def test_differences(before: dict[str, object], after: dict[str, object], lines: list[str]) -> None:
    assert differences(Manifest(app="shop", **before), Manifest(app="shop", **after)) == lines  # type: ignore[arg-type]


def test_other_files_are_no_difference() -> None:
    more = Unit(name="app", kind="app", handler="app.app", runtime="python3.11", files=("app.py", "b.py"))
    assert differences(Manifest(app="shop", units=(UNIT,)), Manifest(app="shop", units=(more,))) == []
