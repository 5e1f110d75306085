"""Plans as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.cli.deploy_tables import show_plan
from lambent.deploy.plan import Change, Difference, Plan

if TYPE_CHECKING:
    import pytest


def test_values_that_nobody_knows_yet_are_said_so(capsys: pytest.CaptureFixture[str]) -> None:
    difference = Difference(path="Resource", before="jobs", after="{{changeSet:KNOWN_AFTER_APPLY}}")
    change = Change(action="modify", logical="AppRole", type="AWS::IAM::Role", differences=(difference,))
    show_plan(
        Plan(
            app="a",
            stage="dev",
            stack="a-dev",
            provider="local",
            region="r",
            account="1",
            endpoint="",
            changes=(change,),
        )
    )
    told = capsys.readouterr().out
    assert "Resource: jobs → (known afterwards)" in told
    assert "0 to add, 1 to change, 0 to remove." in told
