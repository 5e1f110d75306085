"""Finding Nodes: version managers, PATH, what is not one."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lambent.execution.errors import InterpreterMissing
from lambent.execution.nodes import Nodes

ELF = b"\x7fELF"


def install(folder: Path, version: str = "", *, content: bytes = ELF, mode: int = 0o755) -> Path:
    """A binary that looks like Node, and headers that tell its version."""
    binary = folder / "bin" / "node"
    binary.parent.mkdir(parents=True)
    binary.write_bytes(content)
    binary.chmod(mode)
    if version:
        headers = folder / "include" / "node"
        headers.mkdir(parents=True)
        major, minor, patch = version.split(".")
        (headers / "node_version.h").write_text(
            f"#define NODE_MAJOR_VERSION {major}\n#define NODE_MINOR_VERSION {minor}\n"
            f"#define NODE_PATCH_VERSION {patch}\n"
        )
    return binary


def found(home: Path, **variables: str) -> dict[str, tuple[int, int, int]]:
    return {node.runtime: node.version for node in Nodes(home, {"PATH": "", **variables})}


@pytest.mark.parametrize(
    ("place", "variable"),
    [
        (".nvm/versions/node/v22.12.0", ("NVM_DIR", ".nvm")),
        (".local/share/fnm/node-versions/v22.12.0/installation", ("FNM_DIR", ".local/share/fnm")),
        (".fnm/node-versions/v22.12.0/installation", None),
        (".volta/tools/image/node/22.12.0", ("VOLTA_HOME", ".volta")),
        (".asdf/installs/nodejs/22.12.0", ("ASDF_DATA_DIR", ".asdf")),
        (".local/share/mise/installs/node/22.12.0", ("MISE_DATA_DIR", ".local/share/mise")),
        ("elsewhere/n/versions/node/22.12.0", ("N_PREFIX", "elsewhere")),
        (".nodenv/versions/22.12.0", ("NODENV_ROOT", ".nodenv")),
    ],
)
def test_version_managers(tmp_path: Path, place: str, variable: tuple[str, str] | None) -> None:
    install(tmp_path / place)
    if not place.startswith("elsewhere"):
        assert found(tmp_path) == {"nodejs22.x": (22, 12, 0)}
    if variable is not None:
        name, folder = variable
        assert found(tmp_path / "nobody", **{name: str(tmp_path / folder)}) == {"nodejs22.x": (22, 12, 0)}


def test_path_and_headers(tmp_path: Path) -> None:
    binary = install(tmp_path / "opt", "20.11.1")
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    (bin_folder / "node").symlink_to(binary)
    (node,) = Nodes(tmp_path, {"PATH": f"/no/such/folder:{bin_folder}"})
    assert (node.version, node.executable, node.prefix) == ((20, 11, 1), binary, tmp_path / "opt")


def test_the_newest_release_of_each_version_serves_it(tmp_path: Path) -> None:
    versions = tmp_path / ".nvm" / "versions" / "node"
    for version in ("v20.1.0", "v20.19.0", "v20.2.0", "v24.0.1"):
        install(versions / version)
    assert found(tmp_path) == {"nodejs20.x": (20, 19, 0), "nodejs24.x": (24, 0, 1)}


@pytest.mark.parametrize(
    ("content", "mode", "name"),
    [
        (b"#!/bin/sh\nexec volta run node\n", 0o755, "v20.1.0"),  # a shim
        (ELF, 0o644, "v20.1.0"),
        (ELF, 0o755, "v16.20.0"),
        (ELF, 0o755, "v99.0.0"),
        (ELF, 0o755, "lts"),
        (b"", 0o755, "v20.1.0"),
    ],
)
def test_what_is_no_node(tmp_path: Path, content: bytes, mode: int, name: str) -> None:
    install(tmp_path / ".nvm" / "versions" / "node" / name, content=content, mode=mode)
    assert found(tmp_path) == {}


def test_a_binary_that_cannot_tell_its_version_is_passed_over(tmp_path: Path) -> None:
    install(tmp_path / "opt")
    assert found(tmp_path, PATH=str(tmp_path / "opt" / "bin")) == {}


def test_the_nearest(tmp_path: Path) -> None:
    for version in ("v18.20.0", "v22.1.0"):
        install(tmp_path / ".nvm" / "versions" / "node" / version)
    nodes = Nodes(tmp_path, {"PATH": ""})
    assert nodes.nearest("nodejs20.x").version[0] == 22  # the newer of two
    assert nodes.nearest("nodejs24.x").version[0] == 22
    assert nodes.nearest("nodejs16.x").version[0] == 18
    assert nodes.find("nodejs18.x").version[0] == 18


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    nodes = Nodes(tmp_path, {"PATH": ""})
    for ask in (nodes.find, nodes.nearest):
        with pytest.raises(InterpreterMissing, match=r"no Node for nodejs20\.x .*; found: none"):
            ask("nodejs20.x")
    install(tmp_path / ".nvm" / "versions" / "node" / "v18.20.0")
    with pytest.raises(
        InterpreterMissing, match=r"found: nodejs18\.x \(/.*/v18\.20\.0/bin/node\)\. `.*-fallback"
    ):
        Nodes(tmp_path, {"PATH": ""}).find("nodejs20.x")
    with pytest.raises(InterpreterMissing):
        Nodes(tmp_path, {"PATH": ""}).nearest("nodejs")


def test_this_machines_own(tmp_path: Path) -> None:
    own = shutil.which("node")
    if own is None or Path(own).resolve().read_bytes()[:2] == b"#!":
        pytest.skip("there is no Node on PATH")
    for node in Nodes(tmp_path):
        assert node.executable.is_relative_to(node.prefix)
        assert node.runtime == f"nodejs{node.version[0]}.x"
