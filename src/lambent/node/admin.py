"""The platform's own endpoints, below /_lambent/: health, usage, reset, code downloads."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec

from lambent.aws.lambda_ import downloads

if TYPE_CHECKING:
    from lambent.aws.lambda_ import CodeDownloads
    from lambent.http import Request
    from lambent.node.platform import Platform

_JSON = [("Content-Type", "application/json")]


class AdminEndpoint:
    """Answers what begins with /_lambent/."""

    def __init__(self, platform: Platform, code: CodeDownloads) -> None:
        self._platform = platform
        self._code = code
        self._running: set[asyncio.Task[None]] = set()

    def handle(self, request: Request) -> None:
        """Answer at once, or 404 for what is not there."""
        path = request.path.decode("latin-1")
        if path.startswith(downloads.PREFIX):
            self._code.handle(request)
        elif path == "/_lambent/health":
            self._answer(request, 200, self._health())
        elif path == "/_lambent/usage":
            self._answer(request, 200, self._platform.logs.usage.snapshot())
        elif path == "/_lambent/reset" and request.method == b"POST":
            self._reset(request)
        else:
            self._answer(request, 404, {"message": f"There is no {path} here."})

    def _reset(self, request: Request) -> None:
        if not self._platform.settings.ephemeral:
            self._answer(request, 403, {"message": "Only a platform started with --ephemeral can be reset."})
            return

        async def reset() -> None:
            await self._platform.reset()
            self._answer(request, 200, {"status": "reset"})

        task = asyncio.get_running_loop().create_task(reset())
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _health(self) -> dict[str, object]:
        return {
            "status": "ok",
            "version": self._platform.version,
            "services": list(self._platform.services),
            "neighbours": self._platform.neighbours.facts(),
        }

    @staticmethod
    def _answer(request: Request, status: int, document: object) -> None:
        request.respond(status, _JSON, msgspec.json.encode(document) + b"\n")
