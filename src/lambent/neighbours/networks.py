"""Subnets and security groups, as EC2 knows them: a function names some that must be there."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Final
from urllib.parse import urlencode

from lambent.http.client import ExchangeFailed
from lambent.neighbours.call import Call
from lambent.neighbours.errors import NeighbourDown, NetworkRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lambent.neighbours.neighbours import Neighbours

_VERSION: Final = "2016-11-15"
_DOCUMENT_BYTES: Final = 4_194_304
_VPC: Final = re.compile(r"<vpcId>(.*?)</vpcId>")
_CODE: Final = re.compile(r"<Code>(.*?)</Code>", re.DOTALL)
_MESSAGE: Final = re.compile(r"<Message>(.*?)</Message>", re.DOTALL)

# moto shows a Python set of ids: "The security group '{'sg-1'}' does not exist".
_SET: Final = re.compile(r"'\{(.*?)\}'")


class Networks:
    """Asks the EC2 that the platform's clients see."""

    def __init__(self, neighbours: Neighbours) -> None:
        self._neighbours = neighbours

    async def vpc(self, subnets: Sequence[str], groups: Sequence[str], *, account: str, region: str) -> str:
        """The id of the VPC that the subnets are in. Raises NetworkRefused, NeighbourError."""
        if not self._neighbours.is_real("ec2") and not self._neighbours.moto_started:
            # Nobody has made any yet, so none of them is there: no need to start anything to find that out.
            raise NetworkRefused(
                "DescribeSubnets", "InvalidSubnetID.NotFound", f"The subnet ID '{subnets[0]}' does not exist"
            )
        document = await self._ask("DescribeSubnets", "SubnetId", subnets, account, region)
        await self._ask("DescribeSecurityGroups", "GroupId", groups, account, region)
        found = _VPC.search(document)
        return found[1] if found else ""

    async def _ask(self, operation: str, member: str, ids: Sequence[str], account: str, region: str) -> str:
        """The answer of an operation that is asked for those ids."""
        numbered = {f"{member}.{number}": each for number, each in enumerate(ids, 1)}
        body = urlencode({"Action": operation, "Version": _VERSION, **numbered}).encode()
        # Signed by nobody: a real endpoint is asked with its own credentials, moto looks only at the scope.
        scope = f"Credential={account}/00000000/{region}/ec2/aws4_request"
        headers = [
            (b"authorization", f"AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=none".encode()),
            (b"content-type", b"application/x-www-form-urlencoded; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
        ]
        answer = await self._neighbours.send(
            Call("ec2", "ec2", account, region, account, b"POST", b"/", headers, body, b"localhost")
        )
        try:
            document = (await answer.read(_DOCUMENT_BYTES) or b"").decode(errors="replace")
        except ExchangeFailed as error:
            raise NeighbourDown(f"ec2 broke off in the middle of {operation}: {error}", 502) from error
        finally:
            answer.close()
        if answer.status != 200:
            code, message = _CODE.search(document), _MESSAGE.search(document)
            raise NetworkRefused(
                operation,
                html.unescape(code[1]) if code else str(answer.status),
                _SET.sub(r"\1", html.unescape(message[1])) if message else "",
            )
        return document
