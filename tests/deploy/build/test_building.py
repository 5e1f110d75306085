from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
import zipfile
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.deploy.build.conftest import environment

from lambent.deploy.build import build, link, report
from lambent.deploy.build.artefacts import Artefact, Build, Part
from lambent.deploy.build.limits import check_limits
from lambent.deploy.build.uv import program
from lambent.deploy.errors import BuildError
from lambent.deploy.manifest import decode, encode
from lambent.deploy.project import Project

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.deploy.build.conftest import Code, Wheels

    from lambent.deploy.manifest import Manifest

NATIVE = "cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64"


def names(artefact: Artefact) -> set[str]:
    with zipfile.ZipFile(artefact.path) as archive:
        assert archive.testzip() is None
        return set(archive.namelist())


def modules(artefact: Artefact) -> set[str]:
    return {name for name in names(artefact) if ".dist-info" not in name}


def test_a_package_has_what_is_imported_with_what_that_requires_and_nothing_else(
    code: Code, wheels: Wheels
) -> None:
    wheels.add("alpha", requires=("beta>=1", "windows-only ; sys_platform == 'win32'"), tag=NATIVE)
    wheels.add("alpha", "2.0", tag="cp313-cp313-manylinux_2_17_aarch64")
    wheels.add("beta")
    wheels.add("unused")
    code.write("requirements.txt", f"{wheels.lines}alpha>=1\nunused\n")
    code.write("app.py", "import alpha")
    built = build(code.project, code.manifest(code.unit("app", "app.py", imports=("alpha",))))
    assert modules(built.units["app"]) == {"app.py", "alpha/__init__.py", "beta/__init__.py"}
    assert "alpha-1.0.dist-info/METADATA" in names(built.units["app"])
    assert "alpha-1.0.dist-info/RECORD" not in names(built.units["app"])
    assert built.unneeded == ("unused",)


def test_units_of_other_targets_have_other_wheels(code: Code, wheels: Wheels) -> None:
    wheels.add("alpha", "2.0", tag="cp313-cp313-manylinux_2_17_aarch64")
    wheels.add("alpha", "1.5", tag="cp312-cp312-manylinux_2_34_x86_64")
    wheels.add("alpha", "1.4", tag="cp311-cp311-manylinux_2_17_x86_64")
    wheels.add("alpha", "1.6", tag="cp311-cp311-manylinux_2_34_x86_64")  # newer than its glibc
    code.write("requirements.txt", f"{wheels.lines}alpha\n")
    code.write("app.py")
    built = build(
        code.project,
        code.manifest(
            code.unit("arm", "app.py", imports=("alpha",), architecture="arm64"),
            code.unit("new", "app.py", imports=("alpha",), runtime="python3.12"),
            code.unit("old", "app.py", imports=("alpha",), runtime="python3.11"),
        ),
    )
    found = {
        unit: {part.version for part in one.parts if part.name == "alpha"}
        for unit, one in built.units.items()
    }
    assert found == {"arm": {"2.0"}, "new": {"1.5"}, "old": {"1.4"}}


def test_of_lambent_only_the_framework_is_packed(code: Code, wheels: Wheels) -> None:
    wheels.add("msgspec", "0.22.0", tag=NATIVE)
    wheels.add("lambent", "9.9")
    code.write("requirements.txt", f"{wheels.lines}lambent\nmsgspec\n")
    code.write("app.py", "from lambent import App")
    built = build(code.project, code.manifest(code.unit("app", "app.py", imports=("lambent",))))
    found = modules(built.units["app"])
    assert {"lambent/__init__.py", "lambent/py.typed", "lambent/app/app.py", "msgspec/__init__.py"} <= found
    assert not [
        name for name in found if name.startswith("lambent/") and name.count("/") > 1 and "/app/" not in name
    ]


def test_what_lambda_has_is_left_out_unless_it_is_pinned(code: Code, wheels: Wheels) -> None:
    wheels.add("boto3", "1.40", requires=("botocore",))
    wheels.add("botocore", "1.40")
    code.write("app.py", "import boto3, botocore")
    manifest = code.manifest(code.unit("app", "app.py", imports=("boto3", "botocore")))
    code.write("requirements.txt", f"{wheels.lines}boto3>=1\n")
    assert modules(build(code.project, manifest).units["app"]) == {"app.py"}
    code.write("requirements.txt", f"{wheels.lines}boto3==1.40\n")
    built = build(code.project, manifest)
    assert modules(built.units["app"]) == {"app.py", "boto3/__init__.py", "botocore/__init__.py"}


def test_the_same_bytes_on_every_machine(code: Code, wheels: Wheels, tmp_path: Path) -> None:
    wheels.add("alpha", tag=NATIVE)
    code.write("requirements.txt", f"{wheels.lines}alpha\n")
    code.write("app.py", "import alpha\n" * 100)
    code.write("shop/__init__.py")
    code.write("shop/a.sh", "x").chmod(0o750)
    manifest = code.manifest(code.unit("app", "app.py", "shop/__init__.py", imports=("alpha",)))
    here = build(code.project, manifest).units["app"]
    there = type(code)(tmp_path / "elsewhere")
    before = os.umask(0o077)
    try:
        for name in ("shop/a.sh", "shop/__init__.py", "requirements.txt", "app.py"):
            path = there.write(name, (code.root / name).read_bytes())
            os.utime(path, (1, 1))
        (there.root / "shop/a.sh").chmod(0o700)
        copy = build(there.project, manifest).units["app"]
    finally:
        os.umask(before)
    assert copy.path != here.path
    assert copy.path.read_bytes() == here.path.read_bytes()
    assert (copy.sha256, copy.fingerprint) == (here.sha256, here.fingerprint)


def test_an_unchanged_rebuild_asks_nobody_and_a_change_makes_one_package(
    code: Code, wheels: Wheels, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels.add("alpha")
    code.write("requirements.txt", f"{wheels.lines}alpha\n")
    code.write("app.py", "import alpha")
    code.write("b.py")
    manifest = code.manifest(code.unit("app", "app.py", imports=("alpha",)), code.unit("b", "b.py"))
    first = build(code.project, manifest)
    assert first.reused == frozenset()
    shutil.rmtree(wheels.folder)
    monkeypatch.setenv("UV_CACHE_DIR", str(wheels.folder.parent / "empty"))
    again = build(code.project, manifest)
    assert again.reused == {"app", "b"}
    assert again.units == first.units
    code.write("app.py", "import alpha # changed")
    changed = build(code.project, manifest)
    assert changed.reused == {"b"}
    assert changed.units["app"].fingerprint != first.units["app"].fingerprint
    # A project that has been moved has its packages with it.
    moved = code.root.with_name("moved")
    code.root.rename(moved)
    code.root = moved
    assert build(code.project, manifest).units["app"].path.is_relative_to(moved)


def test_upgrades_are_taken_when_they_are_asked_for(code: Code, wheels: Wheels) -> None:
    wheels.add("alpha", "1.0")
    code.write("requirements.txt", f"{wheels.lines}alpha\n")
    code.write("app.py")
    manifest = code.manifest(code.unit("app", "app.py", imports=("alpha",)))
    assert "alpha-1.0.dist-info/METADATA" in names(build(code.project, manifest).units["app"])
    wheels.add("alpha", "2.0")
    assert "alpha-1.0.dist-info/METADATA" in names(build(code.project, manifest).units["app"])
    upgraded = build(code.project, manifest, upgrade=True)
    assert "alpha-2.0.dist-info/METADATA" in names(upgraded.units["app"])
    assert "alpha-2.0.dist-info/METADATA" in names(build(code.project, manifest).units["app"])


def test_versions_that_are_left_open_are_those_that_are_installed(code: Code, wheels: Wheels) -> None:
    here = version("msgspec")
    for number in (here, "99.0"):
        wheels.add("msgspec", number)
    code.write("app.py")
    manifest = code.manifest(code.unit("app", "app.py", imports=("msgspec",)))
    code.write("requirements.txt", f"{wheels.lines}msgspec\n")
    built = build(code.project, manifest)
    assert f"msgspec-{here}.dist-info/METADATA" in names(built.units["app"])
    assert built.notes == ()
    code.write("requirements.txt", f"{wheels.lines}msgspec>90\n")
    (note,) = build(code.project, manifest).notes
    assert "msgspec 99.0 is packed for Python 3.13 on Linux x86_64" in note
    assert note.endswith(here)


def test_a_lock_of_uv_decides(code: Code, wheels: Wheels) -> None:
    for number in ("1.0", "2.0"):
        wheels.add("alpha", number, requires=("beta",))
        wheels.add("beta", number)
    places = f"[tool.uv]\nno-index = true\nfind-links = ['{wheels.folder}']\n"
    project = (
        "[project]\nname = 'shop'\nversion = '1'\nrequires-python = '>=3.11'\ndependencies = ['alpha']\n"
    )
    code.write(
        "pyproject.toml",
        f"{project.replace('alpha', 'alpha<2')}{places}constraint-dependencies = ['beta<2']\n",
    )
    subprocess.run([program(), "lock", "--quiet"], cwd=code.root, check=True)
    code.write("pyproject.toml", project + places)  # it asks for more, and the lock has not been made anew
    code.write("app.py")
    manifest = code.manifest(code.unit("app", "app.py", imports=("alpha",)))
    found = names(build(code.project, manifest).units["app"])
    assert {"alpha-1.0.dist-info/METADATA", "beta-1.0.dist-info/METADATA"} <= found
    code.write("uv.lock", "nonsense")
    with pytest.raises(BuildError, match=r"uv\.lock cannot be used") as caught:
        build(code.project, manifest)
    assert caught.value.hint == "`uv lock` makes it anew."


def test_distributions_that_pay_become_layers(code: Code, wheels: Wheels) -> None:
    for name, size in (("shared", 1_100_000), ("small", 10), ("alone", 5_100_000), ("medium", 2_000_000)):
        wheels.add(name, files={f"{name}.py": b"", f"{name}.bin": os.urandom(size)})
    code.write("requirements.txt", f"{wheels.lines}shared\nsmall\nalone\nmedium\n")
    code.write("app.py")
    built = build(
        code.project,
        code.manifest(
            code.unit("a", "app.py", imports=("shared", "small", "alone")),
            code.unit("b", "app.py", imports=("shared", "small")),
            code.unit("c", "app.py", imports=("small", "medium")),
        ),
    )
    assert built.unit_layers == {
        "a": ("dependencies-alone", "dependencies-shared"),
        "b": ("dependencies-shared",),
    }
    assert modules(built.layers["dependencies-shared"]) == {"python/shared.py", "python/shared.bin"}
    assert modules(built.units["a"]) == {"app.py", "small.py", "small.bin"}
    assert modules(built.units["c"]) == {"app.py", "small.py", "small.bin", "medium.py", "medium.bin"}
    rows = {row.name: row for row in report(built)}
    assert rows["b"].total == rows["b"].unpacked + rows["dependencies-shared"].unpacked
    assert rows["c"].parts[0].name == "medium"


def test_a_lock_decides_versions_and_its_hashes_are_checked(code: Code, wheels: Wheels) -> None:
    wheels.add("alpha", "1.0", requires=("beta",))
    wheels.add("alpha", "2.0")
    wheels.add("beta", "1.0")
    wheels.add("beta", "2.0")
    code.write("app.py")
    manifest = code.manifest(code.unit("app", "app.py", imports=("alpha",)))
    code.write("requirements.txt", f"{wheels.lines}alpha==1.0\nbeta==1.0\n")
    assert "beta-1.0.dist-info/METADATA" in names(build(code.project, manifest).units["app"])
    code.write("requirements.txt", f"{wheels.lines}alpha==1.0\nbeta==1.0 --hash=sha256:{'0' * 64}\n")
    with pytest.raises(BuildError, match="Hash mismatch") as caught:
        build(code.project, manifest)
    assert "beta" in str(caught.value)
    assert leftovers(code) == []


def test_a_distribution_of_the_same_repository_is_built_and_noticed_when_it_changes(
    code: Code, wheels: Wheels
) -> None:
    common = code.root / "packages" / "cömmon"
    code.write("packages/cömmon/backend.py", BACKEND)
    code.write(
        "packages/cömmon/pyproject.toml",
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        "[project]\nname = 'common'\nversion = '1.0'\n",
    )
    (common / "common.py").write_text("A = 1\n")
    code.write("requirements.txt", f"{wheels.lines}-e ./packages/cömmon\n")
    code.write("app.py", "import common")
    manifest = code.manifest(code.unit("app", "app.py", imports=("common",)))
    first = build(code.project, manifest)
    assert modules(first.units["app"]) == {"app.py", "common.py"}
    assert build(code.project, manifest).reused == {"app"}
    (common / "common.py").write_text("A = 22\n")
    with zipfile.ZipFile(build(code.project, manifest).units["app"].path) as archive:
        assert archive.read("common.py") == b"A = 22\n"


def test_machine_code_that_would_be_built_here_is_refused(code: Code, wheels: Wheels) -> None:
    code.write("native/backend.py", BACKEND.replace("py3-none-any", "cp311-cp311-linux_x86_64"))
    code.write(
        "native/pyproject.toml",
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        "[project]\nname = 'common'\nversion = '1.0'\n",
    )
    code.write("native/common.py")
    code.write("requirements.txt", f"{wheels.lines}./native\n")
    code.write("app.py")
    unit = code.unit("app", "app.py", imports=("common",), runtime="python3.11")
    with pytest.raises(BuildError, match="common"):
        build(code.project, code.manifest(unit))
    assert leftovers(code) == []


@pytest.mark.parametrize(
    ("imports", "lines", "message", "hint"),
    [
        (
            ("alpha",),
            "alpha",
            "there is no wheel of alpha 1.0 for Python 3.13 on Linux arm64 (glibc 2.34)",
            "Take a version that has one",
        ),
        (("gone",), "", "gone was not found", "packages"),
        (("beta",), "beta==7", "there is no version of beta==7", "requirements"),
        (("beta",), "beta=>7", "beta=>7", ""),
    ],
)
def test_what_cannot_be_had_is_said_in_a_line(
    code: Code, wheels: Wheels, imports: tuple[str, ...], lines: str, message: str, hint: str
) -> None:
    wheels.add("alpha", tag=NATIVE)
    wheels.add("beta")
    code.write("requirements.txt", f"{wheels.lines}{lines}\n")
    code.write("app.py")
    unit = code.unit("app", "app.py", imports=imports, architecture="arm64")
    with pytest.raises(BuildError) as caught:
        build(code.project, code.manifest(unit))
    assert message in str(caught.value)
    assert hint in (caught.value.hint or "")
    assert leftovers(code) == []


@pytest.mark.parametrize("tag", ["py3-none-any", "cp311-cp311-linux_x86_64"])
def test_what_has_no_wheel_is_built_where_the_installed_one_is_pure(
    code: Code, wheels: Wheels, tag: str
) -> None:
    python = environment(code.root / ".venv")
    info = next(python.parent.parent.glob("lib/python*/site-packages")) / "common-1.0.dist-info"
    info.mkdir()
    (info / "WHEEL").write_text(f"Wheel-Version: 1.0\nTag: {tag}\n")
    with tarfile.open(wheels.folder / "common-1.0.tar.gz", "w:gz") as archive:
        for name, text in {
            "backend.py": BACKEND,
            "common.py": "A = 1\n",
            "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
            "PKG-INFO": "Metadata-Version: 2.1\nName: common\nVersion: 1.0\n",
        }.items():
            member = tarfile.TarInfo(f"common-1.0/{name}")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    code.write("requirements.txt", f"{wheels.lines}common\n")
    code.write("app.py", "import common")
    project = Project(root=code.root, python=python)
    manifest = code.manifest(code.unit("app", "app.py", imports=("common",)))
    if tag.endswith("-any"):
        assert modules(build(project, manifest).units["app"]) == {"app.py", "common.py"}
    else:
        with pytest.raises(BuildError, match=r"there is no wheel of common 1\.0 for Python 3\.13") as caught:
            build(project, manifest)
        assert 'packages = ["!common"]' in (caught.value.hint or "")


def test_an_index_that_does_not_answer_is_said(
    code: Code, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    code.write("app.py")
    with pytest.raises(BuildError, match="the package index does not answer") as caught:
        build(code.project, code.manifest(code.unit("app", "app.py", imports=("attrs",))))
    assert "With a network, build once" in (caught.value.hint or "")


def test_what_a_layer_of_the_user_has_is_left_out_even_without_a_wheel(code: Code, wheels: Wheels) -> None:
    wheels.add("alpha", requires=("native",))
    wheels.add("native", requires=("beta",), tag="cp313-cp313-win_amd64")
    code.write("requirements.txt", f"{wheels.lines}alpha\nnative\n")
    code.write("app.py")
    unit = code.unit("app", "app.py", imports=("alpha", "native"), packages=("!native",))
    assert modules(build(code.project, code.manifest(unit)).units["app"]) == {"app.py", "alpha/__init__.py"}


def test_packages_of_the_settings_are_added(code: Code, wheels: Wheels) -> None:
    wheels.add("driver", requires=("binary ; extra == 'binary'",))
    wheels.add("driver", "2.0")
    wheels.add("binary")
    code.write("requirements.txt", f"{wheels.lines}driver[binary]<2\n")
    code.write("app.py")
    unit = code.unit("app", "app.py", packages=("driver",))
    assert modules(build(code.project, code.manifest(unit)).units["app"]) == {
        "app.py",
        "driver/__init__.py",
        "binary/__init__.py",
    }
    unit = code.unit("app", "app.py", packages=("driver==1.0",))
    assert modules(build(code.project, code.manifest(unit)).units["app"]) == {"app.py", "driver/__init__.py"}


def test_a_build_that_is_killed_leaves_nothing_that_is_taken_for_complete(code: Code, wheels: Wheels) -> None:
    for name in ("alpha", "beta", "gamma"):
        wheels.add(name, files={f"{name}.bin": os.urandom(2_000_000)})
    code.write("requirements.txt", f"{wheels.lines}alpha\nbeta\ngamma\n")
    code.write("app.py")
    manifest = code.manifest(code.unit("app", "app.py", imports=("alpha", "beta", "gamma")))
    script = "import sys; from tests.deploy.build.test_building import build_here; build_here(sys.argv[1])"
    command = [sys.executable, "-c", script, str(code.root)]
    (code.root / "manifest.json").write_bytes(encode(manifest))
    stages = ("environments", "packages")
    for stage in stages:
        process = subprocess.Popen(
            command, cwd=Path(__file__).parents[3], env={**os.environ, "PYTHONPATH": "src:."}
        )
        store = code.root / ".lambent" / "build"
        deadline = time.monotonic() + 30
        while process.poll() is None and not (store / stage).exists() and time.monotonic() < deadline:
            time.sleep(0.002)
        process.kill()
        process.wait()
    built = build(code.project, manifest)
    assert modules(built.layers["dependencies-gamma"]) | modules(built.units["app"]) == {
        "python/alpha.bin",
        "python/beta.bin",
        "python/gamma.bin",
        "app.py",
    }
    # What was left by those that were killed goes when it is old.
    for path in leftover_paths(code):
        os.utime(path, (1, 1))
    build(code.project, manifest)
    assert leftovers(code) == []


def build_here(root: str) -> None:
    """What a process that is killed does."""
    project = Project(root=Path(root), python=Path(sys.executable))
    build(project, decode((project.root / "manifest.json").read_bytes()))


@pytest.mark.parametrize(
    "do", [build, lambda project, manifest: link(project, manifest, project.root / ".lambent/code")]
)
def test_a_place_that_cannot_be_written_is_said(
    code: Code, do: Callable[[Project, Manifest], object]
) -> None:
    code.write(".lambent", "a file where the folder should be")
    code.write("app.py")
    with pytest.raises(BuildError, match=r"\.lambent.*: (Not a directory|File exists)") as caught:
        do(code.project, code.manifest(code.unit("app", "app.py")))
    assert "has to be a folder that can be written" in (caught.value.hint or "")


def test_limits_are_checked_with_layers_before_anything_is_sent(code: Code, tmp_path: Path) -> None:
    def artefact(unpacked: int, name: str) -> Artefact:
        part = Part(name=name, kind="package", files=1, unpacked=unpacked, packed=1)
        return Artefact(path=tmp_path, sha256="", fingerprint="", size=1, unpacked=unpacked, parts=(part,))

    def built(unit: int, *layers: int) -> Build:
        names = tuple(f"layer{number}" for number in range(len(layers)))
        return Build(
            units={"app": artefact(unit, "code")},
            layers={name: artefact(size, name) for name, size in zip(names, layers, strict=True)},
            unit_layers={"app": names},
        )

    check_limits(code.unit(), built(200 * 1024 * 1024, 50 * 1024 * 1024))
    with pytest.raises(
        BuildError, match=r"250\.0 MB unpacked.* takes 250\.0 MB: code 200\.0 MB, layer0 50\.0 MB"
    ):
        check_limits(code.unit(), built(200 * 1024 * 1024, 50 * 1024 * 1024 + 1))
    check_limits(code.unit(layers=("arn:1", "arn:2")), built(1, 1, 1, 1))
    with pytest.raises(BuildError, match="has 6 layers, and a function may have 5"):
        check_limits(code.unit(layers=("arn:1", "arn:2", "arn:3")), built(1, 1, 1, 1))


def leftover_paths(code: Code) -> list[Path]:
    return list((code.root / ".lambent").rglob(".making-*"))


def leftovers(code: Code) -> list[str]:
    return [path.name for path in leftover_paths(code)]


BACKEND = """
import zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "common-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{wheel_directory}/{name}", "w") as archive:
        archive.write("common.py")
        archive.writestr("common-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: common\\nVersion: 1.0\\n")
        archive.writestr("common-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nTag: py3-none-any\\n")
        archive.writestr("common-1.0.dist-info/RECORD", "common.py,,\\n")
    return name

build_editable = build_wheel
"""
