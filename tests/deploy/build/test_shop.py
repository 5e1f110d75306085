"""The example, unit by unit: what is packed for a router is enough to import it, and no more than it needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from lambent.deploy.analysis import analyse
from lambent.deploy.build import build
from lambent.deploy.project_file import load_project

if TYPE_CHECKING:
    import pytest
    from tests.deploy.build.conftest import Wheels

SHOP = Path(__file__).parents[3] / "examples" / "shop"
IMPORT = "import sys, importlib; sys.path.insert(0, sys.argv[1]); importlib.import_module(sys.argv[2])"


def test_every_unit_of_the_shop_runs_from_its_package_alone(
    wheels: Wheels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.add_installed("msgspec")
    monkeypatch.setenv("UV_NO_INDEX", "1")
    monkeypatch.setenv("UV_FIND_LINKS", str(wheels.folder))
    root = tmp_path / "my shöp"
    shutil.copytree(SHOP, root, ignore=shutil.ignore_patterns(".lambent"))
    project = load_project(root)
    manifest = analyse(project, project.stage_named(None))
    built = build(project, manifest)
    assert set(built.units) == {unit.name for unit in manifest.units}
    contents = {}
    for unit in manifest.units:
        with zipfile.ZipFile(built.units[unit.name].path) as archive:
            contents[unit.name] = {
                name for name in archive.namelist() if not name.startswith(("lambent/", "msgspec"))
            }
            archive.extractall(tmp_path / unit.name)
        module = unit.handler.rpartition(".")[0]
        if unit.language == "node":
            assert f"{module}.mjs" in contents[unit.name]
            continue
        environment = {**os.environ, **unit.environment}
        if unit.routers is not None:
            environment["LAMBENT_UNIT_ROUTERS"] = ",".join(unit.routers)
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-c", IMPORT, str(tmp_path / unit.name), module],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (unit.name, done.returncode, done.stderr) == (unit.name, 0, "")
    assert "shop/counter.py" in contents["counter"]
    assert "shop/counter.py" not in contents["orders"]
    assert not any(
        name.startswith("tests") or name.endswith(".toml") for names in contents.values() for name in names
    )
