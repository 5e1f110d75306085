"""What Powertools' data classes, botocore and plain decoding read from the events that the factories make."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import unquote_plus

import msgspec
import pytest
from aws_lambda_powertools.utilities.data_classes import (
    ALBEvent,
    APIGatewayProxyEvent,
    APIGatewayProxyEventV2,
    APIGatewayWebSocketEvent,
    CloudFormationCustomResourceEvent,
    CloudWatchAlarmEvent,
    CloudWatchLogsEvent,
    DynamoDBStreamEvent,
    EventBridgeEvent,
    KinesisStreamEvent,
    LambdaFunctionUrlEvent,
    S3Event,
    SNSEvent,
    SQSEvent,
    cognito_user_pool_event,
)
from aws_lambda_powertools.utilities.data_classes.api_gateway_authorizer_event import (
    APIGatewayAuthorizerEventV2,
    APIGatewayAuthorizerRequestEvent,
    APIGatewayAuthorizerTokenEvent,
)
from hypothesis import given
from hypothesis import strategies as st

from lambent.testing import events

AT = datetime(2026, 3, 4, 5, 6, 7, 89000, tzinfo=UTC)


class Order(msgspec.Struct):
    sku: str
    quantity: int = 1


# --- HTTP


def test_an_http_api_request_as_powertools_reads_it() -> None:
    event = APIGatewayProxyEventV2(
        events.http_v2(
            "POST",
            "/orders/a%20b?tag=a&tag=b",
            query={"q": "x y", "n": 7, "deep": True},
            headers={"X-Multi": ["1", "2"], "Cookie": "a=1; b=2"},
            cookies={"c": "3"},
            body=Order("tea"),
            stage="live",
            route="/orders/{id}",
            authorizer={"jwt": {"claims": {"sub": "u"}, "scopes": ["s"]}},
            source_ip="198.51.100.9",
        )
    )
    assert event.raw_path == "/live/orders/a b"
    assert event.path == "/orders/a b"
    assert event.raw_query_string == "tag=a&tag=b&q=x%20y&n=7&deep=true"
    assert event.resolved_query_string_parameters == {
        "tag": ["a", "b"],
        "q": ["x y"],
        "n": ["7"],
        "deep": ["true"],
    }
    assert event.headers["x-multi"] == "1,2"
    assert event.headers["content-type"] == "application/json"
    assert event.headers["content-length"] == str(len(event.body or ""))
    assert "cookie" not in event.headers
    assert event.cookies == ["a=1", "b=2", "c=3"]
    assert event.json_body == {"sku": "tea", "quantity": 1}
    assert event.path_parameters == {"id": "a b"}
    assert event.request_context.route_key == "POST /orders/{id}"
    assert event.request_context.http.source_ip == "198.51.100.9"
    assert event.request_context.authorizer.jwt_claim == {"sub": "u"}


def test_what_a_request_lacks_is_not_there_in_format_2() -> None:
    event = events.http_v2("GET", "/")
    absent = {"cookies", "queryStringParameters", "pathParameters", "stageVariables", "body"}
    assert not absent & event.keys()
    assert event["rawQueryString"] == ""
    assert "authorizer" not in event["requestContext"]


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        ("/plain", "/plain"),
        ("/space%20value", "/space value"),
        ("/question%3Fvalue", "/question"),
        ("/hash%23value", "/hash#value"),
        ("/slash%2Fvalue", "/slash/value"),
        ("/unicode-%CE%BB-%E4%B8%96", "/unicode-λ-世"),
        ("/literal%252Fvalue", "/literal/value"),
        ("/literal%253Fvalue", "/literal?value"),
        ("/literal%2525value", "/literal%value"),
    ],
)
def test_http_apis_decode_paths_and_nothing_else_does(sent: str, arrives: str) -> None:
    assert events.http_v2("GET", sent)["rawPath"] == arrives
    assert events.http_v2("GET", sent, stage="live")["rawPath"] == f"/live{arrives}"
    assert events.http_v2("GET", sent, decode_path=False)["rawPath"] == sent
    assert events.function_url("GET", sent)["rawPath"] == sent
    assert events.http_v1("GET", sent)["path"] == sent
    assert events.http_v1("GET", sent, http_api=True, stage="$default")["path"] == arrives
    assert events.alb("GET", sent)["path"] == sent


def test_http_apis_refuse_what_they_cannot_decode_again() -> None:
    for http_api in (events.http_v2, lambda *at: events.http_v1(*at, http_api=True)):
        with pytest.raises(ValueError, match="refuses the path '/percent%25done'"):
            http_api("GET", "/percent%25done")


def test_an_http_api_with_payload_1() -> None:
    event = events.http_v1("GET", "/a", http_api=True, stage="live")
    assert (event["version"], event["path"], event["requestContext"]["path"]) == ("1.0", "/live/a", "/live/a")
    rest = events.http_v1("GET", "/a", stage="live")
    assert (rest.get("version"), rest["path"], rest["requestContext"]["path"]) == (None, "/a", "/live/a")


@pytest.mark.parametrize(
    ("body", "text", "encoded", "length"),
    [
        ("grün", "grün", False, "5"),
        ("", "", False, "0"),
        (b"\x00\xff", "AP8=", True, "2"),
        (bytearray(b"\x00"), "AA==", True, "1"),
        ([1, {"a": None}], '[1,{"a":null}]', False, "14"),
        (0, "0", False, "1"),
    ],
)
def test_bodies(body: object, text: str, encoded: bool, length: str) -> None:
    for event in (
        events.http_v2("POST", "/", body=body),
        events.http_v1("POST", "/", body=body),
        events.function_url("POST", "/", body=body),
        events.alb("POST", "/", body=body),
    ):
        assert (event["body"], event["isBase64Encoded"]) == (text, encoded)
        assert event["headers"]["content-length"] == length
    message = events.websocket_message(body)
    assert (message["body"], message["isBase64Encoded"]) == (text, encoded)


def test_a_function_urls_request_as_powertools_reads_it() -> None:
    event = LambdaFunctionUrlEvent(events.function_url("GET", "/a?b=1"))
    assert event.request_context.domain_name.endswith(".lambda-url.us-east-1.on.aws")
    assert event.request_context.account_id == "anonymous"
    assert event.request_context.api_id == event.request_context.domain_prefix
    assert event.path == "/a"
    signed = events.function_url("GET", "/", authorizer={"iam": {"accountId": "111122223333"}})
    assert signed["requestContext"]["accountId"] == "111122223333"


def test_a_rest_api_request_as_powertools_reads_it() -> None:
    event = APIGatewayProxyEvent(
        events.http_v1(
            "GET",
            "/orders/a%20b",
            query=[("tag", "a"), ("tag", "b"), ("q", "x y")],
            headers=[("X-Multi", "1"), ("X-Multi", "2")],
            cookies=["a=1", "b=2"],
            resource="/orders/{id}",
            authorizer={"claims": {"sub": "u"}},
            api_key="k",
        )
    )
    assert event.path == "/orders/a%20b"
    assert event.request_context.path == "/prod/orders/a%20b"
    assert event.resource == "/orders/{id}"
    assert event.path_parameters == {"id": "a b"}
    assert event.query_string_parameters == {"tag": "b", "q": "x y"}
    assert event.multi_value_query_string_parameters == {"tag": ["a", "b"], "q": ["x y"]}
    assert event["headers"]["X-Multi"] == "2"
    assert event.multi_value_headers["x-multi"] == ["1", "2"]
    assert event["headers"]["cookie"] == "a=1; b=2"
    assert event.request_context.identity.api_key == "k"
    assert event.request_context.authorizer.claims == {"sub": "u"}


@pytest.mark.parametrize(
    ("path", "resource", "parameters"),
    [
        ("/", "/", None),
        ("/a/b%2Fc", "/{proxy+}", {"proxy": "a/b/c"}),
    ],
)
def test_a_rest_api_without_a_resource_is_a_proxy(
    path: str, resource: str, parameters: dict[str, str] | None
) -> None:
    event = events.http_v1("GET", path)
    assert (event["resource"], event["pathParameters"]) == (resource, parameters)
    assert event["queryStringParameters"] is None
    assert event["multiValueQueryStringParameters"] is None
    assert event["body"] is None


@pytest.mark.parametrize(
    ("route", "path"),
    [
        ("/orders/{id}", "/orders"),
        ("/orders/{id}", "/orders/1/2"),
        ("/orders/{id}", "/items/1"),
        ("/a", "/a/b"),
    ],
)
def test_a_path_that_does_not_fit_its_route_is_an_error(route: str, path: str) -> None:
    with pytest.raises(ValueError, match=r"does not fit the route"):
        events.http_v2("GET", path, route=route)
    with pytest.raises(ValueError, match=r"does not fit the route"):
        events.http_v1("GET", path, resource=route)


def test_route_keys() -> None:
    def key(route: str | None) -> str:
        return str(events.http_v2("GET", "/a", route=route)["routeKey"])

    assert key(None) == key("$default") == "$default"
    assert key("/a") == "GET /a"
    assert key("ANY /{proxy+}") == "ANY /{proxy+}"


def test_a_load_balancers_request_is_not_decoded() -> None:
    made: dict[str, Any] = {
        "query": [("q", "x y"), ("tag", "a"), ("tag", "b")],
        "headers": {"X-Multi": ["1", "2"]},
        "cookies": ["a=1"],
    }
    single = ALBEvent(events.alb("GET", "/a%20b", **made))
    assert single.path == "/a%20b"
    assert single["queryStringParameters"] == {"q": "x%20y", "tag": "b"}
    assert single["headers"]["x-multi"] == "2"
    assert single["headers"]["cookie"] == "a=1"
    assert single.body == ""
    several = ALBEvent(events.alb("GET", "/a%20b", multi_value=True, **made))
    assert several["multiValueQueryStringParameters"] == {"q": ["x%20y"], "tag": ["a", "b"]}
    assert several.multi_value_headers["x-multi"] == ["1", "2"]
    assert not {"headers", "queryStringParameters"} & several.raw_event.keys()


@given(st.lists(st.tuples(st.text(min_size=1), st.text())))
def test_queries_survive_every_source(pairs: list[tuple[str, str]]) -> None:
    expected: dict[str, list[str]] = {}
    for name, value in pairs:
        expected.setdefault(name, []).append(value)
    assert (events.http_v1("GET", "/", query=pairs)["multiValueQueryStringParameters"] or {}) == expected
    balanced = events.alb("GET", "/", query=pairs, multi_value=True)["multiValueQueryStringParameters"]
    assert {
        unquote_plus(name): [unquote_plus(each) for each in values] for name, values in balanced.items()
    } == (expected)
    joined = events.http_v2("GET", "/", query=pairs).get("queryStringParameters", {})
    assert joined == {name: ",".join(values) for name, values in expected.items()}


# --- WebSocket


def test_a_connection_as_powertools_reads_it() -> None:
    connection = events.new_connection_id()
    connect = APIGatewayWebSocketEvent(
        events.websocket_connect(connection_id=connection, query={"room": "tea"}, headers={"Origin": "x"})
    )
    message = APIGatewayWebSocketEvent(
        events.websocket_message(
            {"action": "say"}, connection_id=connection, route="say", authorizer={"user": "ann"}
        )
    )
    gone = APIGatewayWebSocketEvent(
        events.websocket_disconnect(connection_id=connection, code=1001, reason="bye")
    )
    contexts = [event.request_context for event in (connect, message, gone)]
    assert {context.connection_id for context in contexts} == {connection}
    assert [context.event_type for context in contexts] == ["CONNECT", "MESSAGE", "DISCONNECT"]
    assert [context.route_key for context in contexts] == ["$connect", "say", "$disconnect"]
    assert connect.query_string_parameters == {"room": "tea"}
    assert connect.multi_value_headers["origin"] == ["x"]
    assert message.json_body == {"action": "say"}
    assert message["requestContext"]["authorizer"] == {"user": "ann"}
    assert contexts[1].message_id
    assert (contexts[2].disconnect_status_code, contexts[2].disconnect_reason) == (1001, "bye")
    assert len(base64.urlsafe_b64decode(connection)) == 11


# --- queues and streams


def test_messages_as_powertools_reads_them() -> None:
    message = events.SQSMessage(
        "two",
        message_id="m",
        attributes={"kind": "order", "n": 1.5, "blob": b"\x00"},
        receive_count=3,
        sent=AT,
    )
    records = list(SQSEvent(events.sqs([Order("tea"), message, "three"], queue="orders")).records)
    assert [record.body for record in records] == ['{"sku":"tea","quantity":1}', "two", "three"]
    assert records[1].message_id == "m"
    assert records[1].attributes.approximate_receive_count == "3"
    assert records[1].attributes.sent_timestamp == str(int(AT.timestamp() * 1000))
    kind, number, blob = (records[1].message_attributes[name] for name in ("kind", "n", "blob"))
    assert kind
    assert number
    assert blob
    assert (kind.string_value, number.data_type, blob.binary_value) == ("order", "Number", "AA==")
    assert records[0].queue_url == "https://sqs.us-east-1.amazonaws.com/000000000000/orders"
    assert records[0].attributes.message_group_id is None
    assert len({record.message_id for record in records}) == 3


def test_the_digests_of_messages_are_those_that_sqs_makes() -> None:
    from moto.sqs.models import Message

    attributes: dict[str, str | float | bytes] = {"kind": "order", "n": 7, "blob": b"\x00\xff"}
    record = events.sqs([events.SQSMessage("grün", attributes=attributes)])["Records"][0]
    theirs = Message("id", "grün", {})
    assert record["md5OfBody"] == theirs.body_md5
    theirs.message_attributes = {
        "kind": {"DataType": "String", "StringValue": "order"},
        "n": {"DataType": "Number", "StringValue": "7"},
        "blob": {"DataType": "Binary", "BinaryValue": b"\x00\xff"},
    }
    assert record["md5OfMessageAttributes"] == theirs.attribute_md5


def test_a_fifo_queue_has_groups_and_rising_numbers() -> None:
    batch = events.sqs(["a", events.SQSMessage("b", group="own"), "c"], queue="orders.fifo", group="all")
    attributes = [record["attributes"] for record in batch["Records"]]
    assert [each["MessageGroupId"] for each in attributes] == ["all", "own", "all"]
    numbers = [int(each["SequenceNumber"]) for each in attributes]
    assert numbers == sorted(set(numbers))
    assert events.sqs(["a"], queue="orders.fifo")["Records"][0]["attributes"]["MessageGroupId"] == "group"
    fair = events.sqs(["a"], group="tenant")["Records"][0]["attributes"]
    assert fair["MessageGroupId"] == "tenant"
    assert "SequenceNumber" not in fair


def test_a_topics_message_in_a_queue_as_powertools_reads_it() -> None:
    body = events.sns_envelope(Order("tea"), topic="orders", subject="s", attributes={"kind": "order"})
    record = next(SQSEvent(events.sqs([body])).records)
    inner = record.decoded_nested_sns_event
    assert json.loads(inner.message) == {"sku": "tea", "quantity": 1}
    assert inner.topic_arn.endswith(":orders")
    assert inner.message_attributes["kind"].value == "order"
    assert json.loads(record.body)["UnsubscribeURL"]
    assert "MessageAttributes" not in json.loads(events.sns_envelope("x"))


def test_kinesis_records_as_powertools_reads_them() -> None:
    own = events.KinesisRecord(b"\x00\xff", partition_key="ann", sequence_number="7", time=AT)
    window = events.Window(AT, AT.timestamp() + 60, state={"n": 1}, final=True)
    event = events.kinesis(["grün", own, Order("tea")], stream="clicks", shard=6, window=window)
    records = list(KinesisStreamEvent(event).records)
    assert records[0].kinesis.data_as_text() == "grün"
    assert records[1].kinesis.data_as_bytes() == b"\x00\xff"
    assert records[2].kinesis.data_as_json() == {"sku": "tea", "quantity": 1}
    assert records[1].event_id == "shardId-000000000006:7"
    assert records[1].kinesis.partition_key == "ann"
    assert records[1].kinesis.approximate_arrival_timestamp == AT.timestamp()
    assert int(records[2].kinesis.sequence_number) > int(records[0].kinesis.sequence_number)
    assert event["window"] == {"start": "2026-03-04T05:06:07Z", "end": "2026-03-04T05:07:07Z"}
    assert (event["state"], event["isFinalInvokeForWindow"]) == ({"n": 1}, True)
    assert event["eventSourceARN"] == "arn:aws:kinesis:us-east-1:000000000000:stream/clicks"


def test_changes_as_powertools_reads_them() -> None:
    item = {
        "id": "7",
        "n": Decimal("1.5"),
        "ok": True,
        "no": None,
        "l": [1, "a"],
        "m": {"b": b"\x00"},
        "s": {"x", "y"},
    }
    event = events.dynamodb_stream([(None, item), ({"id": "7"}, item), (item, None)], table="orders")
    records = list(DynamoDBStreamEvent(event).records)
    assert [record.event_name.name for record in records if record.event_name] == [
        "INSERT",
        "MODIFY",
        "REMOVE",
    ]
    changes = [record.dynamodb for record in records if record.dynamodb]
    assert changes[0].keys == {"id": "7"}
    assert changes[0].new_image == {**item, "m": {"b": base64.b64encode(b"\x00").decode()}}
    assert changes[0].old_image == {}
    assert changes[1].old_image == {"id": "7"}
    assert changes[2].new_image == {}
    assert all((change.size_bytes or 0) > 0 for change in changes)
    numbers = [int(change.sequence_number or 0) for change in changes]
    assert numbers == sorted(set(numbers))
    keys_only = events.dynamodb_stream([(None, item)], view="KEYS_ONLY")["Records"][0]["dynamodb"]
    assert not {"NewImage", "OldImage"} & keys_only.keys()


def test_changes_without_a_key_or_an_image_are_errors() -> None:
    with pytest.raises(ValueError, match="lacks its key pk, sk"):
        events.dynamodb_stream([(None, {"id": 1})], keys=["id", "pk", "sk"])
    with pytest.raises(ValueError, match="old image"):
        events.dynamodb_stream([(None, None)])


scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(10**37), 10**37)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False, allow_infinity=False, min_value=-1000, max_value=1000, places=3)
)
values = st.recursive(
    scalars
    | st.sets(st.text(), min_size=1)
    | st.sets(st.integers(0, 99), min_size=1)
    | st.sets(st.binary(), min_size=1),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_attribute_values_are_those_of_boto3(value: Any) -> None:
    from boto3.dynamodb.types import TypeSerializer

    def in_json(attribute: Any) -> Any:
        """boto3's values as JSON: bytes in base64, sets in order."""
        ((kind, content),) = attribute.items()
        if kind == "N" and not Decimal(content):
            return {kind: "0"}  # as DynamoDB gives it back
        if kind == "B":
            return {kind: base64.b64encode(content).decode()}
        if kind == "BS":
            return {kind: sorted(base64.b64encode(each).decode() for each in content)}
        if kind in ("SS", "NS"):
            return {kind: sorted(content)}
        if kind == "L":
            return {kind: [in_json(each) for each in content]}
        if kind == "M":
            return {kind: {name: in_json(each) for name, each in content.items()}}
        return attribute

    assert events.to_attribute_value(value) == in_json(TypeSerializer().serialize(value))


@pytest.mark.parametrize("value", [set(), {1, "a"}, {(1,)}, object()])
def test_what_dynamodb_has_no_type_for(value: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        events.to_attribute_value(value)


# --- notifications and the bus


def test_topics_as_powertools_reads_them() -> None:
    event = SNSEvent(
        events.sns(Order("tea"), "two", topic="orders", subject="s", attributes={"n": 1}, time=AT)
    )
    first, second = event.records
    assert json.loads(first.sns.message) == {"sku": "tea", "quantity": 1}
    assert second.sns.message == "two"
    assert first.sns.subject == "s"
    assert first.sns.timestamp == "2026-03-04T05:06:07.089Z"
    assert first.sns.topic_arn == "arn:aws:sns:us-east-1:000000000000:orders"
    assert first.event_subscription_arn.startswith(first.sns.topic_arn)
    assert first.sns.message_attributes["n"].get_type == "Number"


def test_objects_as_powertools_reads_them() -> None:
    event = S3Event(events.s3("uploads", ["café/a b+c.txt", "x"], size=7, etag="e", version_id="v"))
    assert event.bucket_name == "uploads"
    assert event.object_key == "café/a b+c.txt"
    records = list(event.records)
    assert records[0].s3.get_object["key"] == "caf%C3%A9/a+b%2Bc.txt"
    assert (records[0].s3.get_object.size, records[0].s3.get_object.etag) == (7, "e")
    assert records[0].event_name == "ObjectCreated:Put"
    assert records[1].s3.get_object.version_id == "v"
    removed = events.s3("uploads", "x", event="ObjectRemoved:Delete")["Records"][0]["s3"]["object"]
    assert set(removed) == {"key", "sequencer"}


@given(st.text(min_size=1))
def test_any_key_can_be_decoded(key: str) -> None:
    assert unquote_plus(events.s3("b", key)["Records"][0]["s3"]["object"]["key"]) == key


def test_the_bus_as_powertools_reads_it() -> None:
    event = EventBridgeEvent(
        events.eventbridge(
            Order("tea"), source="shop", detail_type="Placed", resources=["a"], replay="r", time=AT
        )
    )
    assert event.detail == {"sku": "tea", "quantity": 1}
    assert (event.source, event.detail_type, event.resources, event.replay_name) == (
        "shop",
        "Placed",
        ["a"],
        "r",
    )
    assert event.time == "2026-03-04T05:06:07Z"
    assert events.schedule("nightly")["resources"] == ["arn:aws:events:us-east-1:000000000000:rule/nightly"]
    assert events.scheduler("nightly", group="g")["resources"][0].endswith(":schedule/g/nightly")
    assert events.scheduler()["detail"] == "{}"
    assert events.eventbridge([1])["detail"] == [1]


# --- CloudWatch and CloudFormation


def test_alarms_as_powertools_reads_them() -> None:
    data = CloudWatchAlarmEvent(
        events.alarm("errors", state="OK", previous="ALARM", reason="fine")
    ).alarm_data
    assert (data.alarm_name, data.state.value, data.previous_state.value) == ("errors", "OK", "ALARM")
    assert data.state.reason == "fine"
    assert data.state.reason_data_decoded
    assert data.configuration.metrics[0].metric_stat.metric["name"] == "Errors"
    both = CloudWatchAlarmEvent(events.alarm("both", rule="ALARM(a)"))
    assert both.alarm_data.configuration.alarm_rule == "ALARM(a)"
    assert both.alarm_arn.endswith(":alarm:both")


def test_log_lines_as_powertools_reads_them() -> None:
    event = events.log_subscription(["one", (AT, "two")], group="/aws/lambda/f", stream="s", filters=["all"])
    logs = CloudWatchLogsEvent(event).parse_logs_data()
    assert [line.message for line in logs.log_events] == ["one", "two"]
    assert logs.log_events[1].timestamp == int(AT.timestamp() * 1000)
    assert (logs.log_group, logs.log_stream, logs.subscription_filters) == ("/aws/lambda/f", "s", ["all"])
    assert (
        json.loads(gzip.decompress(base64.b64decode(event["awslogs"]["data"])))["messageType"]
        == "DATA_MESSAGE"
    )


def test_custom_resources_as_powertools_reads_them() -> None:
    properties = {"Rows": 5, "Deep": {"On": True, "List": [1, "a"]}, "Gone": None}
    update = CloudFormationCustomResourceEvent(
        events.custom_resource("Update", properties, old_properties={"Rows": 4}, physical_id="p")
    )
    assert update.request_type == "Update"
    assert update.physical_resource_id == "p"
    token = update.service_token
    assert update.resource_properties == {
        "ServiceToken": token,
        "Rows": "5",
        "Deep": {"On": "true", "List": ["1", "a"]},
    }
    assert update.old_resource_properties == {"ServiceToken": token, "Rows": "4"}
    create = events.custom_resource("Create")
    assert not {"PhysicalResourceId", "OldResourceProperties"} & create.keys()
    assert "OldResourceProperties" not in events.custom_resource("Delete")


# --- Cognito and authorizers


@pytest.mark.parametrize(
    ("trigger", "kind"),
    [
        ("PreSignUp_SignUp", "PreSignUpTriggerEvent"),
        ("PostConfirmation_ConfirmForgotPassword", "PostConfirmationTriggerEvent"),
        ("UserMigration_ForgotPassword", "UserMigrationTriggerEvent"),
        ("CustomMessage_SignUp", "CustomMessageTriggerEvent"),
        ("PreAuthentication_Authentication", "PreAuthenticationTriggerEvent"),
        ("PostAuthentication_Authentication", "PostAuthenticationTriggerEvent"),
        ("TokenGeneration_RefreshTokens", "PreTokenGenerationTriggerEvent"),
        ("DefineAuthChallenge_Authentication", "DefineAuthChallengeTriggerEvent"),
        ("CreateAuthChallenge_Authentication", "CreateAuthChallengeTriggerEvent"),
        ("VerifyAuthChallengeResponse_Authentication", "VerifyAuthChallengeResponseTriggerEvent"),
        ("CustomEmailSender_AccountTakeOverNotification", "CustomEmailSenderTriggerEvent"),
        ("CustomSMSSender_SignUp", "CustomSMSSenderTriggerEvent"),
    ],
)
def test_triggers_as_powertools_reads_them(trigger: str, kind: str) -> None:
    made = events.cognito(trigger, user="ann", client_metadata={"from": "test"})
    event = getattr(cognito_user_pool_event, kind)(made)
    assert (event.trigger_source, event.user_name, event.user_pool_id) == (
        trigger,
        "ann",
        "us-east-1_Example01",
    )
    assert event.caller_context.client_id
    assert event.request["clientMetadata"] == {"from": "test"}
    if not trigger.startswith("UserMigration"):
        assert event.request.user_attributes["email"] == "ann@example.com"
    else:
        assert event.request.password


def test_every_trigger_and_occasion_can_be_made() -> None:
    for name, occasions in events.TRIGGERS.items():
        for occasion in occasions:
            assert events.cognito(f"{name}_{occasion}")["triggerSource"] == f"{name}_{occasion}"
        assert events.cognito(name)["triggerSource"] == f"{name}_{occasions[0]}"


@pytest.mark.parametrize("trigger", ["PreSignup_SignUp", "PreSignUp_Other", "", "PreSignUp_SignUp_x"])
def test_a_trigger_that_does_not_exist_is_named(trigger: str) -> None:
    with pytest.raises(ValueError, match=f"no trigger '{trigger}'.*PreSignUp_SignUp"):
        events.cognito(trigger)


def test_what_is_given_to_a_trigger_is_added() -> None:
    event = events.cognito(
        "VerifyAuthChallengeResponse",
        attributes={"custom:team": "x"},
        request={"challengeAnswer": "5"},
        response={"answerCorrect": False},
    )
    assert event["request"]["userAttributes"]["custom:team"] == "x"
    assert event["request"]["challengeAnswer"] == "5"
    assert event["response"] == {"answerCorrect": False}
    machine = events.cognito("TokenGeneration_ClientCredentials")
    assert (machine["version"], machine["userName"]) == ("3", machine["callerContext"]["clientId"])


def test_authorizers_as_powertools_reads_them() -> None:
    token = APIGatewayAuthorizerTokenEvent(events.authorizer_token("Bearer x", "GET", "/orders/7"))
    assert (token.authorization_token, token.parsed_arn.resource) == ("Bearer x", "orders/7")
    rest = APIGatewayAuthorizerRequestEvent(
        events.authorizer_request("POST", "/orders/7", query={"a": "1"}, headers={"Authorization": "x"})
    )
    assert (rest.parsed_arn.http_method, rest.parsed_arn.stage) == ("POST", "prod")
    assert rest.headers["authorization"] == "x"
    assert rest.query_string_parameters == {"a": "1"}
    assert rest["stageVariables"] == {}
    two = APIGatewayAuthorizerEventV2(
        events.authorizer_http("GET", "/orders/7?a=1", route="/orders/{id}", headers={"Authorization": "x"})
    )
    assert (two.identity_source, two.raw_query_string) == (["x"], "a=1")
    assert two.parsed_arn.resource == "orders/7"
    assert two.path_parameters == {"id": "7"}
    one = events.authorizer_http("GET", "/", version="1.0", headers={"Authorization": "x"})
    assert (one["version"], one["identitySource"], one["authorizationToken"]) == ("1.0", "x", "x")
    assert events.authorizer_http("GET", "/")["identitySource"] is None
    assert events.authorizer_http("GET", "/", version="1.0")["identitySource"] is None
    socket = events.authorizer_websocket(connection_id="c", query={"token": "x"})
    assert socket["methodArn"].endswith("/prod/$connect")
    assert socket["requestContext"]["connectionId"] == "c"
    for event in (rest.raw_event, two.raw_event, one, socket):
        assert not {"body", "isBase64Encoded"} & event.keys()
