"""What a platform imports to start: what a start takes is, nearly all of it, imports."""

from __future__ import annotations

import json
import subprocess
import sys

LATER = (
    "lambent.stacks",
    "lambent.gateway.rest_api",
    "lambent.aws.apigateway",
    "lambent.aws.apigatewayv2",
    "lambent.aws.cloudcontrol",
    "lambent.aws.cloudformation",
    "lambent.aws.codedeploy",
    "lambent.aws.events",
    "lambent.aws.lambda_.service",
    "lambent.aws.logs.service",
    "lambent.aws.scheduler",
    "lambent.events.pollers.streams",
    "lambent.neighbours.moto_server",
    "lambent.deploy",
    "lambent.app",
    "botocore",
    "click",
    "importlib.metadata",
    "jsonschema",
    "moto",
    "rich",
    "websockets",
    "yaml",
)
"""What belongs to services and libraries that most platforms are never asked for; each is imported when it is."""

MOST = 380
"""Modules of lambent's own: raise it for what every platform needs, make other things `Later`."""

PROGRAM = """
import json, sys
import uvloop
from lambent.node.platform import Platform
from lambent.node.settings import Settings

async def start():
    platform = await Platform.start(Settings(port=0, ephemeral=True))
    json.dump(sorted(sys.modules), sys.stdout)
    await platform.stop()

uvloop.run(start())
"""


def test_a_start_imports_what_every_platform_needs() -> None:
    printed = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, check=True, timeout=60
    ).stdout
    modules: list[str] = json.loads(printed)
    assert [
        name for name in modules if name.startswith(tuple(f"{later}." for later in LATER)) or name in LATER
    ] == []
    own = [name for name in modules if name.partition(".")[0] == "lambent"]
    assert len(own) <= MOST, f"{len(own)} modules"
