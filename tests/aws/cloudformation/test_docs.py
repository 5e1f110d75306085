"""docs/stacks.md names every resource type that there is, and no other."""

from __future__ import annotations

import re
from pathlib import Path

from lambent.stacks.providers.catalogue import PROVIDERS

_ROW = re.compile(r"^\| (AWS::\w+) \| (.*) \|$", re.MULTILINE)


def test_the_table_of_types_is_complete() -> None:
    document = (Path(__file__).parents[3] / "docs" / "stacks.md").read_text()
    told = [f"{service}::{name}" for service, names in _ROW.findall(document) for name in names.split(", ")]
    assert sorted(told) == sorted(name for name in PROVIDERS if name.startswith("AWS::"))
