"""What is said of code in a template, and what is the same without it."""

from __future__ import annotations

from typing import Any

import pytest

from lambent.dev.debugger import Debugging, prepare
from lambent.dev.pipeline import with_code, without_code


def template(folder: str, **more: Any) -> dict[str, Any]:
    return {
        "Resources": {
            "F": {
                "Type": "AWS::Lambda::Function",
                "Properties": {"Code": {"S3Bucket": "hot-reload", "S3Key": folder}, "Handler": "a.b"},
            },
            "G": {"Type": "AWS::Serverless::Function", "Properties": {"InlineCode": "1", **more}},
        }
    }


def test_code_is_no_part_of_the_shape_and_can_be_said_as_it_was() -> None:
    (before, old), (after, new) = without_code(template("/one")), without_code(template("/two"))
    assert before == after
    assert (old, new) == ({"F": "/one"}, {"F": "/two"})
    assert with_code(template("/two"), {**old, "G": "/none", "Gone": "/gone"}) == template("/one")


@pytest.mark.parametrize(
    "published",
    [
        template("/one", AutoPublishAlias="live"),
        {**template("/one"), "Globals": {"Function": {"AutoPublishAlias": "live"}}},
        {"Resources": {**template("/one")["Resources"], "V": {"Type": "AWS::Lambda::Version"}}},
    ],
)
def test_versions_have_the_code_that_the_stack_sets(published: dict[str, Any]) -> None:
    assert with_code(published, {"F": "/old"}) == published
    shape, code = without_code(published)
    assert b"/one" in shape
    assert code == {"F": "/one"}


@pytest.mark.parametrize(
    ("said", "memory"), [({}, 1024), (512, 1024), ("2048", "2048"), ({"Ref": "Memory"}, 1024)]
)
def test_what_is_debugged_may_say_its_properties_in_any_way(said: Any, memory: Any) -> None:
    path = {"Ref": "Path"}
    properties: dict[str, Any] = {
        "Runtime": "python3.11",
        "Handler": "a.b",
        "Environment": {"Variables": {"PYTHONPATH": path}},
        **({"MemorySize": said} if said else {}),
    }
    prepare(properties, None, Debugging(port=1, servers=2, pid=3, library="/debugpy"))
    assert properties["MemorySize"] == memory
    joined = properties["Environment"]["Variables"]["PYTHONPATH"]["Fn::Join"]
    assert (joined[0], joined[1][0], joined[1][-1]) == (":", path, "/debugpy")
