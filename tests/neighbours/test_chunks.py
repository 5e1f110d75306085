from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lambent.neighbours.chunks import MalformedChunks, decoded_pieces

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SIGNED = b";chunk-signature=" + b"a" * 64
BODY = b"6%s\r\n\r\nab\r\n\r\n3%s\r\nxyz\r\n0%s\r\nx-amz-trailer:1\r\n\r\n" % (SIGNED, SIGNED, SIGNED)


async def decoded(*pieces: bytes) -> bytes:
    async def body() -> AsyncIterator[bytes]:
        for piece in pieces:
            yield piece

    return b"".join([piece async for piece in decoded_pieces(body())])


def test_content_in_pieces_of_any_size(run: Any) -> None:
    async def scenario() -> None:
        for size in range(1, len(BODY) + 1):
            pieces = [BODY[start : start + size] for start in range(0, len(BODY), size)]
            assert await decoded(*pieces) == b"\r\nab\r\nxyz"

    run(scenario)


@pytest.mark.parametrize(
    "body", [b"", b"5\r\nab", b"5\r\nabcde\r\n", b"x\r\nabc", b"a" * 5_000, BODY[: BODY.rindex(b"0;")]]
)
def test_what_is_cut_or_none(run: Any, body: bytes) -> None:
    async def scenario() -> None:
        with pytest.raises(MalformedChunks):
            await decoded(body)

    run(scenario)
