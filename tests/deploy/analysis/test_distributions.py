"""Which distribution a module belongs to."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest
from tests.deploy.analysis.conftest import write

from lambent.deploy.analysis.distributions import Distributions

if TYPE_CHECKING:
    from pathlib import Path

    from tests.deploy.analysis.conftest import Analysed

FILES = {
    "yaml/__init__.py": "",
    "six.py": "",
    "speedups.cpython-311-x86_64-linux-gnu.so": "",
    "google/cloud/storage/__init__.py": "",
    "google/cloud/tasks/__init__.py": "",
    "google/auth/__init__.py": "",
    "PyYAML-6.0.dist-info/RECORD": "PyYAML-6.0.dist-info/METADATA,,\nyaml/__init__.py,sha256=x,0\n",
    "six-1.17.0.dist-info/RECORD": "__pycache__/six.cpython-311.pyc,,\nsix.py,sha256=x,0\n",
    "fast_things-1.dist-info/RECORD": "speedups.cpython-311-x86_64-linux-gnu.so,sha256=x,0\n",
    "google_cloud_storage-3.dist-info/RECORD": "google/cloud/storage/__init__.py,sha256=x,0\n",
    "google.cloud.tasks-2.dist-info/RECORD": "google/cloud/tasks/__init__.py,sha256=x,0\n",
    "google_auth-2.dist-info/RECORD": "google/auth/__init__.py,sha256=x,0\n",
    "mine-1.dist-info/RECORD": "_mine.pth,sha256=x,10\n",
    "theirs-1.dist-info/RECORD": "__editable___theirs_1_finder.py,sha256=x,10\n__editable__.theirs-1.pth,,\n",
    "__editable___theirs_1_finder.py": "MAPPING = {'their_module': '/nowhere/their_module'}",
    "__editable__.theirs-1.pth": "import __editable___theirs_1_finder",
}


@pytest.mark.parametrize(
    ("module", "distribution"),
    [
        ("yaml", "pyyaml"),
        ("yaml.nodes", "pyyaml"),
        ("six.moves", "six"),
        ("speedups", "fast-things"),
        ("google.cloud.storage", "google-cloud-storage"),
        ("google.cloud.storage.blob.Blob", "google-cloud-storage"),
        ("google.cloud.tasks", "google-cloud-tasks"),
        ("google.auth", "google-auth"),
        ("google.cloud", None),
        ("google.nothing", None),
        ("my_module", "mine"),
        ("their_module.part", "theirs"),
        ("nothing", None),
    ],
)
def test_modules(tmp_path: Path, module: str, distribution: str | None) -> None:
    site, source = tmp_path / "site-packages", tmp_path / "a source"
    write(site, {**FILES, "_mine.pth": f"{source}\n"})
    write(source, {"my_module.py": ""})
    there = Distributions([str(tmp_path / "python311.zip"), str(site)], ["os"])
    assert there.of(module) == distribution
    assert there.of(module) == distribution  # as it is remembered
    assert there.stdlib == {"os"}


def test_what_is_installed_here() -> None:
    there = Distributions(sys.path, sys.stdlib_module_names)
    assert [
        there.of(one)
        for one in ("msgspec", "lambent", "yaml", "botocore.config", "dateutil", "_pytest.tmpdir")
    ] == [
        "msgspec",
        "lambent",
        "pyyaml",
        "botocore",
        "python-dateutil",
        "pytest",
    ]


def test_what_is_installed_later_is_noticed(tmp_path: Path) -> None:
    write(tmp_path, {"six.py": ""})
    there = Distributions([str(tmp_path)], [])
    assert there.is_current
    write(tmp_path, {"six-1.dist-info/RECORD": "six.py,,\n"})
    os.utime(tmp_path, ns=(1, 1))
    assert not there.is_current


def test_a_folder_of_the_project_does_not_hide_a_package_of_its_name(analysed: Analysed) -> None:
    """Python takes a folder without an `__init__.py` only where there is no package: as migrations of Alembic's."""
    files = {"yaml/versions/one.py": "", "own/part.py": "import msgspec", "msgspec/data.py": ""}
    code = (
        "import yaml\nfrom own import part\nfrom lambent import App\napp = App('a')\napp.get('/')(lambda: 1)"
    )
    manifest = analysed({"app.py": code, **files})
    (unit,) = manifest.units
    assert set(unit.imports) == {"lambent", "msgspec", "pyyaml"}
    assert unit.files == ("app.py", "own/part.py")
    assert manifest.findings == ()
