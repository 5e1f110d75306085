"""Which service a request means: the names by which clients address services, without reading any model.

Facts of botocore's metadata (signing name, endpoint prefix, target prefix, protocol), for the services that
this platform serves itself or passes on. tests/aws/test_catalog.py compares them with botocore.
"""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    """How clients address one service."""

    name: str
    """botocore's service name."""
    protocol: str
    signing_name: str
    """The service field of a credential scope."""
    endpoint_prefix: str
    """The first labels of the host name."""
    target_prefix: str | None
    """What stands before the dot in `X-Amz-Target`."""


def _entry(name: str, protocol: str, signing: str = "", prefix: str = "", target: str | None = None) -> Entry:
    return Entry(name, protocol, signing or name, prefix or signing or name, target)


ENTRIES = (
    _entry("lambda", "rest-json"),
    _entry("logs", "json", target="Logs_20140328"),
    _entry("sqs", "json", target="AmazonSQS"),
    _entry("sns", "query"),
    _entry("events", "json", target="AWSEvents"),
    _entry("scheduler", "rest-json"),
    _entry("pipes", "rest-json"),
    _entry("cloudcontrol", "json", "cloudcontrolapi", target="CloudApiService"),
    _entry("cloudformation", "query"),
    _entry("codedeploy", "smithy-rpc-v2-cbor", target="CodeDeploy_20141006"),
    _entry("apigateway", "rest-json"),
    _entry("apigatewayv2", "rest-json", "apigateway"),
    _entry("apigatewaymanagementapi", "rest-json", "execute-api"),
    _entry("s3", "rest-xml"),
    _entry("dynamodb", "json", target="DynamoDB_20120810"),
    _entry("dynamodbstreams", "json", "dynamodb", "streams.dynamodb", "DynamoDBStreams_20120810"),
    _entry("iam", "query"),
    _entry("sts", "query"),
    _entry("ssm", "json", target="AmazonSSM"),
    _entry("secretsmanager", "json", target="secretsmanager"),
    _entry("kms", "json", target="TrentService"),
    _entry("cognito-idp", "json", target="AWSCognitoIdentityProviderService"),
    _entry("cognito-identity", "json", target="AWSCognitoIdentityService"),
    _entry("cloudwatch", "smithy-rpc-v2-cbor", "monitoring", target="GraniteServiceVersion20100801"),
    _entry("kinesis", "json", target="Kinesis_20131202"),
    _entry("firehose", "json", target="Firehose_20150804"),
    _entry("stepfunctions", "json", "states", target="AWSStepFunctions"),
    _entry("ec2", "ec2"),
    _entry("ecr", "json", "ecr", "api.ecr", "AmazonEC2ContainerRegistry_V20150921"),
    _entry("ses", "query", "ses", "email"),
    _entry("sesv2", "rest-json", "ses", "email"),
    _entry("route53", "rest-xml"),
    _entry("acm", "json", target="CertificateManager"),
    _entry("xray", "rest-json"),
)

OWN_SERVICES = frozenset(
    {
        "apigateway",
        "apigatewaymanagementapi",
        "apigatewayv2",
        "cloudcontrol",
        "cloudformation",
        "codedeploy",
        "events",
        "lambda",
        "logs",
        "scheduler",
        "sqs",
        "sts",
    }
)
"""What Lambent serves itself, by botocore's name: moto is not asked for it."""

REPLACEABLE = frozenset({"events", "scheduler", "sqs"})
"""Those of them that a real endpoint may serve instead: the platform then uses them as any client does."""

BY_NAME = {entry.name: entry for entry in ENTRIES}
BY_SIGNING_NAME: dict[str, list[Entry]] = {}
BY_TARGET = {entry.target_prefix: entry for entry in ENTRIES if entry.target_prefix}
BY_ENDPOINT: dict[str, Entry] = {}
for _each in ENTRIES:
    BY_SIGNING_NAME.setdefault(_each.signing_name, []).append(_each)
    BY_ENDPOINT.setdefault(_each.endpoint_prefix, _each)
    BY_ENDPOINT.setdefault(_each.name, _each)

BY_QUERY_VERSION = {
    "2012-11-05": "sqs",
    "2010-03-31": "sns",
    "2010-05-15": "cloudformation",
    "2010-05-08": "iam",
    "2011-06-15": "sts",
    "2016-11-15": "ec2",
    "2010-12-01": "ses",
    "2010-08-01": "cloudwatch",
}
"""The service of an unsigned query request, by its `Version`."""


def service_of_host(host: str) -> Entry | None:
    """The service that a host name such as `lambda.us-east-1.amazonaws.com` or `lambda.localhost` names."""
    labels = host.partition(":")[0].lower().split(".")
    # Some operations put a label of their own before the service's (`api.ecr`, `data.iot`, an account id).
    for start in range(min(2, len(labels) - 1)):
        found = BY_ENDPOINT.get(".".join(labels[start : start + 2])) or BY_ENDPOINT.get(labels[start])
        if found is not None:
            return found
    return None
