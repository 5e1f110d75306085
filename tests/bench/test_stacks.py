"""The benchmark of stacks: its templates are templates, as large as they are said to be. Nothing here is timed."""

from __future__ import annotations

import json

from bench import stacks
from lambent.stacks.schemas import schema_of
from lambent.stacks.template import Template


def test_templates_are_as_large_as_asked_for() -> None:
    template = Template.read(json.loads(stacks.template(500)))
    assert len(template.resources) == 500
    for resource in template.resources.values():
        assert schema_of(resource.type) is not None
    assert len(json.loads(stacks.serverless_template(100))["Resources"]) == 100
