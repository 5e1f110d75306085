"""Templates as those who know AWS's schemas see them: cfn-lint and SAM's own validation, warnings included."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import warnings
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from tests.deploy.render.everything import everything, target, without_authorizer
from tests.deploy.render.generated import manifests

from lambent.deploy.project import Stage
from lambent.deploy.render import renderer_named, template_of
from lambent.deploy.render.sam import sam_template_of
from lambent.deploy.render.text import yaml_text

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.deploy.manifest import Manifest

SAM = os.environ.get("SAM_CLI") or shutil.which("sam")
EXAMPLES = int(os.environ.get("LAMBENT_EXAMPLES", "8"))
"""Generated manifests: each takes cfn-lint half a second."""


@functools.cache
def _linter() -> Any:
    """cfn-lint, with rules that are read once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cfnlint.api import lint  # type: ignore[import-untyped]
        from cfnlint.config import ConfigMixIn, ManualArgs  # type: ignore[import-untyped]
        from cfnlint.runner.cli import Runner  # type: ignore[import-untyped]

        arguments = ManualArgs(regions=["us-east-1"])
        rules = Runner(ConfigMixIn(**arguments)).rules
    return lambda text: lint(text, rules=rules, config=arguments)


def complaints(template: dict[str, Any]) -> list[str]:
    """What cfn-lint has to say."""
    linter = _linter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [f"{match.rule.id} {match.message}" for match in linter(yaml_text(template))]


def test_a_template_with_everything() -> None:
    manifest = everything()
    template = template_of(manifest, target(manifest, Stage(name="prod", protected=True)))
    assert complaints(template) == []
    # It is able to find something.
    template["Resources"]["ApiFunction"]["Properties"]["Timeout"] = 901
    assert complaints({**template, "Resources": {"A": template["Resources"]["ApiFunction"]}}) != []


@pytest.mark.skipif(SAM is None, reason="the SAM CLI is not installed: sam on PATH, or its path in SAM_CLI")
def test_sam_validates_the_same_app(tmp_path: Path) -> None:
    """With the API in SAM's own form; test_any_manifest has the other one too."""
    manifest = without_authorizer()
    (path,) = (tmp_path / name for name in renderer_named("sam").render(manifest, target(manifest)))
    path.write_bytes(renderer_named("sam").render(manifest, target(manifest))[path.name])
    assert SAM is not None
    result = subprocess.run(
        [SAM, "validate", "--lint", "--template-file", str(path), "--region", "us-east-1"],
        env={**os.environ, "SAM_CLI_TELEMETRY": "0"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (result.returncode, "is a valid SAM Template" in result.stdout) == (0, True), (
        result.stdout + result.stderr
    )


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=list(HealthCheck),
)
@given(manifests())
def test_any_manifest(manifest: Manifest) -> None:
    shown = target(manifest)
    assert complaints(template_of(manifest, shown)) == []
    assert sam_template_of(manifest, shown)["Resources"]
