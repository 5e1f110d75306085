from __future__ import annotations

import io
import sys
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambent.cli.function_folder import FunctionFolder, pack, read_folder
from lambent.node.settings import SettingsError

if TYPE_CHECKING:
    from pathlib import Path


def test_one_function(tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text('[function]\nname = "f"\nhandler = "app.handler"\n')
    (function,) = read_folder(tmp_path)
    assert function == FunctionFolder(name="f", handler="app.handler")
    assert function.configuration() == {
        "Runtime": f"python3.{sys.version_info[1]}",
        "Handler": "app.handler",
        "Description": "",
        "MemorySize": 128,
        "Timeout": 3,
        "Environment": {"Variables": {}},
    }


def test_several_functions_beside_settings(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "lambent.toml").write_text(
        """
        port = 1
        [[function]]
        name = "a"
        handler = "app.a"
        [[function]]
        name = "b"
        handler = "app.b"
        path = "b"
        runtime = "python3.9"
        memory = 256
        timeout = 9
        environment = { A = "1" }
        description = "the second"
        """
    )
    a, b = read_folder(tmp_path)
    assert (a.name, b.name, b.path, b.memory, b.environment) == ("a", "b", "b", 256, {"A": "1"})


def test_what_is_for_deploying_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "lambent.toml").write_text(
        """
        [app]
        unit = "router"
        [[function]]
        name = "a"
        handler = "app.a"
        storage = 1024
        retries = 1
        packages = ["pyyaml"]
        events = [{ queue = "receipts" }]
        """
    )
    (function,) = read_folder(tmp_path)
    assert function.configuration()["EphemeralStorage"] == {"Size": 1024}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no lambent.toml in it"),
        ("", "no table \\[function\\] in it"),
        ("[function]\nname = 'f'", "missing required field `handler`"),
        ("[function]\nname = 'f'\nhandler = 'a.b'\nmemry = 1", "unknown key memry: did you mean memory"),
        (
            "[function]\nname = 'f'\nhandler = 'a.b'\nmemory = '1'",
            "Expected `int`, got `str` - at `\\$.memory`",
        ),
        ("[function]\nname = 'a b'\nhandler = 'a.b'", "matching regex"),
        ("[function]\nname = 'f'\nhandler = 'a.b'\npath = 'src'", "path src: no such folder"),
    ],
)
def test_errors(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "lambent.toml").write_text(text)
    with pytest.raises(SettingsError, match=message) as caught:
        read_folder(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_packing_leaves_out_what_is_no_code_and_is_repeatable(tmp_path: Path) -> None:
    for name in (
        "app.py",
        "package/mod.py",
        "__pycache__/app.pyc",
        ".venv/lib/x.py",
        ".git/HEAD",
        "old.pyc",
        "run",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "run").chmod(0o755)
    first = pack(tmp_path)
    (tmp_path / "app.py").write_text("app.py")  # the same, but newer
    assert pack(tmp_path) == first
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        modes = {entry.filename: entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes == {"app.py": 0o644, "package/mod.py": 0o644, "run": 0o755}
