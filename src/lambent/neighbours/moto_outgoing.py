"""What moto's topics and buckets send to functions, queues and buses, which are the platform's.

Part of the program in moto_server.py, which loads it with the first request to SNS or S3. Facts of moto 5.2.5. What
subscribers get: "Parsing message formats" in the developer guide of SNS for queues, "Using Lambda with Amazon SNS" in
that of Lambda; functions are told SignatureVersion "1" whatever the topic says (recorded by LocalStack's
`create_lambda` tests of SNS). Signatures have the right form and sign nothing: nobody has the key for them.
"""

import base64
import hashlib
import json
import os
import threading
from datetime import UTC, datetime
from typing import Any

from moto.sns.models import Subscription
from moto.sqs.models import SQSBackend


def watched() -> "Outgoing":
    """What moto's topics leave their messages in from now on. moto would look for queues and functions in itself."""
    outgoing = Outgoing()
    publish = Subscription.publish

    def published(subscription: Any, *arguments: Any, **named: Any) -> None:
        if subscription.protocol == "lambda":
            outgoing.to_function(subscription, *arguments, **named)
            return
        outgoing.subscription = subscription
        if subscription.topic.fifo_topic and named.get("deduplication_id") is None:
            # "Message deduplication for FIFO topics": of the content alone, which in an envelope nobody sees.
            message = arguments[0] if arguments else named["message"]
            named["deduplication_id"] = hashlib.sha256(message.encode()).hexdigest()
        try:
            publish(subscription, *arguments, **named)
        finally:
            outgoing.subscription = None

    def send(backend: Any, queue_name: str, message_body: str, **named: Any) -> None:
        outgoing.to_queue(message_body, **named)

    Subscription.publish = published  # type: ignore[method-assign, assignment]
    Subscription.get_post_data = _envelope  # type: ignore[method-assign, assignment]
    SQSBackend.send_message = send  # type: ignore[method-assign, assignment]
    return outgoing


class Outgoing(threading.local):
    """What the request that a thread serves wants to be delivered, as documents of `messages.Message`."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.subscription: Any = None

    @staticmethod
    def now() -> str:
        """The time as SNS and S3 write it: ISO 8601 with milliseconds."""
        return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"

    def add(
        self, service: str, source: str, account: str, region: str, target: str, body: str, **more: Any
    ) -> None:
        """Something for `target`, of the topic or bucket `source`; `more` are further members of the document."""
        self.messages.append(
            {
                "service": service,
                "source": source,
                "account": account,
                "region": region,
                "target": target,
                "body": body,
                **more,
            }
        )

    def _of_topic(self, subscription: Any, body: str, letter: str, **more: Any) -> None:
        topic = subscription.topic
        self.add(
            "sns",
            topic.arn,
            topic.account_id,
            topic.sns_backend.region_name,
            subscription.endpoint,
            body,
            dead_letter_arn=_dead_letters(subscription),
            dead_letter_body=letter,
            **more,
        )

    def to_function(
        self,
        subscription: Any,
        message: str,
        message_id: str,
        subject: str | None = None,
        message_attributes: dict[str, Any] | None = None,
        group_id: str | None = None,
        deduplication_id: str | None = None,
        message_structure: str | None = None,
    ) -> None:
        """A message of a topic for a function, unless the subscription does not want it."""
        matcher = subscription._filter_policy_matcher
        if matcher is not None and not matcher.matches(message_attributes, message):
            return
        if message_structure == "json":
            message = subscription._parse_message_structure(message, "lambda")
        letter = _envelope(subscription, message, message_id, subject, message_attributes)
        notification = {
            "Type": "Notification",
            "MessageId": message_id,
            "TopicArn": letter["TopicArn"],
            "Subject": subject,
            "Message": message,
            "Timestamp": letter["Timestamp"],
            "SignatureVersion": "1",
            "Signature": letter["Signature"],
            "SigningCertUrl": letter["SigningCertURL"],
            "UnsubscribeUrl": letter["UnsubscribeURL"],
            "MessageAttributes": letter.get("MessageAttributes", {}),
        }
        record = {
            "EventSource": "aws:sns",
            "EventVersion": "1.0",
            "EventSubscriptionArn": subscription.arn,
            "Sns": notification,
        }
        self._of_topic(subscription, json.dumps({"Records": [record]}), json.dumps(letter))

    def to_queue(
        self,
        message_body: str,
        message_attributes: dict[str, Any] | None = None,
        deduplication_id: str | None = None,
        group_id: str | None = None,
        **_: Any,
    ) -> None:
        """A message of the topic at hand for the queue of its subscription."""
        options = {
            "MessageAttributes": message_attributes or {},
            **({"MessageGroupId": group_id} if group_id else {}),
            **({"MessageDeduplicationId": deduplication_id} if deduplication_id else {}),
        }
        subscription = self.subscription
        if subscription is None:
            return
        if not subscription.endpoint.endswith(".fifo"):
            options.pop("MessageDeduplicationId", None)
        self._of_topic(subscription, message_body, message_body, options=options)


def _envelope(
    subscription: Any,
    message: str,
    message_id: str,
    subject: str | None = None,
    message_attributes: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """A notification as queues and web servers get it. moto would make a key and a certificate for each."""
    arn = subscription.topic.arn
    host = f"https://sns.{subscription.topic.sns_backend.region_name}.amazonaws.com"
    return {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": arn,
        **({"Subject": subject} if subject else {}),
        "Message": message,
        "Timestamp": Outgoing.now(),
        "SignatureVersion": "1",
        "Signature": base64.b64encode(os.urandom(256)).decode(),
        "SigningCertURL": f"{host}/SimpleNotificationService-{'0' * 32}.pem",
        "UnsubscribeURL": f"{host}/?Action=Unsubscribe&SubscriptionArn={subscription.arn}",
        **({"MessageAttributes": _told(message_attributes)} if message_attributes else {}),
    }


def _told(attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        name: {"Type": attribute["Type"], "Value": str(attribute["Value"])}
        for name, attribute in attributes.items()
    }


def _dead_letters(subscription: Any) -> str | None:
    """The dead-letter queue of a subscription's redrive policy."""
    policy = subscription.attributes.get("RedrivePolicy")
    try:
        found = json.loads(policy)["deadLetterTargetArn"] if policy else None
    except (ValueError, KeyError, TypeError):
        return None
    return str(found) if found else None
