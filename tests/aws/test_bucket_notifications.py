"""What S3 says of notifications that a bucket is to send: how they are read, and who is asked about them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from lambent.aws.bucket_notifications import checked
from lambent.aws.errors import ServiceError
from lambent.neighbours.call import Call
from lambent.neighbours.messages import Message, Refusal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"


def document(*configurations: str) -> bytes:
    namespace = 'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    return f"<NotificationConfiguration {namespace}>{''.join(configurations)}</NotificationConfiguration>".encode()


def one(kind: str, arn: str, event: str = "s3:ObjectCreated:*", **rules: str) -> str:
    filters = "".join(
        f"<FilterRule><Name>{name}</Name><Value>{value}</Value></FilterRule>" for name, value in rules.items()
    )
    return (
        f"<{kind}Configuration><Id>i</Id><{kind}>{arn}</{kind}><Event>{event}</Event>"
        f"<Filter><S3Key>{filters}</S3Key></Filter></{kind}Configuration>"
    )


def check(body: bytes, *, refused: bool = False, **headers: str) -> tuple[Call, list[Message]]:
    asked: list[Message] = []

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    def refuse(message: Message) -> Refusal | None:
        asked.append(message)
        return Refusal(missing=True, message="not there") if refused else None

    call = Call(
        "s3", "s3", "000000000000", "us-east-1", "key", b"PUT", b"/photos?notification",
        [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()], pieces(), b"localhost",
    )  # fmt: skip
    return asyncio.run(checked(call, refuse)), asked


def test_destinations_are_asked_in_the_bucket_s_name() -> None:
    body = document(
        one("CloudFunction", FUNCTION),
        one("Queue", QUEUE, "s3:ObjectRemoved:*"),
        "<EventBridgeConfiguration/>",
    )
    call, asked = check(body)
    assert call.body == body
    assert [(message.target, message.source, message.account) for message in asked] == [
        (FUNCTION, "arn:aws:s3:::photos", "000000000000"),
        (QUEUE, "arn:aws:s3:::photos", "000000000000"),
    ]
    # Topics are not the platform's, and nobody need be asked.
    assert check(document(one("Topic", "arn:aws:sns:us-east-1:000000000000:t")), refused=True)[1] == []
    assert check(body, refused=True, x_amz_skip_destination_validation="true")[1] == []
    assert check(document())[1] == []


def test_a_body_in_chunks_of_s3_is_read_and_passed_on_as_it_came() -> None:
    inner = document(one("Queue", QUEUE))
    body = b"%x;chunk-signature=%s\r\n%s\r\n0;chunk-signature=%s\r\n\r\n" % (
        len(inner),
        b"0" * 64,
        inner,
        b"0" * 64,
    )
    call, asked = check(body, x_amz_content_sha256="STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    assert (call.body, len(asked)) == (body, 1)


def twice(first: dict[str, str], second: dict[str, str]) -> bytes:
    return document(one("Queue", QUEUE, **first), one("CloudFunction", FUNCTION, **second))


@pytest.mark.parametrize(
    "body",
    [
        twice({"event": "s3:ObjectCreated:*"}, {"event": "s3:ObjectRemoved:*"}),
        twice({"event": "s3:ObjectCreated:Put"}, {"event": "s3:ObjectCreated:Post"}),
        twice({"prefix": "in/"}, {"prefix": "out/"}),
        twice({"suffix": ".jpg"}, {"suffix": ".png"}),
        twice({"prefix": "in/", "suffix": ".jpg"}, {"prefix": "in/a", "suffix": ".png"}),
    ],
)
def test_what_tells_of_other_objects_or_events_is_clear(body: bytes) -> None:
    assert len(check(body)[1]) == 2


AMBIGUOUS = "Configuration is ambiguously defined."


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        (twice({}, {}), "InvalidArgument", "Configurations overlap."),
        (twice({}, {"event": "s3:ObjectCreated:Put"}), "InvalidArgument", "Configurations overlap."),
        (twice({}, {"prefix": "in/"}), "InvalidArgument", AMBIGUOUS),
        (twice({"prefix": "in/a"}, {"prefix": "in/"}), "InvalidArgument", AMBIGUOUS),
        (twice({"suffix": "pg"}, {"prefix": "in/", "suffix": ".jpg"}), "InvalidArgument", AMBIGUOUS),
        (document(one("Queue", QUEUE, infix="a")), "InvalidArgument", "must be either prefix or suffix"),
        (document(one("Queue", QUEUE, prefix="a", Prefix="b")), "InvalidArgument", "more than one prefix rule"),
        (document(one("Queue", FUNCTION)), "InvalidArgument", "The ARN could not be parsed"),
        (b"<NotificationConfiguration>", "MalformedXML", "not well-formed"),
        (b"", "MalformedXML", "not well-formed"),
        (document() + b" " * (1 << 20), "MalformedXML", "not well-formed"),
    ],
)  # fmt: skip
def test_refusals(body: bytes, code: str, message: str) -> None:
    with pytest.raises(ServiceError, match=message) as refused:
        check(body)
    assert (refused.value.code, refused.value.status) == (code, 400)


def test_a_document_without_end_is_not_read_to_its_end() -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(1 << 20)

    call = Call(
        "s3", "s3", "000000000000", "us-east-1", "key", b"PUT", b"/photos?notification", [], endless(), b"localhost"
    )  # fmt: skip
    with pytest.raises(ServiceError) as caught:
        asyncio.run(checked(call, lambda _: None))
    assert caught.value.code == "MalformedXML"
