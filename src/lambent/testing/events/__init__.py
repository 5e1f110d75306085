"""Events as AWS delivers them, one factory per source, with fresh ids and times unless they are given.

Plain functions that return the dict a handler gets; shapes are AWS's documents', named in each module. It imports the
standard library and msgspec, and nothing of the app.
"""

from __future__ import annotations

from lambent.testing.events.authorizers import (
    authorizer_http,
    authorizer_request,
    authorizer_token,
    authorizer_websocket,
)
from lambent.testing.events.bus import eventbridge, schedule, scheduler
from lambent.testing.events.cloudformation import custom_resource
from lambent.testing.events.cloudwatch import alarm, log_subscription
from lambent.testing.events.cognito import TRIGGERS, cognito
from lambent.testing.events.context import Client, ClientContext, CognitoIdentity, LambdaContext
from lambent.testing.events.http import alb, function_url, http_v1, http_v2
from lambent.testing.events.notifications import s3, s3_test, sns, sns_envelope
from lambent.testing.events.queues import SQSMessage, sqs
from lambent.testing.events.streams import (
    KinesisRecord,
    Window,
    dynamodb_stream,
    kinesis,
    to_attribute_value,
    to_attribute_values,
)
from lambent.testing.events.websocket import (
    new_connection_id,
    websocket_connect,
    websocket_disconnect,
    websocket_message,
)

__all__ = [
    "TRIGGERS",
    "Client",
    "ClientContext",
    "CognitoIdentity",
    "KinesisRecord",
    "LambdaContext",
    "SQSMessage",
    "Window",
    "alarm",
    "alb",
    "authorizer_http",
    "authorizer_request",
    "authorizer_token",
    "authorizer_websocket",
    "cognito",
    "custom_resource",
    "dynamodb_stream",
    "eventbridge",
    "function_url",
    "http_v1",
    "http_v2",
    "kinesis",
    "log_subscription",
    "new_connection_id",
    "s3",
    "s3_test",
    "schedule",
    "scheduler",
    "sns",
    "sns_envelope",
    "sqs",
    "to_attribute_value",
    "to_attribute_values",
    "websocket_connect",
    "websocket_disconnect",
    "websocket_message",
]
