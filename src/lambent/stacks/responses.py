"""URLs to which those answer who are asked for something that takes its time: custom resources and wait conditions.

An answer is a PUT to `/_lambent/responses/<secret>`; whoever knows the secret may send it, as with AWS's presigned URLs
(AWSCloudFormation/latest/TemplateReference/crpg-ref-requests.html,
AWSCloudFormation/latest/UserGuide/using-cfn-waitcondition.html). URLs and what was sent to them are durable: a platform
that ended while it waited goes on waiting. An answer is durable before it is acknowledged.
"""

from __future__ import annotations

import asyncio
import secrets
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec

from lambent.store.database import Statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.clock import Clock
    from lambent.http import Request
    from lambent.stacks.providers.provider import Work
    from lambent.store.database import Database, Results, Value
    from lambent.store.errors import StoreError

PATH: Final = "/_lambent/responses/"
MAX_BODY: Final = 4096
"""Bytes of an answer; of a longer one so much is kept that it is seen to be too long."""

MOST_SIGNALS: Final = 1000
"""Signals that are kept for one handle; more than a wait condition may ask for in practice."""

_PATH: Final = PATH.encode()
_KEPT_MS: Final = 14 * 3_600_000
"""A wait condition lasts twelve hours at the most; nothing else waits as long."""

_UNREADABLE: Final = "%"
"""The name of what has none; not a quoted text."""

_XML: Final = [("Content-Type", "application/xml")]
_REFUSED: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n'
    b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
)
_FAILED: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>InternalError</Code>'
    b"<Message>We encountered an internal error. Please try again.</Message></Error>"
)


class ResponseUrl(msgspec.Struct):
    """One URL and what is known of it. `path` is what follows the platform's address."""

    secret: str
    token: str
    several: bool
    """Whether it takes answers of several names, as a wait condition's handle does; if not, the first one counts."""
    expires_ms: int
    asked_ms: int = 0
    answers: dict[str, bytes] = {}
    """Bodies by name, in the order of their coming: by UniqueId, or the only one under ""."""
    waiting: list[asyncio.Future[None]] = []

    @property
    def path(self) -> str:
        return PATH + self.secret


class Responses:
    """All response URLs of the platform. `open` gives one."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        inside_url: Callable[[], str],
        public_url: Callable[[], str],
    ) -> None:
        self._database = database
        self._clock = clock
        self._inside_url = inside_url
        self._public_url = public_url
        self._urls: dict[str, ResponseUrl] = {}
        self._tokens: dict[str, ResponseUrl] = {}

    @classmethod
    async def open(
        cls,
        database: Database,
        clock: Clock,
        inside_url: Callable[[], str],
        public_url: Callable[[], str] | None = None,
    ) -> Responses:
        """Read what is there. `inside_url()` is the platform's address for functions, `public_url()` for everybody
        else; without a slash at the end. Raises StoreError.
        """
        responses = cls(database, clock, inside_url, public_url or inside_url)
        await database.write(
            Statement(
                "DELETE FROM stack_responses WHERE secret IN "
                "(SELECT secret FROM stack_response_urls WHERE expires_ms < ?)",
                (clock.wall_ms(),),
            ),
            Statement("DELETE FROM stack_response_urls WHERE expires_ms < ?", (clock.wall_ms(),)),
        )
        rows = await database.read(
            "SELECT secret, token, several, expires_ms, asked_ms FROM stack_response_urls"
        )
        for secret, token, several, expires_ms, asked_ms in rows:
            responses._add(
                ResponseUrl(str(secret), str(token), bool(several), _int(expires_ms), _int(asked_ms))
            )
        for secret, name, body in await database.read(
            "SELECT secret, name, body FROM stack_responses ORDER BY secret, number"
        ):
            found = responses._urls.get(str(secret))
            if found is not None and isinstance(body, bytes):
                found.answers[str(name)] = body
        return responses

    # ------------------------------------------------------------ what providers ask for

    async def make(self, token: str, *, several: bool = False) -> ResponseUrl:
        """The URL for `token`: the same one whenever it is asked for. Durable when it returns. Raises StoreError."""
        found = self._tokens.get(token)
        if found is not None:
            return found
        await self._sweep()
        made = ResponseUrl(secrets.token_urlsafe(32), token, several, self._clock.wall_ms() + _KEPT_MS)
        await self._database.write(
            Statement(
                "INSERT INTO stack_response_urls (secret, token, several, expires_ms) VALUES (?, ?, ?, ?)",
                (made.secret, token, int(several), made.expires_ms),
            )
        )
        self._add(made)
        return made

    def find(self, token: str) -> ResponseUrl | None:
        """The URL that was made for `token`, where it still is."""
        return self._tokens.get(token)

    def inside(self, url: ResponseUrl) -> str:
        """As functions on this machine reach it."""
        return self._inside_url() + url.path

    def public(self, url: ResponseUrl) -> str:
        """As everybody else does."""
        return self._public_url() + url.path

    def at(self, url: str) -> ResponseUrl | None:
        """The URL of that text, whatever the platform's address was when it was given out."""
        return self._urls.get(url.rpartition(PATH)[2])

    async def asked(self, url: ResponseUrl) -> None:
        """Keep that whoever is to answer has been told so now. Raises StoreError."""
        now = self._clock.wall_ms()
        await self._database.write(
            Statement("UPDATE stack_response_urls SET asked_ms = ? WHERE secret = ?", (now, url.secret))
        )
        url.asked_ms = now

    async def more(self, url: ResponseUrl, known: int) -> None:
        """Wait until there are more answers than `known`."""
        while len(url.answers) <= known:
            woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            url.waiting.append(woken)
            try:
                await woken
            finally:
                url.waiting.remove(woken)

    async def more_within(self, work: Work, url: ResponseUrl, known: int, seconds: int) -> bool:
        """The same for a step, `seconds` after it was `asked` at the latest: whether there are more.

        Raises what ends the step's sleep when that is cancelled.
        """
        left = seconds - max(0, self._clock.wall_ms() - url.asked_ms) / 1000
        waiting = asyncio.ensure_future(self.more(url, known))
        sleeping = asyncio.ensure_future(work.sleep(max(0, left)))
        try:
            await asyncio.wait((waiting, sleeping), return_when=asyncio.FIRST_COMPLETED)
            if not waiting.done():
                sleeping.result()
            return waiting.done()
        finally:
            waiting.cancel()
            sleeping.cancel()

    async def forget(self, token: str) -> None:
        """Take a URL away: nothing that is sent there is accepted any more. Raises StoreError."""
        found = self._tokens.get(token)
        if found is not None:
            await self._remove([found])

    async def clear(self) -> None:
        """Forget all of them. Raises StoreError."""
        await self._remove(list(self._urls.values()))

    # ------------------------------------------------------------ requests

    def handle(self, request: Request) -> bool:
        """Take a request where it is one for a response URL; whether it is."""
        if not request.target.startswith(_PATH):
            return False
        secret = request.path[len(_PATH) :].decode("latin-1")
        found = self._urls.get(secret)
        if found is None or request.method != b"PUT" or found.expires_ms < self._clock.wall_ms():
            request.respond(403, _XML, _REFUSED)
            return True
        body = bytes(request.body[: MAX_BODY + 1])
        name = _name(body) if found.several else ""
        if name in found.answers or len(found.answers) >= MOST_SIGNALS:
            # Sent twice: S3 takes it, and nobody looks at it.
            request.respond(200, ())
            return True

        def done(_results: Results | None, error: StoreError | None) -> None:
            if error is not None:
                request.respond(500, _XML, _FAILED)
                return
            if name not in found.answers:
                found.answers[name] = body
            for woken in found.waiting:
                _wake(woken)
            request.respond(200, ())

        self._database.submit(
            [
                Statement(
                    "INSERT INTO stack_responses (secret, name, number, body) VALUES (?, ?, ?, ?) "
                    "ON CONFLICT (secret, name) DO NOTHING",
                    (secret, name, len(found.answers), body),
                )
            ],
            done,
        )
        return True

    # ------------------------------------------------------------ rows

    def _add(self, url: ResponseUrl) -> None:
        self._urls[url.secret] = self._tokens[url.token] = url

    async def _sweep(self) -> None:
        now = self._clock.wall_ms()
        old = [url for url in self._urls.values() if url.expires_ms < now and not url.waiting]
        if old:
            await self._remove(old)

    async def _remove(self, urls: list[ResponseUrl]) -> None:
        statements = [
            Statement(f"DELETE FROM {table} WHERE secret = ?", (url.secret,))  # noqa: S608 - two names of ours
            for url in urls
            for table in ("stack_responses", "stack_response_urls")
        ]
        if statements:
            await self._database.write(*statements)
        for url in urls:
            self._urls.pop(url.secret, None)
            self._tokens.pop(url.token, None)


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def _name(body: bytes) -> str:
    """The UniqueId of a signal; what cannot be read has a name of its own, which no signal has."""
    try:
        said: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _UNREADABLE
    name = said.get("UniqueId") if isinstance(said, dict) else None
    return quote(name) if isinstance(name, str) and name else _UNREADABLE
