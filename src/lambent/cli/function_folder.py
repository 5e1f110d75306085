"""A folder with functions: what its `lambent.toml` says of them, and bringing them to a platform.

    [function]                    # or [[function]] several times
    name = "hello"
    handler = "app.handler"

Functions are created and updated through the public API like anybody else's. The same tables describe the plain
functions of a project that is deployed (lambent.deploy.project): what only deploying knows of, such as what calls a
function, is passed over here.
"""

from __future__ import annotations

import base64
import hashlib
import io
import stat
import sys
import time
import zipfile
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec
from msgspec import Meta

from lambent.cli.failure import Failure
from lambent.deploy.project import FunctionSettings
from lambent.node.settings import FILE, FUNCTION_KEY, SettingsError, read_toml, unknown_key

if TYPE_CHECKING:
    from pathlib import Path

_LEFT_OUT: Final = frozenset(
    {"__pycache__", ".git", ".hg", ".venv", "venv", ".lambent", ".mypy_cache", ".ruff_cache", ".pytest_cache"}
)
_ACTIVE_SECONDS: Final = 30.0
_POLL_SECONDS: Final = 0.02
_ROLE: Final = "arn:aws:iam::{account}:role/lambent"


class FunctionFolder(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One `[function]` table, as far as it is about a function alone. Code is everything in `path`, relative to the
    folder. None: what Lambda has for it.
    """

    name: Annotated[str, Meta(pattern=r"^[a-zA-Z0-9-_]{1,64}$")]
    handler: Annotated[str, Meta(min_length=1)]
    runtime: str = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    description: str = ""
    memory: int = 128
    timeout: int = 3
    storage: int | None = None
    environment: dict[str, str] = {}
    path: str = "."

    def configuration(self) -> dict[str, Any]:
        """As members of CreateFunction and UpdateFunctionConfiguration."""
        told: dict[str, Any] = {}
        if self.storage is not None:
            told["EphemeralStorage"] = {"Size": self.storage}
        return told | {
            "Runtime": self.runtime,
            "Handler": self.handler,
            "Description": self.description,
            "MemorySize": self.memory,
            "Timeout": self.timeout,
            "Environment": {"Variables": self.environment},
        }


def read_folder(folder: Path) -> list[FunctionFolder]:
    """The functions of a folder. Raises SettingsError."""
    path = folder / FILE
    if not path.is_file():
        raise SettingsError(f"{folder}: no {FILE} in it, which says the name and handler of each function")
    tables = read_toml(path).get(FUNCTION_KEY)
    if tables is None:
        raise SettingsError(f"{path}: no table [{FUNCTION_KEY}] in it")
    functions = []
    for table in tables if isinstance(tables, list) else [tables]:
        known = FunctionSettings.__struct_fields__
        for key in table:
            if key not in known:
                raise unknown_key(f"{path}: [{FUNCTION_KEY}]", key, known)
        own = {key: value for key, value in table.items() if key in FunctionFolder.__struct_fields__}
        try:
            functions.append(msgspec.convert(own, FunctionFolder))
        except msgspec.ValidationError as error:
            raise SettingsError(f"{path}: [{FUNCTION_KEY}]: {error}") from None
    for function in functions:
        if not (folder / function.path).is_dir():
            raise SettingsError(f"{path}: [{FUNCTION_KEY}]: path {function.path}: no such folder")
    return functions


def pack(folder: Path) -> bytes:
    """A zip of the folder: the same bytes for the same files, so that unchanged code is seen to be unchanged."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.rglob("*")):
            relative = path.relative_to(folder)
            if path.is_dir() or not _LEFT_OUT.isdisjoint(relative.parts) or path.suffix == ".pyc":
                continue
            entry = zipfile.ZipInfo(str(relative))
            entry.compress_type = zipfile.ZIP_DEFLATED
            executable = path.stat().st_mode & stat.S_IXUSR
            entry.external_attr = (0o755 if executable else 0o644) << 16
            archive.writestr(entry, path.read_bytes())
    return out.getvalue()


def deploy(client: Any, folder: Path, function: FunctionFolder, *, account: str) -> None:
    """Creates the function or updates what differs, and waits until it is active. Raises Failure."""
    code = pack(folder / function.path)
    name = function.name
    try:
        current = client.get_function_configuration(FunctionName=name)
    except client.exceptions.ResourceNotFoundException:
        client.create_function(
            FunctionName=name,
            Role=_ROLE.format(account=account),
            Code={"ZipFile": code},
            **function.configuration(),
        )
    else:
        if current["CodeSha256"] != base64.b64encode(hashlib.sha256(code).digest()).decode():
            client.update_function_code(FunctionName=name, ZipFile=code)
            _wait(client, name)
        wanted = function.configuration()
        if any(current.get(member, {"Variables": {}}) != value for member, value in wanted.items()):
            client.update_function_configuration(FunctionName=name, **wanted)
    _wait(client, name)


def _wait(client: Any, name: str) -> None:
    deadline = time.monotonic() + _ACTIVE_SECONDS
    while True:
        state = client.get_function_configuration(FunctionName=name)
        if state["State"] == "Failed" or state.get("LastUpdateStatus") == "Failed":
            reason = state.get("StateReason") or state.get("LastUpdateStatusReason") or "no reason given"
            raise Failure(f"{name}: {reason}")
        if state["State"] == "Active" and state.get("LastUpdateStatus") != "InProgress":
            return
        if time.monotonic() > deadline:
            raise Failure(f"{name} did not become active within {_ACTIVE_SECONDS:.0f} seconds")
        time.sleep(_POLL_SECONDS)
