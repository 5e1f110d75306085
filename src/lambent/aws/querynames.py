"""Names of the query protocol that a model no longer holds, because its service has moved on to JSON.

SQS answers both; the names are those of its API of 2012-11-05 as older clients send and expect them
(`AttributeName.1`, `Attribute.1.Name`, `<Message>`).
"""

from __future__ import annotations

from typing import Any

# The element of each list, by the list's shape.
_SQS_LISTS = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "BatchResultErrorEntryList": "BatchResultErrorEntry",
    "BinaryList": "BinaryListValue",
    "ChangeMessageVisibilityBatchRequestEntryList": "ChangeMessageVisibilityBatchRequestEntry",
    "ChangeMessageVisibilityBatchResultEntryList": "ChangeMessageVisibilityBatchResultEntry",
    "DeleteMessageBatchRequestEntryList": "DeleteMessageBatchRequestEntry",
    "DeleteMessageBatchResultEntryList": "DeleteMessageBatchResultEntry",
    "ListMessageMoveTasksResultEntryList": "ListMessageMoveTasksResultEntry",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageList": "Message",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "QueueUrlList": "QueueUrl",
    "SendMessageBatchRequestEntryList": "SendMessageBatchRequestEntry",
    "SendMessageBatchResultEntryList": "SendMessageBatchResultEntry",
    "StringList": "StringListValue",
    "TagKeyList": "TagKey",
}
# The member, key and value of each map, by the map's shape.
_SQS_MAPS = {
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
    "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "QueueAttributeMap": ("Attribute", "Name", "Value"),
    "TagMap": ("Tag", "Key", "Value"),
}


def add_query_names(service: str, description: dict[str, Any]) -> None:
    """Put the query protocol's names into the model `description` of `service`, where it lacks them."""
    if service != "sqs":
        return
    description["metadata"].setdefault("xmlNamespace", "http://queue.amazonaws.com/doc/2012-11-05/")
    shapes = description["shapes"]
    for name, element in _SQS_LISTS.items():
        if name in shapes:
            shapes[name]["member"]["locationName"] = element
    for name, (_, key, value) in _SQS_MAPS.items():
        if name in shapes:
            shapes[name]["key"]["locationName"] = key
            shapes[name]["value"]["locationName"] = value
    for shape in shapes.values():
        for reference in shape.get("members", {}).values():
            wanted = _SQS_MAPS.get(reference["shape"], (_SQS_LISTS.get(reference["shape"]),))[0]
            if wanted is not None:
                reference["locationName"] = wanted
    for name, operation in description["operations"].items():
        if "output" in operation:
            operation["output"]["resultWrapper"] = f"{name}Result"
