"""Kill -9 at any moment: every acknowledged change is there afterwards, and deployed with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import uvloop

from lambent.gateway.apis import ApiRegistry
from lambent.store import open_database

if TYPE_CHECKING:
    from pathlib import Path

_WRITER = """
import asyncio, pathlib, sys
from lambent.gateway.apis import ApiRegistry, routes
from lambent.store import open_database

HERE = ("000000000000", "us-east-1")

async def main():
    database = await open_database(pathlib.Path(sys.argv[1]) / "lambent.db", "full")
    registry = await ApiRegistry.open(database)
    async def work(writer):
        target = "arn:aws:lambda:us-east-1:000000000000:function:f"
        made = await registry.create_api(*HERE, {"name": "n", "protocol_type": "HTTP", "target": target})
        api_id = made.api.api_id
        print("api", api_id, "-", flush=True)
        number = 0
        while True:
            number += 1
            key = f"GET /{number}"
            route = await registry.edit(*HERE, api_id, lambda content: routes.create(content, {"route_key": key}))
            print("route", api_id, number, flush=True)
            if number % 3 == 0:
                await registry.edit(*HERE, api_id, lambda content: routes.delete(content, route.route_id))
                print("gone", api_id, number, flush=True)
    await asyncio.gather(*(work(writer) for writer in range(4)))
asyncio.run(main())
"""


@pytest.mark.parametrize("lines", [1, 9, 80])
def test_what_was_acknowledged_is_deployed_after_kill_9(tmp_path: Path, lines: int) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _ in range(lines)]
        process.send_signal(signal.SIGKILL)
        said += [line for line in process.stdout if line.endswith("\n")]
    states: dict[tuple[str, str], str] = {}
    for line in said:
        state, api_id, name = line.split()
        states[api_id, name] = state

    async def check() -> None:
        database = await open_database(tmp_path / "lambent.db", "full")
        try:
            registry = await ApiRegistry.open(database)
            assert {api_id for api_id, _ in states} <= set(registry.apis.all)
            for api_id, definition in registry.apis.all.items():
                deployed = registry.deployed(api_id, "$default")
                assert deployed is not None
                # Whatever the last change was, it is deployed: both are one transaction.
                assert {route.route_id for route in deployed.routes} == set(definition.content.routes)
                keys = {route.route_key for route in deployed.routes}
                for (acknowledged, name), state in states.items():
                    if acknowledged == api_id and state != "api":
                        # The next change, a deletion, may have been made and not been acknowledged.
                        unsure = state == "route" and int(name) % 3 == 0
                        assert unsure or (f"GET /{name}" in keys) == (state == "route")
        finally:
            await database.close()

    uvloop.run(check())
