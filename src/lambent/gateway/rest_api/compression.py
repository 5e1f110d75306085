"""Compression of bodies.

"Payload compression for REST APIs" of the developer guide: with a minimum size, answers of that size and above are
compressed as the client's Accept-Encoding says, and compressed requests are decompressed before anything reads them.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from lambent.gateway.rest_api.call import RestCall

_WINDOWS: Final = {"gzip": 31, "deflate": 15}
# What takes too long in the one thread goes out as it is: 2 MB at the fastest level take 20 ms.
_MOST: Final = 2_097_152
_LARGEST: Final = 10_485_760


def compressed(
    call: RestCall, least: int, headers: list[tuple[str, str]], body: bytes
) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body of an answer, compressed where the client takes that and it is large enough."""
    if not least <= len(body) <= _MOST or not body:
        return headers, body
    if any(name.lower() == "content-encoding" for name, _ in headers):
        return headers, body
    accepted = {
        one.partition(";")[0].strip().lower()
        for one in (call.header("accept-encoding") or "").split(",")
        if one.replace(" ", "").partition(";q=")[2] not in ("0", "0.0")
    }
    coding = next((one for one in _WINDOWS if one in accepted), None)
    if coding is None:
        return headers, body
    compressor = zlib.compressobj(1, zlib.DEFLATED, _WINDOWS[coding])
    return [*headers, ("Content-Encoding", coding)], compressor.compress(body) + compressor.flush()


def decompressed(call: RestCall) -> bool:
    """Put a request's body in place of its compressed one. False for one that is something else, or too large."""
    coding = (call.header("content-encoding") or "").strip().lower()
    window = _WINDOWS.get(coding)
    if window is None:
        return True
    request = call.request
    decompressor = zlib.decompressobj(window)
    try:
        body = decompressor.decompress(request.body, _LARGEST + 1)
    except zlib.error:
        return False
    if len(body) > _LARGEST or not decompressor.eof:
        return False
    request.body = body
    request.headers = [one for one in request.headers if one[0] != b"content-encoding"]
    return True
