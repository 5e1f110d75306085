"""Projects and wheels for tests of building: uv is the real one, its index is a folder of wheels made here."""

from __future__ import annotations

import base64
import hashlib
import sys
import venv
import zipfile
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lambent.deploy.manifest import Manifest, Unit
from lambent.deploy.project import Project

if TYPE_CHECKING:
    from collections.abc import Mapping


class Wheels:
    """A folder that uv takes for the whole index."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()

    @property
    def lines(self) -> str:
        """The lines of a requirements file that name it."""
        return f"--no-index\n--find-links {self.folder}\n"

    def add(
        self,
        name: str,
        version: str = "1.0",
        *,
        requires: tuple[str, ...] = (),
        tag: str = "py3-none-any",
        files: Mapping[str, bytes] | None = None,
    ) -> Path:
        """A wheel; by default with one module of the distribution's name."""
        module = name.replace("-", "_")
        info = f"{module}-{version}.dist-info"
        contents = dict(files or {f"{module}/__init__.py": f"VERSION = {version!r}\n".encode()})
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        contents[f"{info}/METADATA"] = (
            metadata + "".join(f"Requires-Dist: {one}\n" for one in requires)
        ).encode()
        pure = "true" if tag.endswith("-none-any") else "false"
        contents[f"{info}/WHEEL"] = (
            f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: {pure}\nTag: {tag}\n".encode()
        )
        record = "".join(f"{path},{_digest(data)},{len(data)}\n" for path, data in contents.items())
        contents[f"{info}/RECORD"] = f"{record}{info}/RECORD,,\n".encode()
        path = self.folder / f"{module}-{version}-{tag}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for inner, data in contents.items():
                archive.writestr(inner, data)
        return path

    def add_installed(self, name: str) -> Path:
        """The wheel that an installed distribution came from, as far as its files tell."""
        installed = distribution(name)
        files = installed.files or []
        info = next(file for file in files if file.name == "METADATA").parent
        lines = (installed.read_text("WHEEL") or "").splitlines()
        tag = next(line.partition(": ")[2] for line in lines if line.startswith("Tag"))
        path = self.folder / f"{info.name.removesuffix('.dist-info')}-{tag}.whl"
        with zipfile.ZipFile(path, "w") as archive:
            for file in files:
                if ".." not in file.parts and file.suffix != ".pyc" and file.name not in _OF_INSTALLERS:
                    archive.write(str(file.locate()), str(file))
        return path


_OF_INSTALLERS = ("INSTALLER", "REQUESTED", "direct_url.json")


def _digest(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def environment(folder: Path) -> Path:
    """A virtual environment with nothing in it; its interpreter."""
    venv.create(folder, symlinks=True)
    return folder / "bin" / "python"


class Code:
    """A project in a folder with a space and a letter that is not ASCII in its name."""

    def __init__(self, root: Path) -> None:
        self.root = root
        root.mkdir(parents=True)

    @property
    def project(self) -> Project:
        return Project(root=self.root, python=Path(sys.executable))

    def write(self, name: str, text: str | bytes = "") -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def unit(self, name: str = "app", *files: str, **members: object) -> Unit:
        """A unit of Python 3.13 on x86_64, unless `members` say otherwise."""
        given: dict[str, object] = {"kind": "app", "handler": "app.app", "runtime": "python3.13", **members}
        return Unit(name=name, files=files, **given)  # type: ignore[arg-type]

    def manifest(self, *units: Unit) -> Manifest:
        return Manifest(app="shop", units=units)


@pytest.fixture
def code(tmp_path: Path) -> Code:
    return Code(tmp_path / "my shöp")


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uv")


@pytest.fixture
def wheels(tmp_path: Path, uv_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Wheels:
    monkeypatch.setenv("UV_CACHE_DIR", str(uv_cache))
    monkeypatch.delenv("UV_FIND_LINKS", raising=False)
    return Wheels(tmp_path / "wheels")
