"""Lambent: serverless for Python, end to end.

`import lambent` is what a function ships: it stays free of the platform's dependencies, and each of the names below
is imported when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambent.app.app import App as App
    from lambent.app.client.errors import AWSError as AWSError
    from lambent.app.client.errors import PayloadTooLarge as PayloadTooLarge
    from lambent.app.connections import ConnectionGone as ConnectionGone
    from lambent.app.connections import ConnectionInfo as ConnectionInfo
    from lambent.app.connections import adelete_connection as adelete_connection
    from lambent.app.connections import aget_connection as aget_connection
    from lambent.app.connections import apost_to_connection as apost_to_connection
    from lambent.app.connections import delete_connection as delete_connection
    from lambent.app.connections import get_connection as get_connection
    from lambent.app.connections import post_to_connection as post_to_connection
    from lambent.app.emf import MetricNameError as MetricNameError
    from lambent.app.emf import MetricResolution as MetricResolution
    from lambent.app.emf import MetricResolutionError as MetricResolutionError
    from lambent.app.emf import MetricsError as MetricsError
    from lambent.app.emf import MetricUnit as MetricUnit
    from lambent.app.emf import MetricUnitError as MetricUnitError
    from lambent.app.emf import MetricValueError as MetricValueError
    from lambent.app.emf import SchemaValidationError as SchemaValidationError
    from lambent.app.errors import AppError as AppError
    from lambent.app.errors import BadGateway as BadGateway
    from lambent.app.errors import BadRequest as BadRequest
    from lambent.app.errors import Conflict as Conflict
    from lambent.app.errors import ContentTooLarge as ContentTooLarge
    from lambent.app.errors import ExpectationFailed as ExpectationFailed
    from lambent.app.errors import FailedDependency as FailedDependency
    from lambent.app.errors import Forbidden as Forbidden
    from lambent.app.errors import GatewayTimeout as GatewayTimeout
    from lambent.app.errors import Gone as Gone
    from lambent.app.errors import HeadersTooLarge as HeadersTooLarge
    from lambent.app.errors import HTTPError as HTTPError
    from lambent.app.errors import InternalServerError as InternalServerError
    from lambent.app.errors import LengthRequired as LengthRequired
    from lambent.app.errors import Locked as Locked
    from lambent.app.errors import MethodNotAllowed as MethodNotAllowed
    from lambent.app.errors import MisdirectedRequest as MisdirectedRequest
    from lambent.app.errors import NotAcceptable as NotAcceptable
    from lambent.app.errors import NotFound as NotFound
    from lambent.app.errors import NotImplementedYet as NotImplementedYet
    from lambent.app.errors import PaymentRequired as PaymentRequired
    from lambent.app.errors import PreconditionFailed as PreconditionFailed
    from lambent.app.errors import PreconditionRequired as PreconditionRequired
    from lambent.app.errors import RangeNotSatisfiable as RangeNotSatisfiable
    from lambent.app.errors import RequestTimeout as RequestTimeout
    from lambent.app.errors import ServiceUnavailable as ServiceUnavailable
    from lambent.app.errors import TooEarly as TooEarly
    from lambent.app.errors import TooManyRequests as TooManyRequests
    from lambent.app.errors import Unauthorized as Unauthorized
    from lambent.app.errors import UnavailableForLegalReasons as UnavailableForLegalReasons
    from lambent.app.errors import UnknownEvent as UnknownEvent
    from lambent.app.errors import UnprocessableContent as UnprocessableContent
    from lambent.app.errors import UnsupportedMediaType as UnsupportedMediaType
    from lambent.app.errors import UpgradeRequired as UpgradeRequired
    from lambent.app.errors import URITooLong as URITooLong
    from lambent.app.errors import ValidationFailed as ValidationFailed
    from lambent.app.functions import FunctionCallError as FunctionCallError
    from lambent.app.functions import UnexpectedResult as UnexpectedResult
    from lambent.app.functions import ainvoke as ainvoke
    from lambent.app.functions import ainvoke_async as ainvoke_async
    from lambent.app.functions import invoke as invoke
    from lambent.app.functions import invoke_async as invoke_async
    from lambent.app.jwt.errors import InvalidToken as InvalidToken
    from lambent.app.jwt.errors import KeysUnavailable as KeysUnavailable
    from lambent.app.jwt.verifier import Verifier as Verifier
    from lambent.app.log_buffer import LoggerBufferConfig as LoggerBufferConfig
    from lambent.app.logger import Logger as Logger
    from lambent.app.markers import Body as Body
    from lambent.app.markers import Cookie as Cookie
    from lambent.app.markers import Header as Header
    from lambent.app.markers import Path as Path
    from lambent.app.markers import Query as Query
    from lambent.app.metrics import EphemeralMetrics as EphemeralMetrics
    from lambent.app.metrics import Metrics as Metrics
    from lambent.app.metrics import single_metric as single_metric
    from lambent.app.middleware.api_key import ApiKey as ApiKey
    from lambent.app.middleware.authorizer import AuthorizerContext as AuthorizerContext
    from lambent.app.middleware.authorizer import Identity as Identity
    from lambent.app.middleware.bearer import Bearer as Bearer
    from lambent.app.middleware.bearer import Claims as Claims
    from lambent.app.middleware.compression import Compression as Compression
    from lambent.app.middleware.cors import CORS as CORS
    from lambent.app.middleware.deadline import Deadline as Deadline
    from lambent.app.middleware.deadline import DeadlineExceeded as DeadlineExceeded
    from lambent.app.middleware.errors import Errors as Errors
    from lambent.app.middleware.request_log import RequestLog as RequestLog
    from lambent.app.middleware.security_headers import SecurityHeaders as SecurityHeaders
    from lambent.app.onion import Call as Call
    from lambent.app.onion import Layer as Layer
    from lambent.app.onion import Middleware as Middleware
    from lambent.app.queues import FailedMessage as FailedMessage
    from lambent.app.queues import OutgoingMessage as OutgoingMessage
    from lambent.app.queues import Queue as Queue
    from lambent.app.queues import SendFailed as SendFailed
    from lambent.app.registrar import Router as Router
    from lambent.app.request import Headers as Headers
    from lambent.app.request import Invocation as Invocation
    from lambent.app.request import Request as Request
    from lambent.app.request import Values as Values
    from lambent.app.response import Response as Response
    from lambent.app.response import redirect as redirect
    from lambent.app.sources.alarm import Alarm as Alarm
    from lambent.app.sources.authorizer import Allow as Allow
    from lambent.app.sources.authorizer import AuthorizerRequest as AuthorizerRequest
    from lambent.app.sources.authorizer import Deny as Deny
    from lambent.app.sources.authorizer import MethodArn as MethodArn
    from lambent.app.sources.batch import BatchFailed as BatchFailed
    from lambent.app.sources.bucket import S3Object as S3Object
    from lambent.app.sources.bus import BusEvent as BusEvent
    from lambent.app.sources.bus import Tick as Tick
    from lambent.app.sources.channel import Channel as Channel
    from lambent.app.sources.channel import Connection as Connection
    from lambent.app.sources.custom_resource import ResourceRequest as ResourceRequest
    from lambent.app.sources.log_subscription import LogBatch as LogBatch
    from lambent.app.sources.log_subscription import LogEvent as LogEvent
    from lambent.app.sources.queue import Attribute as Attribute
    from lambent.app.sources.queue import Message as Message
    from lambent.app.sources.stream import StreamRecord as StreamRecord
    from lambent.app.sources.table_stream import Change as Change
    from lambent.app.sources.topic import Notification as Notification
    from lambent.app.sources.understood import MalformedEvent as MalformedEvent
    from lambent.app.sources.user_pool import Trigger as Trigger
    from lambent.app.sources.window import Window as Window
    from lambent.app.sources.window import WindowEnd as WindowEnd
    from lambent.app.table import ConditionFailed as ConditionFailed
    from lambent.app.table import Table as Table
    from lambent.app.table import UnexpectedItem as UnexpectedItem
    from lambent.app.tracing import Span as Span
    from lambent.app.tracing import Tracer as Tracer

__version__ = "0.1.0"

_HOMES = {
    "app": ("App",),
    "errors": (
        "AppError",
        "BadGateway",
        "BadRequest",
        "Conflict",
        "ContentTooLarge",
        "ExpectationFailed",
        "FailedDependency",
        "Forbidden",
        "GatewayTimeout",
        "Gone",
        "HTTPError",
        "HeadersTooLarge",
        "InternalServerError",
        "LengthRequired",
        "Locked",
        "MethodNotAllowed",
        "MisdirectedRequest",
        "NotAcceptable",
        "NotFound",
        "NotImplementedYet",
        "PaymentRequired",
        "PreconditionFailed",
        "PreconditionRequired",
        "RangeNotSatisfiable",
        "RequestTimeout",
        "ServiceUnavailable",
        "TooEarly",
        "TooManyRequests",
        "URITooLong",
        "Unauthorized",
        "UnavailableForLegalReasons",
        "UnknownEvent",
        "UnprocessableContent",
        "UnsupportedMediaType",
        "UpgradeRequired",
        "ValidationFailed",
    ),
    "emf": (
        "MetricNameError",
        "MetricResolution",
        "MetricResolutionError",
        "MetricUnit",
        "MetricUnitError",
        "MetricValueError",
        "MetricsError",
        "SchemaValidationError",
    ),
    "client.errors": ("AWSError", "PayloadTooLarge"),
    "connections": (
        "ConnectionGone",
        "ConnectionInfo",
        "adelete_connection",
        "aget_connection",
        "apost_to_connection",
        "delete_connection",
        "get_connection",
        "post_to_connection",
    ),
    "functions": (
        "FunctionCallError",
        "UnexpectedResult",
        "ainvoke",
        "ainvoke_async",
        "invoke",
        "invoke_async",
    ),
    "middleware.api_key": ("ApiKey",),
    "middleware.authorizer": ("AuthorizerContext", "Identity"),
    "middleware.bearer": ("Bearer", "Claims"),
    "middleware.compression": ("Compression",),
    "middleware.cors": ("CORS",),
    "middleware.deadline": ("Deadline", "DeadlineExceeded"),
    "middleware.errors": ("Errors",),
    "middleware.request_log": ("RequestLog",),
    "middleware.security_headers": ("SecurityHeaders",),
    "onion": ("Call", "Layer", "Middleware"),
    "queues": ("FailedMessage", "OutgoingMessage", "Queue", "SendFailed"),
    "jwt.errors": ("InvalidToken", "KeysUnavailable"),
    "jwt.verifier": ("Verifier",),
    "log_buffer": ("LoggerBufferConfig",),
    "logger": ("Logger",),
    "metrics": ("EphemeralMetrics", "Metrics", "single_metric"),
    "tracing": ("Span", "Tracer"),
    "markers": ("Body", "Cookie", "Header", "Path", "Query"),
    "registrar": ("Router",),
    "request": ("Headers", "Invocation", "Request", "Values"),
    "response": ("Response", "redirect"),
    "sources.alarm": ("Alarm",),
    "sources.authorizer": ("Allow", "AuthorizerRequest", "Deny", "MethodArn"),
    "sources.batch": ("BatchFailed",),
    "sources.bucket": ("S3Object",),
    "sources.bus": ("BusEvent", "Tick"),
    "sources.custom_resource": ("ResourceRequest",),
    "sources.log_subscription": ("LogBatch", "LogEvent"),
    "sources.queue": ("Attribute", "Message"),
    "sources.stream": ("StreamRecord",),
    "sources.table_stream": ("Change",),
    "sources.topic": ("Notification",),
    "sources.understood": ("MalformedEvent",),
    "sources.user_pool": ("Trigger",),
    "sources.window": ("Window", "WindowEnd"),
    "sources.channel": ("Channel", "Connection"),
    "table": ("ConditionFailed", "Table", "UnexpectedItem"),
}
_HOME = {name: module for module, names in _HOMES.items() for name in names}

__all__ = ["__version__", *sorted(_HOME)]


def __getattr__(name: str) -> Any:
    module = _HOME.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"lambent.app.{module}"), name)
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
