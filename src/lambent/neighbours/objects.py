"""Objects in S3, for the platform's own use: the code of functions and layers."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from lambent.http.client import ExchangeFailed
from lambent.neighbours.call import Call
from lambent.neighbours.errors import NeighbourDown, ObjectRefused, ObjectTooLarge

if TYPE_CHECKING:
    from lambent.http.client import Answer
    from lambent.neighbours.neighbours import Neighbours

_ERROR_BYTES: Final = 65_536
_CODE: Final = re.compile(r"<Code>(.*?)</Code>", re.DOTALL)
_MESSAGE: Final = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)


class Objects:
    """Reads objects from the S3 that the platform's clients see."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours

    async def get(
        self, bucket: str, key: str, version: str | None, *, account: str, region: str, limit: int
    ) -> bytes:
        """The content of an object, of at most `limit` bytes; of its newest version where `version` is None.

        The bucket must be in `region`, as for Lambda. Raises ObjectRefused, ObjectTooLarge, NeighbourError.
        """
        if not self._neighbours.is_real("s3"):
            # A real S3 says by itself when it is asked in the wrong region.
            head = await self._ask(b"HEAD", f"/{quote(bucket, safe='')}", account, region)
            head.close()
            there = (head.header(b"x-amz-bucket-region") or region.encode()).decode("latin-1")
            if there != region:
                raise _elsewhere(there)
        query = f"?versionId={quote(version, safe='')}" if version is not None else ""
        target = f"/{quote(bucket, safe='')}/{quote(key, safe='/~')}{query}"
        answer = await self._ask(b"GET", target, account, region)
        try:
            if answer.status != 200:
                raise await _refusal(answer)
            length = answer.header(b"content-length")
            content = await answer.read(limit) if length is None or int(length) <= limit else None
        except ExchangeFailed as error:
            raise NeighbourDown(f"s3 broke off in the middle of {key}: {error}", 502) from error
        finally:
            answer.close()
        if content is None:
            raise ObjectTooLarge(f"{key} in {bucket} is larger than {limit} bytes")
        return content

    async def _ask(self, method: bytes, target: str, account: str, region: str) -> Answer:
        # Signed by nobody: a real endpoint is asked with its own credentials, moto looks only at the scope.
        scope = f"Credential={account}/00000000/{region}/s3/aws4_request"
        authorization = f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none".encode()
        headers = [(b"authorization", authorization)]
        call = Call("s3", "s3", account, region, account, method, target.encode(), headers, b"", b"localhost")
        return await self._neighbours.send(call)


async def _refusal(answer: Answer) -> ObjectRefused:
    document = (await answer.read(_ERROR_BYTES) or b"").decode(errors="replace")
    code, message = _CODE.search(document), _MESSAGE.search(document)
    if answer.status in (301, 307) or (code is not None and code[1] == "PermanentRedirect"):
        return _elsewhere((answer.header(b"x-amz-bucket-region") or b"null").decode("latin-1"))
    return ObjectRefused(
        html.unescape(code[1]) if code else str(answer.status),
        html.unescape(message[1]) if message else "",
    )


def _elsewhere(region: str) -> ObjectRefused:
    return ObjectRefused(
        "PermanentRedirect",
        f"The bucket is in this region: {region}. Please use this region to retry the request",
    )
