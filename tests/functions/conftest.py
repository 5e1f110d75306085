"""Coroutine tests, deployment packages, and registries on a data directory."""

from __future__ import annotations

import asyncio
import inspect
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambent.functions import CodeStore, FunctionRegistry, Limits, Reference
from lambent.functions.settings import Settings
from lambent.store import BlobStore, open_database

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from lambent.functions import Activate
    from lambent.store import Database


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run coroutine tests to their end, each on a loop of its own."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    wanted = inspect.signature(pyfuncitem.obj).parameters
    arguments = {name: value for name, value in pyfuncitem.funcargs.items() if name in wanted}
    asyncio.run(asyncio.wait_for(pyfuncitem.obj(**arguments), 60))
    return True


class Home:
    """A data directory. `open` gives the registry on it, as a platform that starts does; `close` stops it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.limits = Limits()
        self.opened: list[FunctionRegistry] = []
        self.shared: Database | None = None

    @property
    def database(self) -> Database:
        assert self.shared is not None
        return self.shared

    async def open(self, activate: Activate | None = None) -> FunctionRegistry:
        """A registry; a second one while the first is open is a second node on the same database."""
        if self.shared is None:
            self.shared = await open_database(self.path / "lambent.db", "normal")
        blobs = BlobStore(self.path / "blobs")
        code = CodeStore(self.path / "code", blobs, self.limits)
        registry = await FunctionRegistry.open(self.shared, code, limits=self.limits)
        registry.activate = activate
        registry.resume()
        self.opened.append(registry)
        return registry

    async def close(self) -> None:
        for registry in self.opened:
            await registry.close()
        self.opened.clear()
        if self.shared is not None:
            await self.shared.close()
            self.shared = None


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A new data directory."""
    return Home(tmp_path)


@pytest.fixture
def package() -> Callable[..., bytes]:
    """Makes a deployment package of (name, content) pairs; by default one handler that differs by its text."""

    def make(content: str = "", **files: str) -> bytes:
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as archive:
            files = {"app.py": f"def handler(event, context):\n    return event\n{content}", **files}
            for name, text in files.items():
                # Dated by hand, so that equal content makes equal packages.
                archive.writestr(zipfile.ZipInfo(name), text)
        return target.getvalue()

    return make


@pytest.fixture
def settings() -> Settings:
    """What every function needs."""
    return Settings(runtime="python3.12", handler="app.handler", role="arn:aws:iam::000000000000:role/r")


@pytest.fixture
def reference() -> Reference:
    """The name `hello`, unqualified."""
    return Reference("000000000000", "us-east-1", "hello", None)
