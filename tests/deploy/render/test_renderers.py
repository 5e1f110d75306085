"""Renderings by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.deploy.render.everything import manifest, target

from lambent.deploy.errors import RenderError
from lambent.deploy.render import renderer_named, renderer_names

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
class Terraform:
    name = "terraform"

    def render(self, manifest, target):
        return {"main.tf": f"# {manifest.app}, {target.stage.name}".encode()}
"""


def test_other_distributions_add_renderings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RenderError, match="there are cloudformation, sam"):
        renderer_named("terraform")
    (tmp_path / "lambent_terraform.py").write_text(MODULE)
    about = tmp_path / "lambent_terraform-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: lambent-terraform\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text("[lambent.renderers]\nterraform = lambent_terraform:Terraform\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert renderer_names() == ["cloudformation", "sam", "terraform"]
    shown = manifest()
    assert renderer_named("terraform").render(shown, target(shown)) == {"main.tf": b"# shop, dev"}
