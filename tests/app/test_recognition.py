from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lambent.app.recognition import kind_of

SAMPLES = Path(__file__).parent / "samples"

KINDS = {
    "alarm": "documented/alarm-composite documented/alarm-metric",
    "alb": "documented/alb-health-check documented/alb-multi-value sam/alb-request",
    "appsync": "documented/appsync-field sam/appsync-resolver",
    "appsync.authorizer": "documented/appsync-authorizer",
    "appsync.events": "documented/appsync-events",
    "authorizer.request": """
        documented/authorizer-http-1.0 documented/authorizer-http-2.0 documented/authorizer-rest-request
        documented/authorizer-websocket sam/apigateway-request-authorizer""",
    "authorizer.token": "documented/authorizer-token sam/apigateway-authorizer",
    "bedrock_agent": "documented/bedrock-agent-function",
    "cloudfront": "sam/cloudfront-ab-test sam/cloudfront-modify-response-header",
    "codecommit": "sam/codecommit-repository",
    "codedeploy": "documented/codedeploy-hook",
    "codepipeline": "sam/codepipeline-job",
    "cognito": """
        documented/cognito-create-auth-challenge documented/cognito-custom-email-sender
        documented/cognito-custom-message documented/cognito-custom-sms-sender
        documented/cognito-define-auth-challenge documented/cognito-inbound-federation
        documented/cognito-post-authentication documented/cognito-post-confirmation
        documented/cognito-pre-authentication documented/cognito-pre-sign-up
        documented/cognito-token-generation documented/cognito-token-generation-v2
        documented/cognito-user-migration documented/cognito-verify-auth-challenge""",
    "cognito.sync": "sam/cognito-sync-trigger",
    "config": """
        sam/config-item-change-notification sam/config-oversized-item-change-notification sam/config-periodic-rule""",
    "connect": "sam/connect-contact-flow-event",
    "custom_resource": """
        documented/custom-resource-delete documented/custom-resource-update sam/cloudformation-create-request""",
    "dashboard": "documented/dashboard-widget",
    "destination": "documented/destination-on-failure",
    "direct": """
        documented/direct-context documented/direct-event-type documented/direct-list
        documented/direct-null documented/direct-records documented/direct-source documented/direct-token
        documented/direct-version""",
    "docdb": "documented/docdb",
    "dynamodb": """
        documented/dynamodb-expired documented/dynamodb-window documented/dynamodb-window-without-records
        sam/dynamodb-update""",
    "eventbridge": """
        documented/eventbridge-alarm-state-change documented/eventbridge-custom
        documented/eventbridge-own-scheduled-event documented/eventbridge-replay documented/eventbridge-s3""",
    "firehose": """
        sam/kinesis-apachelog sam/kinesis-cloudwatch-logs-processor sam/kinesis-kinesis-firehose
        sam/kinesis-streams-as-source sam/kinesis-syslog""",
    "function_url": "documented/function-url documented/function-url-iam",
    "http.v1": """
        documented/http-api-payload-1.0 documented/rest-api-cognito documented/rest-api-empty documented/rest-api-get
        sam/apigateway-aws-proxy""",
    "http.v2": """
        documented/http-api-get documented/http-api-iam documented/http-api-jwt documented/http-api-lambda-authorizer
        sam/apigateway-http-api-proxy""",
    "iot": "documented/iot-authorizer documented/iot-provisioning documented/iot-thing documented/iot-type-association",
    "kafka": "documented/kafka-msk documented/kafka-self-managed",
    "kinesis": "documented/kinesis-window documented/kinesis-window-without-records sam/kinesis-get-records",
    "kinesis_analytics": """
        sam/kinesis-analytics sam/kinesis-analytics-compressed sam/kinesis-analytics-dynamodb
        sam/kinesis-analytics-kpl""",
    "lex": "sam/lex-book-car sam/lex-v2-book-car",
    "logs": "sam/cloudwatch-logs",
    "mq": "documented/mq-active documented/mq-rabbit",
    "records.none": "documented/no-records",
    "s3": "documented/s3-removed sam/rekognition-s3-request sam/s3-delete sam/s3-put",
    "s3.batch": "sam/s3-batch-invocation",
    "s3.object": "documented/s3-object",
    "s3.test": "documented/s3-test",
    "schedule": """
        documented/eventbridge-rule-schedule documented/eventbridge-scheduler sam/cloudwatch-scheduled-event""",
    "secret_rotation": "documented/secret-rotation",
    "ses": "sam/ses-email-receiving",
    "sns": "sam/sns-notification",
    "sqs": """
        documented/sqs-attributes documented/sqs-fifo documented/sqs-of-s3-test documented/sqs-of-topic
        sam/sqs-receive-message""",
    "transfer": "documented/transfer-authorizer",
    "vpc_lattice": "documented/vpc-lattice-1 documented/vpc-lattice-2",
    "websocket": """
        documented/websocket-connect documented/websocket-connect-with-method documented/websocket-disconnect
        documented/websocket-message""",
}

SAMPLE_KINDS = {name: kind for kind, names in KINDS.items() for name in names.split()}


def sample(name: str) -> Any:
    return json.loads((SAMPLES / f"{name}.json").read_text())


def test_the_table_names_every_sample() -> None:
    files = {str(path.relative_to(SAMPLES).with_suffix("")) for path in SAMPLES.rglob("*.json")}
    assert files == set(SAMPLE_KINDS)


@pytest.mark.parametrize(("name", "kind"), sorted(SAMPLE_KINDS.items()))
def test_every_sample_is_recognised(name: str, kind: str) -> None:
    assert kind_of(sample(name)) == kind


@pytest.mark.parametrize(
    "name", sorted(set(SAMPLE_KINDS) - {"documented/direct-list", "documented/direct-null"})
)
def test_the_order_of_members_means_nothing(name: str) -> None:
    event = sample(name)
    assert kind_of(dict(reversed(event.items()))) == SAMPLE_KINDS[name]


@pytest.mark.parametrize(
    ("event", "kind"),
    [
        ({"httpMethod": "GET", "path": "/"}, "http.v1"),
        ({"httpMethod": "GET", "path": "/", "requestContext": {"stage": "x"}}, "http.v1"),
        ({"requestContext": {"http": {"method": "GET", "path": "/"}}, "rawPath": "/"}, "http.v2"),
        ({"requestContext": {"http": {}, "domainName": None}}, "http.v2"),
        ({"requestContext": {"http": {}, "domainName": 7}}, "http.v2"),
        ([{"arguments": {}, "identity": None, "info": {}}], "appsync"),
        ([{"arguments": {}}], "direct"),
        ({"arguments": {}, "request": {}, "info": {}}, "appsync"),
        ({"InvocationMetadata": {"CampaignContext": {}}, "Items": {}}, "connect"),
        ([], "direct"),
        ({"messageVersion": "1.0", "agent": {}, "sessionId": "1", "actionGroups": []}, "bedrock_agent"),
        ({"directive": {"header": {"namespace": "Alexa.Discovery"}}}, "alexa"),
        ({"header": {"namespace": "Alexa.ConnectedHome.Control"}, "payload": {}}, "alexa"),
        ({"version": "1.0", "session": {}, "context": {}, "request": {}}, "alexa"),
        ({"directive": 7, "header": {"namespace": "mine"}}, "direct"),
        ({"version": "2018-10-16", "labelingJobArn": "arn", "dataObject": {}}, "sagemaker"),
        ({"summaryVersion": "2018-10-10", "envelope": {}, "flowDirection": "INBOUND"}, "workmail"),
        ({"requestContext": {"http": {}, "domainName": "x.lambda-url.localhost:4566"}}, "function_url"),
        ({"Records": [{"eventSource": "minio:s3"}]}, "s3"),
        ({"Records": [{"eventSource": "aws:new"}]}, "direct"),
        ({"Records": ["a"]}, "direct"),
        ({"Records": [{"eventSource": ["aws:sqs"]}]}, "direct"),
        ({"Records": {"eventSource": "aws:sqs"}}, "direct"),
        ({"Records": [], "eventSourceARN": None}, "direct"),
        ({"eventSource": {"is": "mine"}}, "direct"),
        ({"eventSource": "aws:SelfManagedKafka"}, "kafka"),
        ({"requestContext": None}, "direct"),
        ({"requestContext": [1]}, "direct"),
        ({"requestContext": {}}, "direct"),
        ({"detail-type": ["x"], "source": ["y"]}, "eventbridge"),
        ({"detail-type": "Scheduled Event"}, "direct"),
        ({"methodArn": "arn", "type": ["TOKEN"]}, "direct"),
        ({"triggerSource": "PreSignUp_SignUp"}, "direct"),
        ({"alarmData": {}}, "direct"),
        ({1: 2}, "direct"),
        ({}, "direct"),
        ("text", "direct"),
        (7, "direct"),
    ],
)
def test_what_is_not_whole_or_not_aws(event: Any, kind: str) -> None:
    assert kind_of(event) == kind


class Counting(dict[str, Any]):
    """Counts the look-ups made in it and in its request context."""

    lookups = 0

    def get(self, *arguments: Any) -> Any:
        Counting.lookups += 1
        return super().get(*arguments)

    def __contains__(self, name: object) -> bool:
        Counting.lookups += 1
        return super().__contains__(name)

    def __getitem__(self, name: str) -> Any:
        Counting.lookups += 1
        return super().__getitem__(name)


@pytest.mark.parametrize(
    ("name", "lookups"),
    [
        ("documented/http-api-get", 4),
        ("documented/function-url", 4),
        ("documented/alb-multi-value", 4),
        ("documented/rest-api-get", 6),
        ("documented/websocket-message", 5),
        ("sam/sqs-receive-message", 2),
    ],
)
def test_frequent_kinds_take_few_look_ups(name: str, lookups: int) -> None:
    event = Counting(sample(name))
    if "requestContext" in event:
        event["requestContext"] = Counting(event["requestContext"])
    Counting.lookups = 0
    assert kind_of(event) == SAMPLE_KINDS[name]
    assert Counting.lookups <= lookups
