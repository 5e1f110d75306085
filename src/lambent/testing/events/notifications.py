"""Notifications of topics and buckets.

Shapes: "Using Lambda with Amazon SNS" of the Lambda developer guide, "HTTP/HTTPS notification JSON format" of SNS's for
messages that reach queues, "Event message structure" of the S3 user guide.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.testing.events.values import (
    ACCOUNT,
    REGION,
    SOURCE_IP,
    iso_millis,
    new_hex,
    new_id,
    new_uuid,
    to_base64,
    to_json,
    to_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from lambent.testing.events.values import Moment

_CERTIFICATE = f"https://sns.{REGION}.amazonaws.com/SimpleNotificationService-0123456789abcdef.pem"


def sns(
    *messages: object,
    topic: str = "topic",
    subject: str | None = None,
    attributes: Mapping[str, str | float | bytes] | None = None,
    message_id: str | None = None,
    time: Moment | None = None,
) -> dict[str, Any]:
    """Messages of a topic: text, bytes in UTF-8 or any objects, which become JSON. SNS itself sends one at a time."""
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:{topic}"
    return {
        "Records": [
            {
                "EventSource": "aws:sns",
                "EventVersion": "1.0",
                "EventSubscriptionArn": f"{arn}:{new_uuid()}",
                "Sns": {
                    "Type": "Notification",
                    "MessageId": message_id or new_uuid(),
                    "TopicArn": arn,
                    "Subject": subject,
                    "Message": to_text(message),
                    "Timestamp": iso_millis(time),
                    "SignatureVersion": "1",
                    "Signature": new_id(48),
                    "SigningCertUrl": _CERTIFICATE,
                    "UnsubscribeUrl": _unsubscribe(arn),
                    "MessageAttributes": _attributes(attributes),
                },
            }
            for message in messages
        ]
    }


def sns_envelope(
    message: object,
    *,
    topic: str = "topic",
    subject: str | None = None,
    attributes: Mapping[str, str | float | bytes] | None = None,
    message_id: str | None = None,
    time: Moment | None = None,
) -> str:
    """The body that a topic's message has in a queue, unless its subscription delivers messages raw.

    Two members are spelt otherwise than in `sns`: SigningCertURL and UnsubscribeURL; what is not there is left out.
    """
    arn = f"arn:aws:sns:{REGION}:{ACCOUNT}:{topic}"
    return to_json(
        {
            "Type": "Notification",
            "MessageId": message_id or new_uuid(),
            "TopicArn": arn,
            **({"Subject": subject} if subject is not None else {}),
            "Message": to_text(message),
            "Timestamp": iso_millis(time),
            "SignatureVersion": "1",
            "Signature": new_id(48),
            "SigningCertURL": _CERTIFICATE,
            "UnsubscribeURL": _unsubscribe(arn),
            **({"MessageAttributes": _attributes(attributes)} if attributes else {}),
        }
    )


def s3(
    bucket: str,
    keys: str | Iterable[str],
    *,
    event: str = "ObjectCreated:Put",
    size: int = 1024,
    etag: str | None = None,
    version_id: str | None = None,
    source_ip: str = SOURCE_IP,
    time: Moment | None = None,
) -> dict[str, Any]:
    """Something happened to objects: `event` is S3's name of it, without `s3:`.

    The keys are as one gives them to S3; in the event they are encoded as S3 does, a space as `+`. A removed object has
    neither size nor ETag.
    """
    return {
        "Records": [
            {
                "eventVersion": "2.1",
                "eventSource": "aws:s3",
                "awsRegion": REGION,
                "eventTime": iso_millis(time),
                "eventName": event.removeprefix("s3:"),
                "userIdentity": {"principalId": "AWS:AIDAEXAMPLEEXAMPLE123"},
                "requestParameters": {"sourceIPAddress": source_ip},
                "responseElements": {
                    "x-amz-request-id": new_hex(16).upper(),
                    "x-amz-id-2": new_id(48),
                },
                "s3": {
                    "s3SchemaVersion": "1.0",
                    "configurationId": new_uuid(),
                    "bucket": {
                        "name": bucket,
                        "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                        "arn": f"arn:aws:s3:::{bucket}",
                    },
                    "object": _object(key, event, size, etag, version_id),
                },
            }
            for key in ([keys] if isinstance(keys, str) else keys)
        ]
    }


def s3_test(bucket: str, *, time: Moment | None = None) -> dict[str, Any]:
    """What S3 sends once to the queue or topic that a bucket is made to notify."""
    return {
        "Service": "Amazon S3",
        "Event": "s3:TestEvent",
        "Time": iso_millis(time),
        "Bucket": bucket,
        "RequestId": new_hex(16).upper(),
        "HostId": new_id(48),
    }


def _object(key: str, event: str, size: int, etag: str | None, version_id: str | None) -> dict[str, Any]:
    from urllib.parse import quote_plus

    removed = "ObjectRemoved" in event
    return {
        "key": quote_plus(key, safe="/*"),
        **({} if removed else {"size": size, "eTag": etag or new_hex(32)}),
        **({"versionId": version_id} if version_id is not None else {}),
        "sequencer": new_hex(18).upper(),
    }


def _attributes(attributes: Mapping[str, str | float | bytes] | None) -> dict[str, Any]:
    return {
        name: {"Type": "Binary", "Value": to_base64(value)}
        if isinstance(value, bytes)
        else {"Type": "String" if isinstance(value, str) else "Number", "Value": str(value)}
        for name, value in (attributes or {}).items()
    }


def _unsubscribe(arn: str) -> str:
    return f"https://sns.{REGION}.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={arn}:{new_uuid()}"
