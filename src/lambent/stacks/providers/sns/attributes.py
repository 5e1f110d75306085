"""Attributes: as texts, and as the properties that they are made of.

They are those of CreateTopic, SetTopicAttributes and SetSubscriptionAttributes in the API reference of SNS, whose
defaults come back when a property goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.stacks.providers.base import document_of, document_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.stacks.providers.provider import Properties

TOPIC: Final = {
    "DisplayName": "",
    "KmsMasterKeyId": "",
    "ContentBasedDeduplication": "false",
    "FifoThroughputScope": "Topic",
    "SignatureVersion": "1",
    "TracingConfig": "PassThrough",
    "ArchivePolicy": "{}",
    "MaximumMessageSize": "262144",
}
"""The attributes of topics by what they are when they are not set."""

SUBSCRIPTION: Final = {
    # Before the policy that it is about.
    "FilterPolicyScope": "MessageAttributes",
    "FilterPolicy": "{}",
    "RawMessageDelivery": "false",
    "RedrivePolicy": "",
    "DeliveryPolicy": "",
    "ReplayPolicy": "",
    "SubscriptionRoleArn": "",
}
"""Those of subscriptions, in the order in which they are set."""


_DOCUMENTS: Final = frozenset(
    ("ArchivePolicy", "FilterPolicy", "RedrivePolicy", "DeliveryPolicy", "ReplayPolicy")
)
_FLAGS: Final = frozenset(("ContentBasedDeduplication", "FifoTopic", "RawMessageDelivery"))
_LOGGED: Final = {
    "application": "Application",
    "firehose": "Firehose",
    "http": "HTTP",
    "https": "HTTP",
    "http/s": "HTTP",
    "lambda": "Lambda",
    "sqs": "SQS",
}
_LOGGING: Final = ("SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate", "FailureFeedbackRoleArn")


def texts(properties: Properties, names: Iterable[str]) -> dict[str, str]:
    """Those properties as attributes, which are texts."""
    found = {}
    for name in names:
        value = properties.get(name)
        if value is None:
            continue
        if name in _DOCUMENTS:
            found[name] = document_text(value)
        elif isinstance(value, bool):
            found[name] = "true" if value else "false"
        else:
            found[name] = str(value)
    return found


def topic_attributes(properties: Properties) -> dict[str, str]:
    """Everything that is an attribute of a topic."""
    attributes = texts(properties, TOPIC)
    for logged in properties.get("DeliveryStatusLogging") or []:
        protocol = _LOGGED[logged["Protocol"].lower()]
        attributes |= {f"{protocol}{name}": str(logged[name]) for name in _LOGGING if name in logged}
    return attributes


def properties_of(attributes: dict[str, str], names: Iterable[str]) -> Properties:
    """Attributes, which are texts, in the types of the properties."""
    properties: Properties = {}
    for name in names:
        value = attributes.get(name)
        if value is None:
            continue
        if name in _DOCUMENTS:
            properties[name] = document_of(value)
        elif name in _FLAGS:
            properties[name] = value.lower() == "true"
        else:
            properties[name] = int(value) if name == "MaximumMessageSize" else value
    return properties
