"""Notifications that a bucket is to send: S3 looks whether their destinations are there and let it in.

Recorded by LocalStack (tests/aws/services/s3/test_s3_notifications_{lambda,sqs}.snapshot.json): the refusals, their
members, and that x-amz-skip-destination-validation spares the destinations but not their ARNs.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.etree import ElementTree

from lambent.aws.errors import ServiceError
from lambent.neighbours.chunks import decoded_pieces
from lambent.neighbours.messages import Message

if TYPE_CHECKING:
    from lambent.neighbours.call import Call
    from lambent.neighbours.messages import Refuse

_SERVICES: Final = {"CloudFunction": "lambda", "Queue": "sqs", "Topic": "sns"}
_MOST_BYTES: Final = 1 << 20
_UNVALIDATED: Final = "Unable to validate the following destination configurations"

_log = logging.getLogger(__name__)


class _Destination(NamedTuple):
    kind: str
    arn: str


async def checked(call: Call, refuse: Refuse) -> Call:
    """A request that puts the notifications of a bucket, with its body, when all destinations are well.

    Raises ServiceError.
    """
    body = call.body if isinstance(call.body, bytes) else b"".join([piece async for piece in call.body])
    call = call._replace(body=body)
    text = body
    if (call.header(b"x-amz-content-sha256") or b"").startswith(b"STREAMING-"):
        text = b"".join([piece async for piece in decoded_pieces(body)])
    destinations = _destinations(text)
    if (call.header(b"x-amz-skip-destination-validation") or b"").lower() == b"true":
        return call
    members: dict[str, str] = {}
    for kind, arn in destinations:
        if kind == "Topic":
            continue  # the neighbour's own
        bucket = call.target.partition(b"?")[0].strip(b"/").decode()
        message = Message(
            service="s3",
            source=f"arn:{arn.split(':')[1]}:s3:::{bucket}",
            account=call.account,
            region=call.region,
            target=arn,
            body="",
        )
        refusal = refuse(message)
        if refusal is None:
            continue
        _log.warning("the bucket %s cannot notify %s: %s", bucket, arn, refusal.message)
        number = len(members) // 2 + 1
        members[f"ArgumentName{number}"] = f"{arn}, null" if kind == "CloudFunction" else arn
        if kind == "CloudFunction":
            value = f"Not authorized to invoke function [{arn}]"
        elif refusal.missing:
            value = "The destination queue does not exist"
        else:
            value = "Permissions on the destination queue do not allow S3 to publish notifications from this bucket"
        members[f"ArgumentValue{number}"] = value
    if members:
        raise ServiceError("InvalidArgument", _UNVALIDATED, status=400, members=members)
    return call


def _destinations(body: bytes) -> list[_Destination]:
    """Raises ServiceError."""
    try:
        if len(body) > _MOST_BYTES:
            raise ElementTree.ParseError
        root = ElementTree.fromstring(body)  # noqa: S314 - expat expands no entity bombs since 2.4.1
    except ElementTree.ParseError:
        message = "The XML you provided was not well-formed or did not validate against our published schema"
        raise ServiceError("MalformedXML", message, status=400) from None
    found = []
    for element in root.iter():
        kind = element.tag.rpartition("}")[2]
        service = _SERVICES.get(kind)
        if service is None:
            continue
        arn = (element.text or "").strip()
        if re.match(rf"arn:aws[a-z-]*:{service}:[^:]*:[^:]*:.", arn) is None:
            raise ServiceError(
                "InvalidArgument",
                "The ARN could not be parsed",
                status=400,
                members={"ArgumentName": kind, "ArgumentValue": arn},
            )
        found.append(_Destination(kind, arn))
    return found
