"""Messages of standard queues: what AWS has answered, in both protocols and on both paths.

Scenarios named are those of LocalStack's TestSqsProvider, recorded against AWS.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.aws.sqs.serving import plain, refused, words

if TYPE_CHECKING:
    from tests.aws.sqs.serving import Api

INVALID = "InvalidParameterValue"
TRACE = "Root=1-3152b799-8954dae64eda91bc9a23a7e8;Parent=7fa8c0f79203be72;Sampled=1"
K = {"k": {"DataType": "String", "StringValue": "x"}}
K_SIZE = len("k") + len("String") + len("x")


def test_sent_and_received(api: Api) -> None:
    url = api.queue()
    sent = plain(api.client.send_message(QueueUrl=url, MessageBody="message"))
    message_id = sent.pop("MessageId")
    assert sent == {"MD5OfMessageBody": "78e731027d8fd50ed642340b7c9a63b3"}
    (message,) = api.messages(url)
    assert message.pop("ReceiptHandle")
    assert message == {
        "MessageId": message_id,
        "Body": "message",
        "MD5OfBody": "78e731027d8fd50ed642340b7c9a63b3",
    }


def test_refusals_have_the_members_of_their_protocol(api: Api) -> None:
    """test_send_receive_max_number_of_messages"""
    answer = refused(api.client.receive_message, QueueUrl=api.queue(), MaxNumberOfMessages=11)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    more = {"Detail": None} if api.query else {"QueryErrorCode": "InvalidParameterValueException"}
    assert answer["Error"] == {
        "Code": INVALID,
        "Message": "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if"
        " provided.",
        "Type": "Sender",
        **more,
    }


def test_nothing_to_receive(api: Api) -> None:
    """test_receive_empty_queue"""
    url = api.queue()
    assert plain(api.client.receive_message(QueueUrl=url)) == {}
    assert plain(api.client.receive_message(QueueUrl=url, WaitTimeSeconds=0)) == {}


@pytest.mark.parametrize("seconds", [21, -1])
def test_waiting_has_limits(api: Api, seconds: int) -> None:
    """test_send_receive_wait_time_seconds"""
    assert words(api.client.receive_message, QueueUrl=api.queue(), WaitTimeSeconds=seconds) == (
        INVALID,
        f"Value {seconds} for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided.",
    )


def test_empty_body(api: Api) -> None:
    """test_send_empty_message"""
    answer = refused(api.client.send_message, QueueUrl=api.queue(), MessageBody="")
    assert answer["Error"]["Code"] == "MissingParameter"
    assert answer["Error"]["Message"] == "The request must contain the parameter MessageBody."
    if not api.query:
        assert answer["Error"]["QueryErrorCode"] == "MissingRequiredParameterException"


@pytest.mark.parametrize("maximum", [1_048_576, 1_024])
def test_body_and_attributes_count(api: Api, maximum: int) -> None:
    """test_send_oversized_message, test_send_message_with_updated_maximum_message_size"""
    url = api.queue()
    api.client.set_queue_attributes(QueueUrl=url, Attributes={"MaximumMessageSize": str(maximum)})
    api.client.send_message(QueueUrl=url, MessageBody="a" * (maximum - K_SIZE), MessageAttributes=K)
    assert words(
        api.client.send_message,
        QueueUrl=url,
        MessageBody="a" * (maximum - K_SIZE + 1),
        MessageAttributes=K,
    ) == (
        INVALID,
        f"One or more parameters are invalid. Reason: Message must be shorter than {maximum} bytes.",
    )


def test_bytes_are_counted_not_characters(api: Api) -> None:
    url = api.queue(MaximumMessageSize="1024")
    api.client.send_message(QueueUrl=url, MessageBody="é" * 512)
    assert words(api.client.send_message, QueueUrl=url, MessageBody="é" * 513)[0] == INVALID


@pytest.mark.parametrize("character", ["\x00", "\x08", "\x1f", "\ufffe", "\uffff"])
def test_characters_that_xml_cannot_hold(api: Api, character: str) -> None:
    code, message = words(api.client.send_message, QueueUrl=api.queue(), MessageBody=f"a{character}b")
    assert code == "InvalidMessageContents"
    assert message.startswith("Invalid characters found. Valid unicode characters are #x9 | #xA | #xD | #x20")


@pytest.mark.parametrize(
    "body", ['"&quot;&quot;\r', "\t\r\n", "\\u0000 \\b", "<a>&amp;</a>", "\x7f\u2028 ü \U0001f600", "\ufffd"]
)
def test_bodies_come_as_they_were_sent(api: Api, body: str) -> None:
    url = api.queue()
    api.client.send_message(QueueUrl=url, MessageBody=body)
    (message,) = api.messages(url)
    assert message["Body"] == body


def test_binary_attributes(api: Api) -> None:
    """test_send_message_with_binary_attributes"""
    value = b"traceparent\x1e00-774062d6c37081a5a0b9b5b88e30627c-2d2482211f6489da-01"
    url, attributes = api.queue(), {"attr1": {"BinaryValue": value, "DataType": "Binary"}}
    sent = api.client.send_message(QueueUrl=url, MessageBody="test", MessageAttributes=attributes)
    (message,) = api.messages(url, MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]
    assert message["MD5OfMessageAttributes"] == "8cbe4db156db8a94db8b801b7addb984"


FILTERS: list[tuple[list[str], str | None, list[str]]] = [
    ([], None, []),
    (["All"], "4c360f3fdafd970e05fae2f149d997f5", ["General", "Hello", "Help.Me"]),
    (["*"], "4c360f3fdafd970e05fae2f149d997f5", ["General", "Hello", "Help.Me"]),
    ([".*"], "4c360f3fdafd970e05fae2f149d997f5", ["General", "Hello", "Help.Me"]),
    (["Foo", "Help"], None, []),
    (["Hello", "General"], "fca026605781cb4126a1e9044df24232", ["General", "Hello"]),
    (["Foo", "Hello"], "a311262e065454b75da111d535b8dacd", ["Hello"]),
    (["Hel.*"], "83fee93c1bcd8b9a5a923ffacdc636c7", ["Hello", "Help.Me"]),
    (["AWS."], None, []),
    (["..foo"], None, []),
]


def test_attributes_that_are_asked_for(api: Api) -> None:
    """test_receive_message_message_attribute_names_filters: the digest is that of what is shown"""
    url = api.queue(VisibilityTimeout="0")
    values = {"Help.Me": "Me", "Hello": "There", "General": "Kenobi"}
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
    sent = api.client.send_message(QueueUrl=url, MessageBody="msg", MessageAttributes=attributes)
    assert sent["MD5OfMessageAttributes"] == "4c360f3fdafd970e05fae2f149d997f5"
    for names, md5, found in FILTERS:
        (message,) = api.messages(url, MessageAttributeNames=names)
        assert message.get("MD5OfMessageAttributes") == md5, names
        assert sorted(message.get("MessageAttributes", {})) == found


ALL = {"ApproximateFirstReceiveTimestamp", "ApproximateReceiveCount", "SenderId", "SentTimestamp"}


@pytest.mark.parametrize("member", ["AttributeNames", "MessageSystemAttributeNames"])
def test_system_attributes_that_are_asked_for(api: Api, member: str) -> None:
    """test_receive_message_attribute_names_filters, test_receive_message_message_system_attribute_names_filters"""
    url = api.queue(VisibilityTimeout="0")
    foo = {"Foo": {"DataType": "String", "StringValue": "Bar"}}
    api.client.send_message(QueueUrl=url, MessageBody="msg", MessageAttributes=foo)
    (message,) = api.messages(url, **{member: ["All"]})
    assert set(message["Attributes"]) == ALL
    assert message["Attributes"]["ApproximateReceiveCount"] == "1"
    assert "MessageAttributes" not in message
    (message,) = api.messages(url, MessageAttributeNames=["All"], **{member: ["All"]})
    assert message["Attributes"]["ApproximateReceiveCount"] == "2"
    assert message["MessageAttributes"] == foo
    assert message["MD5OfMessageAttributes"] == "ae7155c6026991b6d54b11589678bf9c"
    (message,) = api.messages(url, **{member: ["SenderId"]})
    assert set(message["Attributes"]) == {"SenderId"}
    (message,) = api.messages(url, **{member: ["SenderId", "SequenceNumber"]})
    assert set(message["Attributes"]) == {"SenderId"}


def test_system_attributes_named_in_both_members(api: Api) -> None:
    """test_message_system_attribute_names_with_attribute_names"""
    url = api.queue(VisibilityTimeout="0")
    api.client.send_message(QueueUrl=url, MessageBody="msg")
    (message,) = api.messages(url, AttributeNames=["SenderId"], MessageSystemAttributeNames=["All"])
    assert set(message["Attributes"]) == ({"SenderId"} if api.query else ALL)


def test_trace_header_as_a_system_attribute(api: Api) -> None:
    """test_aws_trace_header_propagation, test_system_attributes_have_no_effect_on_attr_md5"""
    url = api.queue()
    timestamp = {"timestamp": {"StringValue": "1493147359900", "DataType": "Number"}}
    header = {
        "AWSTraceHeader": {
            "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1",
            "DataType": "String",
        }
    }
    members: dict[str, Any] = {"QueueUrl": url, "MessageBody": "test", "MessageAttributes": timestamp}
    sent = api.client.send_message(**members, MessageSystemAttributes=header)
    assert sent["MD5OfMessageAttributes"] == "235c5c510d26fb653d073faed50ae77c"
    assert sent["MD5OfMessageSystemAttributes"] == "5ae4d5d7636402d80f4eb6d213245a88"
    (message,) = api.messages(url, AttributeNames=["AWSTraceHeader"])
    assert message["Attributes"] == {"AWSTraceHeader": header["AWSTraceHeader"]["StringValue"]}


def test_trace_header_of_the_request(api: Api) -> None:
    """test_aws_trace_header_propagation"""
    url = api.queue()

    def add(request: Any, **_: Any) -> None:
        request.headers["X-Amzn-Trace-Id"] = TRACE

    api.client.meta.events.register("before-sign.sqs.SendMessage", add)
    api.client.send_message(QueueUrl=url, MessageBody="test")
    api.client.meta.events.unregister("before-sign.sqs.SendMessage", add)
    (message,) = api.messages(url, AttributeNames=["AWSTraceHeader"])
    assert message["Attributes"] == {"AWSTraceHeader": TRACE}


def test_group_in_a_standard_queue(api: Api) -> None:
    """test_fair_queue_with_message_group_id"""
    url = api.queue()
    sent = plain(api.client.send_message(QueueUrl=url, MessageBody="message", MessageGroupId="test"))
    assert set(sent) == {"MD5OfMessageBody", "MessageId"}
    (message,) = api.messages(url, AttributeNames=["All"])
    assert set(message["Attributes"]) == {*ALL, "MessageGroupId"}
    assert message["Attributes"]["MessageGroupId"] == "test"


@pytest.mark.parametrize("group", ["", "a" * 129, "group 123"])
def test_groups_are_punctuation_letters_and_digits(api: Api, group: str) -> None:
    """test_send_message_to_standard_queue_with_invalid_message_group_id"""
    reason = "MessageGroupId can only include alphanumeric and punctuation characters. 1 to 128 in length."
    assert words(api.client.send_message, QueueUrl=api.queue(), MessageBody="m", MessageGroupId=group) == (
        INVALID,
        f"Value {group} for parameter MessageGroupId is invalid. Reason: {reason}",
    )


def test_delays(api: Api) -> None:
    url = api.queue()
    assert words(api.client.send_message, QueueUrl=url, MessageBody="m", DelaySeconds=901) == (
        INVALID,
        "Value 901 for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= 900.",
    )
    api.client.send_message(QueueUrl=url, MessageBody="later", DelaySeconds=900)
    assert api.messages(url) == []
    api.server.advance(900)
    assert [one["Body"] for one in api.messages(url)] == ["later"]


def test_attribute_without_a_value(api: Api) -> None:
    """test_send_message_with_empty_string_attribute"""
    empty = {"ErrorDetails": {"StringValue": "", "DataType": "String"}}
    assert words(api.client.send_message, QueueUrl=api.queue(), MessageBody="m", MessageAttributes=empty) == (
        INVALID,
        "Message (user) attribute 'ErrorDetails' must contain a non-empty value of type 'String'.",
    )


VALID = {"StringValue": "Valid", "DataType": "String"}


@pytest.mark.parametrize(
    "attributes",
    [
        {"attr1": {"StringValue": "Invalid-\x08,\x0b", "DataType": "String"}},
        {"aWs.-Invalid-attr": VALID},
        {"AMAZON.-Invalid-attr": VALID},
        {".-Invalid-attr": VALID},
        {"Invalid-!-attr": VALID},
        {"Invalid-§-attr": VALID},
        {"Invalid..Name": VALID},
        {"Invalid.": VALID},
        {"L" * 257: VALID},
        {"a": {"StringValue": "Valid", "DataType": "Invalid"}},
        {"a": {"StringValue": "Valid", "DataType": "String."}},
        {"a": {"StringValue": "Valid", "DataType": f"Number.{'L' * 256}"}},
        {"a": {"StringValue": "one", "DataType": "Number"}},
        {"a": {"StringValue": "text", "DataType": "Binary"}},
        {f"a{number}": VALID for number in range(11)},
    ],
)
def test_attributes_that_are_not_allowed(api: Api, attributes: dict[str, Any]) -> None:
    """test_send_message_with_invalid_string_attributes"""
    url = api.queue()
    code, _ = words(api.client.send_message, QueueUrl=url, MessageBody="test", MessageAttributes=attributes)
    assert code == INVALID


def test_attributes_that_are_allowed(api: Api) -> None:
    url = api.queue()
    attributes = {
        "attr.1øßä": {"StringValue": "Valida", "DataType": "String"},
        "n": {"StringValue": "-1.5e3", "DataType": "Number.float"},
        "b": {"BinaryValue": b"\x00\xff", "DataType": "Binary.gif"},
        "s": {"StringValue": "\u00fc\n", "DataType": "String.custom"},
    }
    api.client.send_message(QueueUrl=url, MessageBody="test", MessageAttributes=attributes)
    (message,) = api.messages(url, MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == attributes
