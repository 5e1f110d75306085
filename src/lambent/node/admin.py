"""The platform's own endpoints, below /_lambent/: health, usage, reset, code downloads.

Health is for everybody, downloads are for who has a link; the others ask for the same credentials as the AWS APIs.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import msgspec

from lambent.aws.errors import ServiceError
from lambent.aws.lambda_ import downloads

if TYPE_CHECKING:
    from lambent.aws.lambda_.downloads import CodeDownloads
    from lambent.http import Request
    from lambent.node.platform import Platform

_JSON = [("Content-Type", "application/json")]

_log = logging.getLogger(__name__)


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
            if self._authenticated(request):
                self._answer(request, 200, self._platform.logs.usage.snapshot())
        elif path == "/_lambent/reset" and request.method == b"POST":
            if self._authenticated(request):
                self._reset(request)
        else:
            self._answer(request, 404, {"message": f"There is no {path} here."})

    def _authenticated(self, request: Request) -> bool:
        """Whether the caller may use the AWS APIs too; the others have their answer then."""
        try:
            self._platform.dispatcher.authenticate(request)
        except ServiceError as error:
            self._answer(request, error.status or 403, {"message": error.message})
            return False
        return True

    def _reset(self, request: Request) -> None:
        if not self._platform.settings.ephemeral:
            self._answer(request, 403, {"message": "Only a platform started with --ephemeral can be reset."})
            return

        async def reset() -> None:
            try:
                await self._platform.reset()
            except Exception as fault:  # noqa: BLE001 - whatever goes wrong, the client gets an answer
                _log.error("the platform could not be reset", exc_info=fault)
                self._answer(request, 500, {"message": f"The platform could not be reset: {fault}"})
            else:
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
