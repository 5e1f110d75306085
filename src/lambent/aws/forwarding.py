"""Requests for services that are not Lambent's own: passed to a neighbour, and what it answers to the client."""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import TYPE_CHECKING, Final, TypeAlias

from lambent.aws.errors import AuthError, ServiceError
from lambent.aws.s3_addressing import path_style
from lambent.http import StreamedRequest
from lambent.http.client import ExchangeFailed
from lambent.neighbours.call import Call
from lambent.neighbours.chunks import MalformedChunks
from lambent.neighbours.errors import NeighbourDown

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator, Callable

    from lambent.aws.authentication import Identity
    from lambent.aws.catalog import Entry
    from lambent.http import Request
    from lambent.http.client import Answer
    from lambent.neighbours.neighbours import Neighbours

_READS: Final = (b"GET", b"HEAD")
_WRITES: Final = re.compile(
    rb"(?P<service>Kinesis|DynamoDB)_\d{8}\.(?!Get|List|Describe|Subscribe|Query|Scan|BatchGet|TransactGet)"
    rb"(?P<operation>\w+)"
)
_NOTIFICATION: Final = re.compile(rb"[?&]notification(?:[=&]|$)")
_DIGEST: Final = re.compile(rb"[0-9a-f]{64}")


Written: TypeAlias = "Callable[[str, str, str, str, bytes | None], None]"
"""Told of what may have put records into a stream: service (`kinesis`, `dynamodb`), operation, account, region and the
request's body, None where that is no longer known.
"""


class Forwarder:
    """Passes requests to `neighbours`. `verify`: whether bodies must be what their signatures say."""

    def __init__(self, neighbours: Neighbours, *, verify: bool, written: Written | None = None) -> None:
        self.neighbours = neighbours
        self._verify = verify
        self._written = written

    def serves(self, entry: Entry) -> bool:
        """Whether a neighbour serves this service."""
        return self.neighbours.serves(entry.name, entry.signing_name)

    def is_real(self, entry: Entry) -> bool:
        """Whether this service is a real endpoint."""
        return self.neighbours.is_real(entry.name)

    async def answer(self, request: Request, identity: Identity, entry: Entry) -> None:
        """Have a neighbour answer `request`.

        Raises ServiceError, NeighbourLacks and NeighbourFaulty with nothing sent; ClientLeft.
        """
        is_s3 = entry.name == "s3"
        if is_s3 and self._certainly_missing(request, identity):
            raise ServiceError("NoSuchBucket", "The specified bucket does not exist", status=404)
        call = Call(
            entry.name,
            entry.signing_name,
            identity.account,
            identity.region,
            identity.access_key,
            request.method,
            path_style(request) if is_s3 else request.target,
            request.headers,
            self._body(request),
            next((value for name, value in request.headers if name == b"host"), b"localhost"),
            request.peer[0],
        )
        try:
            if is_s3:
                call = await self._checked(call)
            answer = await (
                self._send_while_there(request, call) if entry.name == "sqs" else self.neighbours.send(call)
            )
        except NeighbourDown as error:
            raise ServiceError(
                "ServiceUnavailable", str(error), status=error.status, fault="server"
            ) from error
        except MalformedChunks as error:
            message = f"The request body terminated unexpectedly: {error}"
            raise ServiceError("IncompleteBody", message, status=400) from error
        await _relay(request, answer)
        if self._written is not None and answer.status < 300:
            write = _WRITES.fullmatch(request.header(b"x-amz-target") or b"")
            if write is not None:
                service, operation = write["service"].decode().lower(), write["operation"].decode()
                body = None if isinstance(request, StreamedRequest) else request.body
                self._written(service, operation, identity.account, identity.region, body)

    async def _checked(self, call: Call) -> Call:
        """`call`, of which S3 is known to take nothing ill. Raises ServiceError."""
        refuse = self.neighbours.refuse
        if (
            refuse is None
            or call.method != b"PUT"
            or _NOTIFICATION.search(call.target) is None
            or self.neighbours.is_real("s3")
            or self.neighbours.is_restoring(call.headers)
        ):
            return call
        from lambent.aws.bucket_notifications import checked

        return await checked(call, refuse)

    async def _send_while_there(self, request: Request, call: Call) -> Answer:
        """Send a request that may be a long poll: nobody polls any more for a client that has left, as that would take
        messages away from others.
        """
        left = False
        sending = asyncio.ensure_future(self.neighbours.send(call))

        def leave() -> None:
            nonlocal left
            left = True
            sending.cancel()

        request.when_left(leave)
        try:
            return await sending
        except asyncio.CancelledError:
            if left:
                raise ServiceError("RequestTimeout", "The client has left.", status=408) from None
            sending.cancel()
            raise

    def _certainly_missing(self, request: Request, identity: Identity) -> bool:
        """Whether an anonymous reader asks for something in moto's S3 before there is a moto.

        Browsers ask for /favicon.ico, and scanners for anything: neither starts a process.
        """
        return (
            identity.access_key is None
            and request.method in _READS
            and not self.neighbours.is_real("s3")
            and not self.neighbours.moto_started
        )

    def _body(self, request: Request) -> bytes | AsyncIterable[bytes]:
        if not isinstance(request, StreamedRequest):
            return request.body
        declared = declared_digest(request)
        return _verified(request, declared) if self._verify and declared is not None else request.pieces()


def declared_digest(request: Request) -> bytes | None:
    """The SHA-256 of the body, in hex, that the client says it has signed; None when it says none."""
    declared = request.header(b"x-amz-content-sha256")
    return declared if declared is not None and _DIGEST.fullmatch(declared) else None


async def _verified(request: StreamedRequest, declared: bytes) -> AsyncIterator[bytes]:
    """The body, whose last piece comes only when the whole is what was signed."""
    digest = hashlib.sha256()
    held = b""
    async for piece in request.pieces():
        digest.update(piece)
        if held:
            yield held
        held = piece
    if digest.hexdigest().encode() != declared:
        raise AuthError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            status=400,
        )
    if held:
        yield held


async def _relay(request: Request, answer: Answer) -> None:
    """Send on what has come, as it comes. A body that breaks off here breaks off there."""
    try:
        headers, length = [], None
        for name, value in answer.headers:
            if name == b"content-length":
                length = int(value)
            else:
                headers.append((name.decode("latin-1"), value.decode("latin-1")))
        stream = request.stream(answer.status, headers, length)
        try:
            async for piece in answer:
                if request.abandoned:
                    break
                stream.write(piece)
                await stream.drain()
            else:
                stream.close()
        except ExchangeFailed:
            pass
        finally:
            stream.abort()  # unless it has come to its end
    finally:
        answer.close()
