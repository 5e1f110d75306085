"""docs/manifest.md tells all keys and all members."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest

from lambent.deploy import manifest
from lambent.deploy.project import FunctionSettings, UnitSettings

if TYPE_CHECKING:
    from tests.deploy.analysis.conftest import Analysed

PAGE = (Path(__file__).parents[3] / "docs" / "manifest.md").read_text("utf-8")
SETTINGS = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)[0]


APP = """
from lambent import App, Router
app, orders = App(), Router("/orders")
@orders.post("")
@orders.queue("receipts")
def f(body: dict): ...
app.include(orders)
"""


def test_the_settings_that_are_shown_can_be_used(analysed: Analysed) -> None:
    settings = SETTINGS.replace('python = ".venv/bin/python"', "").replace(
        "arn:aws:sns:…", "arn:aws:sns:r:1:alerts"
    )
    files = {"lambent.toml": settings, "src/app.py": APP, "price/index.mjs": "export const handler = 1"}
    found = analysed(files, "prod")
    assert [(unit.name, unit.timeout_s, unit.memory_mb) for unit in found.units] == [
        ("orders", 120, 1024),
        ("price", 10, 1024),
    ]
    assert [(queue.name, queue.max_receives) for queue in found.queues] == [
        ("lost", 3),
        ("prices", 3),
        ("receipts", 5),
    ]
    assert [table.indexes[0].name for table in found.tables] == ["by_item"]
    shown = tomllib.loads(SETTINGS)
    known = {*UnitSettings.__struct_fields__} - {"on_success"}
    assert known <= shown["app"].keys()
    assert {*FunctionSettings.__struct_fields__} - known - {"on_success"} <= shown["function"][0].keys()


@pytest.mark.parametrize("member", list(manifest.Manifest.__struct_fields__))
def test_each_member_of_the_manifest_is_described(member: str) -> None:
    (line,) = [one for one in PAGE.splitlines() if one.startswith("|") and f"`{member}`" in one.split("|")[1]]
    kind = next((one for one in msgspec.structs.fields(manifest.Manifest) if one.name == member), None)
    assert kind is not None
    for item in getattr(kind.type, "__args__", ()):
        if isinstance(item, type) and issubclass(item, manifest.Data) and member not in ("cors", "jwt"):
            for name in item.__struct_fields__:
                assert f"`{name}`" in line, name
