"""Templates as those who know AWS's schemas see them: cfn-lint and SAM's own validation, warnings included."""

from __future__ import annotations

import collections
import functools
import os
import shutil
import subprocess
import warnings
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from tests.deploy.render.everything import everything, target, without_authorizer
from tests.deploy.render.generated import manifests

from lambent.deploy.project import Stage
from lambent.deploy.render import renderer_named, template_of
from lambent.deploy.render.composition import Composition
from lambent.deploy.render.http_api import authorizer_of
from lambent.deploy.render.sam import sam_template_of
from lambent.deploy.render.text import yaml_text

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.deploy.manifest import Manifest

SAM = os.environ.get("SAM_CLI") or shutil.which("sam")
EXAMPLES = int(os.environ.get("LAMBENT_EXAMPLES", "2"))
"""Generated manifests beside the one with everything: cfn-lint takes a second for each."""


@functools.cache
def _linter() -> Any:
    """cfn-lint, with rules that are read once."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from cfnlint.config import ConfigMixIn, ManualArgs  # type: ignore[import-untyped]
        from cfnlint.decode.decode import decode_str  # type: ignore[import-untyped]
        from cfnlint.runner.cli import Runner  # type: ignore[import-untyped]

        runner = Runner(ConfigMixIn(**ManualArgs(regions=["us-east-1"])))

    def lint(text: str) -> list[Any]:
        # Not cfnlint.api.lint: that reads the rules anew each time.
        template, errors = decode_str(text)
        return [*errors, *runner.validate_template(template)]

    return lint


def _transformed(template: dict[str, Any]) -> dict[str, Any]:
    """What AWS's own translator makes of a SAM template: its resources."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from samtranslator.parser.parser import Parser  # type: ignore[import-untyped]
        from samtranslator.translator.translator import Translator  # type: ignore[import-untyped]

        session = boto3.Session(region_name="us-east-1")
        translated = Translator({}, Parser(), boto_session=session).translate(template, {})
    resources: dict[str, Any] = translated["Resources"]
    return resources


def complaints(template: dict[str, Any]) -> list[str]:
    """What cfn-lint has to say."""
    linter = _linter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [f"{match.rule.id} {match.message}" for match in linter(yaml_text(template))]


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
@example(everything())
@given(manifests())
def test_any_manifest(manifest: Manifest) -> None:
    """One test for all of them: reading the schemas takes longer than looking at a template."""
    shown = target(manifest, Stage(name="prod", protected=True))
    template = template_of(manifest, shown)
    assert complaints(template) == []
    if manifest == everything():
        # It is able to find something.
        function = template["Resources"]["ApiFunction"]
        function["Properties"]["Timeout"] = 901
        assert complaints({**template, "Resources": {"A": function}, "Outputs": {}}) != []
    # The transform takes the same as SAM, and makes as many of everything; permissions are one a route there.
    ours = collections.Counter(one["Type"] for one in template["Resources"].values())
    sams = collections.Counter(one["Type"] for one in _transformed(sam_template_of(manifest, shown)).values())
    if authorizer_of(Composition(manifest, shown), "http") is None:
        for kind in ("Route", "Integration", "Authorizer"):
            # The API's own document has them.
            sams[f"AWS::ApiGatewayV2::{kind}"] = ours[f"AWS::ApiGatewayV2::{kind}"]
    del ours["AWS::Lambda::Permission"], sams["AWS::Lambda::Permission"]
    assert sams == ours
