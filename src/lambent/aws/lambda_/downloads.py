"""Links from which a function's deployment package can be downloaded for a while, as GetFunction gives them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import re
import secrets
import time
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from lambent.functions.linked import linked_code
from lambent.store import BlobMissing, StoreError

if TYPE_CHECKING:
    from lambent.functions import CodeStore
    from lambent.http import Request

PREFIX = "/_lambent/code/"

_log = logging.getLogger(__name__)

# As long as the links of AWS are good.
_LIFETIME_S = 600
_PATH = re.compile(rf"{PREFIX}([0-9a-f]{{64}})")


class CodeDownloads:
    """Makes links and answers them. They are signed with a key of this process: a restart ends them."""

    def __init__(self, code: CodeStore) -> None:
        self._code = code
        self._key = secrets.token_bytes(32)
        self._running: set[asyncio.Task[None]] = set()

    def url(self, endpoint_url: str, code_hash: str) -> str:
        """A link to the package, good for ten minutes; to the folder of linked code."""
        linked = linked_code(code_hash)
        if linked is not None:
            return linked.folder.as_uri()
        expires = int(time.time()) + _LIFETIME_S
        return (
            f"{endpoint_url}{PREFIX}{code_hash}?Expires={expires}&Signature={self._sign(code_hash, expires)}"
        )

    def handle(self, request: Request) -> None:
        """Answer a request whose path begins with PREFIX: the package, 403 or 404."""
        code_hash = self._authorised(request)
        if code_hash is None:
            request.respond(403, [("Content-Type", "text/plain")], b"The link is not valid or has expired.\n")
            return
        task = asyncio.get_running_loop().create_task(self._send(request, code_hash))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    def _authorised(self, request: Request) -> str | None:
        match = _PATH.fullmatch(request.path.decode("latin-1"))
        query = parse_qs(request.query.decode("latin-1"))
        expires, signature = query.get("Expires", [""])[0], query.get("Signature", [""])[0]
        if match is None or not (expires.isascii() and expires.isdigit()) or int(expires) < time.time():
            return None
        if not hmac.compare_digest(self._sign(match[1], int(expires)).encode(), signature.encode()):
            return None
        return match[1]

    async def _send(self, request: Request, code_hash: str) -> None:
        try:
            package = await self._code.package(code_hash)
        except BlobMissing:
            request.respond(404, [("Content-Type", "text/plain")], b"The code is no longer stored.\n")
            return
        except (OSError, StoreError) as error:
            _log.error("the package %s could not be read: %s", code_hash, error)
            request.respond(500, [("Content-Type", "text/plain")], b"The code could not be read.\n")
            return
        request.respond(200, [("Content-Type", "application/zip")], package)

    def _sign(self, code_hash: str, expires: int) -> str:
        return hmac.new(self._key, f"{code_hash}:{expires}".encode(), hashlib.sha256).hexdigest()
