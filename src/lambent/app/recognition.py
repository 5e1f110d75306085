"""What kind of event Lambda has delivered.

Events carry no type. Each source has members of its own, and several look alike; `kind_of` knows which member tells.
Shapes are those of AWS's documentation (Lambda developer guide, "Integrating other services"; API Gateway developer
guide, "Lambda proxy integrations" and "Lambda authorizers"; Cognito, CloudWatch, CloudFormation).

What looks alike and is not:

- An HTTP API's authorizer (format 2.0) receives a whole HTTP request; it differs by `routeArn`. A REST API's, a format
  1.0 and a WebSocket API's differ by `methodArn`. All are "authorizer.request", as only REST APIs have TOKEN ones.
- $connect and $disconnect have the headers of an HTTP request, and older ones `httpMethod` and `resource` too: a
  WebSocket event is one whose request context has a `connectionId`.
- A function URL's event is an HTTP API's but for its domain, `<id>.lambda-url.<region>.on.aws`.
- VPC Lattice says `version: "2.0"` and has a request context, but no `http` in it.
- What an asynchronous invocation leaves at a destination has a request context, of the invocation.
- The last invocation of a tumbling window may have no records at all: its stream's ARN tells then. Of a batch that
  has nothing else in it nobody can tell; Lambda sends none, but tests do.
- EventBridge Scheduler's default event has a string as its detail; with an input of one's own the event is that
  input, a direct invocation.
- An alarm's own action is an "alarm"; the same alarm through EventBridge is "eventbridge", through a topic "sns".
- A queue subscribed to a topic or a bucket is "sqs": the notification is in the message's body.
- Who names a bucket for notifications gets S3's test message, "s3.test"; it reaches queues and topics as a body.
"""

from __future__ import annotations

from typing import Any

# Records' eventSource (SNS writes it EventSource). MinIO and Ceph notify in S3's format under their own name.
_RECORDS = {
    "aws:sqs": "sqs",
    "aws:kinesis": "kinesis",
    "aws:dynamodb": "dynamodb",
    "aws:sns": "sns",
    "aws:s3": "s3",
    "minio:s3": "s3",
    "ceph:s3": "s3",
    "aws:ses": "ses",
    "aws:codecommit": "codecommit",
}

# Sources that Lambda polls and that put their name beside the records.
_POLLED = {
    "aws:kafka": "kafka",
    "SelfManagedKafka": "kafka",
    "aws:SelfManagedKafka": "kafka",
    "aws:mq": "mq",
    "aws:amq": "mq",
    "aws:rmq": "mq",
    "aws:docdb": "docdb",
}

# A member by which a kind is known, and the others that must be there too. One member may begin several kinds.
_MEMBERS: dict[str, list[tuple[tuple[str, ...], str]]] = {
    "awslogs": [((), "logs")],
    "alarmData": [(("alarmArn",), "alarm")],
    "triggerSource": [(("userPoolId", "request"), "cognito")],
    "RequestType": [(("ResourceProperties", "LogicalResourceId"), "custom_resource")],
    "httpMethod": [(("path",), "http.v1")],  # what tests write by hand: a request without its context
    "CodePipeline.job": [((), "codepipeline")],
    "invocationId": [(("records", "region"), "firehose")],
    "applicationArn": [(("invocationId", "records"), "kinesis_analytics")],
    "SecretId": [(("Step", "ClientRequestToken"), "secret_rotation")],
    "tasks": [(("invocationId", "job"), "s3.batch")],
    "xAmzRequestId": [(("userRequest", "configuration"), "s3.object")],
    "invokingEvent": [(("configRuleName",), "config")],
    "authorizationToken": [(("requestContext",), "appsync.authorizer")],
    "info": [
        (("arguments", "identity"), "appsync"),
        (("arguments", "request"), "appsync"),  # with an API key nobody is identified
        (("request", "identity", "events"), "appsync.events"),
    ],
    "InvocationMetadata": [(("Items",), "connect")],
    "fieldName": [(("arguments", "identity"), "appsync")],
    "raw_path": [(("method", "headers"), "vpc_lattice")],
    "datasetName": [(("identityPoolId",), "cognito.sync")],
    "bot": [(("sessionState",), "lex"), (("currentIntent",), "lex")],
    "agent": [(("messageVersion", "sessionId"), "bedrock_agent")],
    "LifecycleEventHookExecutionId": [(("DeploymentId",), "codedeploy")],
    "widgetContext": [((), "dashboard")],
    "connection-id": [(("endpoint-id", "schema-version"), "client_vpn")],
    "serverId": [(("username", "protocol"), "transfer")],
    "token": [(("protocolData",), "iot"), (("tlsContext",), "iot"), (("mqttContext",), "iot")],
    "claimCertificateId": [(("certificateId",), "iot")],
    "clickType": [(("serialNumber",), "iot")],
    "deviceEvent": [(("deviceInfo",), "iot")],
    "session": [(("request", "version"), "alexa")],
    "labelingJobArn": [((), "sagemaker")],
    "summaryVersion": [(("envelope", "flowDirection"), "workmail")],
}

_MARKS = {
    member: tuple((frozenset(others), kind) for others, kind in kinds) for member, kinds in _MEMBERS.items()
}


def kind_of(event: Any) -> str:
    """The kind of an event, by the members that only its source sends.

    "http.v1", "http.v2", "function_url", "alb", "websocket", "authorizer.token", "authorizer.request", "sqs",
    "kinesis", "dynamodb", "sns", "s3", "s3.test", "eventbridge", "schedule", "cognito", "alarm", "logs",
    "custom_resource"; "records.none" for a batch that nothing says the source of; of the sources that call
    functions in formats of their own "alexa", "appsync", "appsync.authorizer", "appsync.events", "bedrock_agent",
    "client_vpn", "cloudfront", "codecommit", "codedeploy", "codepipeline", "cognito.sync", "config", "connect",
    "dashboard", "destination", "docdb", "firehose", "iot", "kafka", "kinesis_analytics", "lex", "mq", "s3.batch",
    "s3.object", "sagemaker", "secret_rotation", "ses", "transfer", "vpc_lattice", "workmail"; and "direct" for
    whatever else one invokes a function with, lists and scalars included.
    """
    if not isinstance(event, dict):
        return _of_list(event) if isinstance(event, list) and event else "direct"
    context = event.get("requestContext")
    if isinstance(context, dict):
        if "http" in context:
            if "routeArn" in event:
                return "authorizer.request"
            return "function_url" if ".lambda-url." in str(context.get("domainName")) else "http.v2"
        if "httpMethod" in event:
            if "elb" in context:
                return "alb"
            if "methodArn" in event:
                return "authorizer.request"
            return "websocket" if "connectionId" in context else "http.v1"
        if "connectionId" in context:
            return "authorizer.request" if "methodArn" in event else "websocket"
    records = event.get("Records")
    if isinstance(records, list):
        kind = _of_records(event, records)
        if kind:
            return kind
    if "detail-type" in event and "source" in event:
        return "schedule" if _is_schedule(event) else "eventbridge"
    return _by_members(event, context)


def _of_records(event: dict[str, Any], records: list[Any]) -> str:
    """What the first record says; of a window that ended without records, what the stream's ARN says."""
    if not records:
        if len(event) == 1:
            return "records.none"
        arn = str(event.get("eventSourceARN")).split(":")
        return arn[2] if len(arn) > 2 and arn[2] in ("kinesis", "dynamodb") else ""
    first = records[0]
    if not isinstance(first, dict):
        return ""
    source = first.get("eventSource") or first.get("EventSource")
    if isinstance(source, str) and source in _RECORDS:
        return _RECORDS[source]
    return "cloudfront" if isinstance(first.get("cf"), dict) else ""


def _of_list(events: list[Any]) -> str:
    """AppSync's batches of resolvers are the one event of AWS that is a list."""
    first = events[0]
    if isinstance(first, dict) and _by_members(first, None) == "appsync":
        return "appsync"
    return "direct"


def _is_schedule(event: dict[str, Any]) -> bool:
    # Only AWS can send events whose source begins with "aws.", so nobody's own "Scheduled Event" passes for one.
    return event["detail-type"] == "Scheduled Event" and event["source"] in ("aws.events", "aws.scheduler")


def _by_members(event: dict[str, Any], context: Any) -> str:
    source = event.get("eventSource")
    if isinstance(source, str) and source in _POLLED:
        return _POLLED[source]
    if "methodArn" in event and event.get("type") in ("TOKEN", "REQUEST"):
        return "authorizer.token" if event["type"] == "TOKEN" else "authorizer.request"
    if "routeArn" in event and event.get("type") == "REQUEST":
        return "authorizer.request"
    if event.get("Event") == "s3:TestEvent" and "Bucket" in event:
        return "s3.test"
    if event.get("Name") == "ContactFlowEvent" and "Details" in event:
        return "connect"
    directive = event.get("directive", event)
    header = directive.get("header") if isinstance(directive, dict) else None
    if isinstance(header, dict) and str(header.get("namespace")).startswith("Alexa"):
        return "alexa"
    occasion = event.get("eventType")
    if isinstance(occasion, str) and occasion.startswith("THING_") and "eventId" in event:
        return "iot"
    if isinstance(context, dict):
        if "serviceNetworkArn" in context:
            return "vpc_lattice"
        if "condition" in context and "functionArn" in context:
            return "destination"
    for member in event:
        for others, kind in _MARKS.get(member, ()):
            if others <= event.keys():
                return kind
    return "direct"
