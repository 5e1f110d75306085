"""`aws-chunked` bodies: S3's own chunks inside a body, each with a signature, and trailers at the end.

The format is that of "Signature calculations: transferring payload in multiple chunks" in the S3 API reference:
`<size in hex>;chunk-signature=<64 hex>`, a line end, the chunk, a line end; a chunk of size 0 ends the body.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, AsyncIterator

_LONGEST_LINE: Final = 4_096


class MalformedChunks(Exception):
    """The body is not what its headers say it is."""


async def decoded_pieces(body: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    """The content of an aws-chunked body as it comes. Raises MalformedChunks."""
    held = bytearray()
    left = 0  # bytes of the chunk at hand that have not come
    ended = False
    async for piece in _pieces(body):
        if ended:
            continue  # trailers: about a body that is framed differently from here on
        held += piece
        while held:
            if left:
                part = bytes(held[:left])
                del held[: len(part)]
                left -= len(part)
                yield part
                continue
            if held[:2] == b"\r\n":
                del held[:2]
                continue
            end = held.find(b"\r\n")
            if end < 0:
                if len(held) > _LONGEST_LINE:
                    raise MalformedChunks("a chunk without a size")
                break
            size = bytes(held[:end]).partition(b";")[0].strip()
            del held[: end + 2]
            try:
                left = int(size, 16)
            except ValueError:
                raise MalformedChunks(f"{size[:20]!r} is no chunk size") from None
            if left == 0:
                ended = True
                break
    if not ended:
        raise MalformedChunks("the last chunk is missing")


async def _pieces(body: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
    else:
        async for piece in body:
            yield piece
