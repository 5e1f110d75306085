"""Notifications that a bucket is to send: S3 looks whether each is clear, and its destination there and open to it.

Recorded by LocalStack (tests/aws/services/s3/test_s3_notifications_{lambda,sqs}.snapshot.json): the refusals, their
members, and that x-amz-skip-destination-validation spares the destinations but not their ARNs. Which filters overlap:
"Configuring event notifications using object key name filtering" of the S3 user guide; what is said then is recorded in
minio/minio#2472 and aws-solutions/aws-waf-security-automations#49.
"""

from __future__ import annotations

import itertools
import logging
import re
from typing import TYPE_CHECKING, Final, NamedTuple
from xml.etree import ElementTree

from lambent.aws.errors import ServiceError
from lambent.neighbours.chunks import decoded_pieces
from lambent.neighbours.messages import Message

if TYPE_CHECKING:
    from collections.abc import AsyncIterable

    from lambent.neighbours.call import Call
    from lambent.neighbours.messages import Refuse

_SERVICES: Final = {"CloudFunction": "lambda", "Queue": "sqs", "Topic": "sns"}
_MOST_BYTES: Final = 1 << 20
_UNVALIDATED: Final = "Unable to validate the following destination configurations"

_log = logging.getLogger(__name__)


class _Configuration(NamedTuple):
    kind: str
    arn: str
    events: tuple[str, ...]
    prefix: str = ""
    suffix: str = ""


async def checked(call: Call, refuse: Refuse) -> Call:
    """A request that puts the notifications of a bucket, with its body, when all destinations are well.

    Raises ServiceError.
    """
    body = call.body if isinstance(call.body, bytes) else await _read(call.body)
    call = call._replace(body=body)
    text = body
    if (call.header(b"x-amz-content-sha256") or b"").startswith(b"STREAMING-"):
        text = b"".join([piece async for piece in decoded_pieces(body)])
    configurations = _configurations(text)
    for one, other in itertools.combinations(configurations, 2):
        _check_overlap(one, other)
    if (call.header(b"x-amz-skip-destination-validation") or b"").lower() == b"true":
        return call
    members: dict[str, str] = {}
    for kind, arn, *_ in configurations:
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


async def _read(pieces: AsyncIterable[bytes]) -> bytes:
    """A body that is still coming, unless it is far too long. Raises ServiceError."""
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > 2 * _MOST_BYTES:  # chunks say their length, too
            raise _malformed()
    return bytes(body)


def _malformed() -> ServiceError:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return ServiceError("MalformedXML", message, status=400)


def _configurations(body: bytes) -> list[_Configuration]:
    """Raises ServiceError."""
    if len(body) > _MOST_BYTES:
        raise _malformed()
    try:
        root = ElementTree.fromstring(body)  # noqa: S314 - expat expands no entity bombs since 2.4.1
    except ElementTree.ParseError:
        raise _malformed() from None
    found = []
    for element in root:
        kind = _tag(element).removesuffix("Configuration")
        if kind not in _SERVICES:
            continue
        texts = [(_tag(one), (one.text or "").strip()) for one in element]
        arn = next((text for tag, text in texts if tag == kind), "")
        if re.match(rf"arn:aws[a-z-]*:{_SERVICES[kind]}:[^:]*:[^:]*:.", arn) is None:
            raise _invalid("The ARN could not be parsed", kind, arn)
        events = tuple(text for tag, text in texts if tag == "Event")
        found.append(_Configuration(kind, arn, events, **_filter(element)))
    return found


def _filter(configuration: ElementTree.Element) -> dict[str, str]:
    """The prefix and the suffix. Raises ServiceError."""
    found: dict[str, str] = {}
    for rule in (one for one in configuration.iter() if _tag(one) == "FilterRule"):
        members = {_tag(one): one.text or "" for one in rule}
        told = members.get("Name", "")
        name = told.strip().lower()
        if name not in ("prefix", "suffix"):
            message = "filter rule name must be either prefix or suffix"
            raise _invalid(message, "FilterRule.Name", told)
        if name in found:
            message = f"Cannot specify more than one {name} rule in a filter."
            raise _invalid(message, "FilterRule.Name", told)
        found[name] = members.get("Value", "")
    return found


def _check_overlap(one: _Configuration, other: _Configuration) -> None:
    """Raise ServiceError for two that tell of the same events of the same objects."""
    shared = [(a, b) for a in one.events for b in other.events if _matches(a, b) or _matches(b, a)]
    prefixed = one.prefix.startswith(other.prefix) or other.prefix.startswith(one.prefix)
    suffixed = one.suffix.endswith(other.suffix) or other.suffix.endswith(one.suffix)
    if not shared or not prefixed or not suffixed:
        return
    if not (one.prefix or one.suffix or other.prefix or other.suffix):
        message = (
            "Configurations overlap. Configurations on the same bucket cannot share a common event type."
        )
        raise _invalid(message, "Event", ", ".join(shared[0]))
    raise ServiceError(
        "InvalidArgument",
        "Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are"
        " overlapping for the same event type.",
        status=400,
    )


def _matches(event: str, other: str) -> bool:
    return event == other or (event.endswith(":*") and other.startswith(event[:-1]))


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _invalid(message: str, name: str, value: str) -> ServiceError:
    return ServiceError(
        "InvalidArgument", message, status=400, members={"ArgumentName": name, "ArgumentValue": value}
    )
