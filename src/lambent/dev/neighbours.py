"""Whether an app will need moto: known before it has been analysed, so that moto can start at once.

moto takes a second until it answers, more than everything else together. A wrong guess costs the wait, or a process
that nobody asks.
"""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from lambent.neighbours.errors import NeighbourError
from lambent.neighbours.moto import Moto

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from lambent.dev.pipeline import Ready

_NOTE: Final = "neighbours"
_OURS: Final = (
    "AWS::ApiGateway::",
    "AWS::ApiGatewayV2::",
    "AWS::CloudFormation::",
    "AWS::Events::",
    "AWS::Lambda::",
    "AWS::Logs::",
    "AWS::SQS::",
    "AWS::Scheduler::",
    "AWS::Serverless::",
)
"""Types of resources that the platform serves itself."""

_MOST_BYTES: Final = 200_000
_HINTS: Final = re.compile(
    rb"\bTable\(|\.table_stream\(|\.bucket\(|\.topic\(|\.stream\(|\.user_pool\("
    rb"|AWS::(?:DynamoDB|S3|SNS|Kinesis|Cognito)::|AWS::Serverless::SimpleTable"
)
_HOST: Final = [(b"Host", b"moto")]


def needed(ready: Ready) -> bool:
    """Whether the template has resources that moto serves."""
    return any(
        not str(resource.get("Type", "")).startswith(_OURS)
        for resource in ready.template["Resources"].values()
    )


def note(folder: Path, ready: Ready) -> None:
    """Remember for the next session whether moto is needed."""
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / _NOTE).write_text("moto\n" if needed(ready) else "none\n")


def guess(folder: Path, sources: list[Path]) -> bool:
    """Whether moto will be needed, by the last session or else by what the sources look like."""
    with suppress(OSError):
        return (folder / _NOTE).read_text().strip() == "moto"
    for path in sources:
        with suppress(OSError), path.open("rb") as file:
            if _HINTS.search(file.read(_MOST_BYTES)):
                return True
    return False


def early(built: asyncio.Event) -> Moto:
    """A moto that may start before the platform is there to fill it with what it knew: that waits until `built`."""
    moto = Moto()

    async def fill() -> None:
        await built.wait()
        later: Callable[[], Awaitable[None]] | None = moto.on_started
        if later is not None and later is not fill:
            await later()

    moto.on_started = fill
    return moto


async def warm(moto: Moto) -> None:
    """Start it, without waiting for what fills it."""
    with suppress(NeighbourError):
        answer = await moto.exchange(b"GET", b"/", list(_HOST), b"")
        answer.close()
