"""Kill -9 at any moment: every acknowledged function, version and package is there afterwards."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lambent.functions import FunctionNotFound

if TYPE_CHECKING:
    from tests.functions.conftest import Home

    from lambent.functions import Reference

_WRITER = """
import asyncio, io, pathlib, sys, zipfile
from lambent.functions import CodeStore, FunctionRegistry, Reference
from lambent.functions.settings import Settings
from lambent.store import BlobStore, open_database

def package(text):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr(zipfile.ZipInfo("app.py"), text)
    return made.getvalue()

async def main():
    path = pathlib.Path(sys.argv[1])
    database = await open_database(path / "lambent.db", "full")
    blobs = BlobStore(path / "blobs")
    registry = await FunctionRegistry.open(database, CodeStore(path / "code", blobs))
    settings = Settings(runtime="python3.12", handler="app.handler", role="arn:aws:iam::000000000000:role/r")
    async def work(writer):
        number = 0
        while True:
            number += 1
            name = Reference("000000000000", "us-east-1", f"f{writer}-{number}", None)
            await registry.create(name, package(f"one of {name.name}"), settings)
            print("created", name.name, flush=True)
            await registry.settled(name)
            await registry.update_code(name, package(f"two of {name.name}"), publish=True)
            print("published", name.name, flush=True)
            if number % 3 == 0:
                await registry.delete(name)
                print("deleted", name.name, flush=True)
    await asyncio.gather(*(work(writer) for writer in range(4)))
asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 7, 60])
def test_what_was_acknowledged_is_there_after_kill_9(home: Home, reference: Reference, lines: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(home.path)], stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        said += [line for line in process.stdout if line.endswith("\n")]
    states: dict[str, str] = {}
    for line in said:
        state, name = line.split()
        states[name] = state

    async def check() -> None:
        registry = await home.open()
        for name, state in states.items():
            named = reference._replace(name=name)
            if state == "deleted":
                with pytest.raises(FunctionNotFound):
                    registry.record(named)
                continue
            try:
                record = await registry.settled(named)
            except FunctionNotFound:
                # Deleted after the last line that came through.
                assert state == "published"
                continue
            assert {version.state for version in record.all_versions} == {"Active"}
            if state == "published":
                assert record.versions["1"].code_hash == record.latest.code_hash
            for version in record.all_versions:
                tree = await registry.code.ensure(version.code_hash)
                assert (tree / "app.py").read_text() in (f"one of {name}", f"two of {name}")
        await home.close()

    asyncio.run(check())
