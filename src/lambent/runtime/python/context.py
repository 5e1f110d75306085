"""The `context` argument of handlers.

Member names, class names and the texts of repr() are those of the managed runtimes.
"""

from __future__ import annotations

import json
import os
import sys
import time

from .faults import Fault

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_TRACE_FIELDS = ("traceparent", "tracestate", "baggage")


class _Record:
    """Fixed members, None where the source has nothing."""

    __slots__: tuple[str, ...] = ()

    def __init__(self, source: dict[str, Any]) -> None:
        for name in self.__slots__:
            setattr(self, name, source.get(name))

    def __repr__(self) -> str:
        members = ",".join(f"{name}={getattr(self, name)}" for name in self.__slots__)
        return f"{type(self).__name__}([{members}])"


class CognitoIdentity(_Record):
    """Who called, for callers known to Amazon Cognito."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")


class Client(_Record):
    """The application that called through the AWS Mobile SDK."""

    __slots__ = (  # noqa: RUF023 - the order of repr()
        "installation_id",
        "app_title",
        "app_version_name",
        "app_version_code",
        "app_package_name",
    )


class ClientContext(_Record):
    """What the caller sent as ClientContext."""

    __slots__ = ("custom", "env", "client")  # noqa: RUF023 - the order of repr()


class LambdaContext:
    """Facts about the invocation, the function and the environment. See `ContextFactory`."""

    aws_request_id: str
    log_group_name: str | None
    log_stream_name: str | None
    function_name: str | None
    memory_limit_in_mb: str | None
    function_version: str | None
    invoked_function_arn: str | None
    tenant_id: str | None
    client_context: ClientContext | None
    identity: CognitoIdentity
    _w3c_fields: dict[str, str]
    _epoch_deadline_time_in_ms: int

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until the invocation times out, never below 0."""
        return max(0, self._epoch_deadline_time_in_ms - int(time.time() * 1000))

    def w3c(self) -> dict[str, str]:
        """The W3C trace context of the invocation."""
        return dict(self._w3c_fields)

    def log(self, msg: object) -> None:
        """Write `msg` to the function's log, as it is."""
        _log(str(msg))

    def __repr__(self) -> str:
        names = (
            "aws_request_id",
            "log_group_name",
            "log_stream_name",
            "function_name",
            "memory_limit_in_mb",
            "function_version",
            "invoked_function_arn",
            "client_context",
            "identity",
            "tenant_id",
        )
        members = ",".join(f"{name}={getattr(self, name)}" for name in names)
        return f"{type(self).__name__}([{members}])"


def _log(message: str) -> None:
    import logging

    for handler in logging.getLogger().handlers:
        sink = getattr(handler, "log_sink", None)
        if sink is not None:
            sink.log(message)
            return
    sys.stdout.write(message)


class ContextFactory:
    """Makes contexts; what is the same for all of an environment's invocations is looked up once."""

    def __init__(self, arn: str | None) -> None:
        variable = os.environ.get
        self._arn = arn
        self._constants = {
            "aws_request_id": "",
            "log_group_name": variable("AWS_LAMBDA_LOG_GROUP_NAME"),
            "log_stream_name": variable("AWS_LAMBDA_LOG_STREAM_NAME"),
            "function_name": variable("AWS_LAMBDA_FUNCTION_NAME"),
            "memory_limit_in_mb": variable("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
            "function_version": variable("AWS_LAMBDA_FUNCTION_VERSION"),
            "invoked_function_arn": arn,
            "tenant_id": None,
        }

    def create(self, request_id: str, deadline_ms: int, extra: dict[str, Any] | None) -> LambdaContext:
        """The context of one invocation; `extra` is the INVOKE frame's object. Raises `Fault`."""
        context = LambdaContext()
        members = context.__dict__
        members.update(self._constants)
        members["aws_request_id"] = request_id
        if extra is None:
            members["_w3c_fields"] = {}
            members["client_context"] = None
            members["identity"] = CognitoIdentity(_NOTHING)
        else:
            self._add_extra(members, extra)
        members["_epoch_deadline_time_in_ms"] = deadline_ms
        return context

    def _add_extra(self, members: dict[str, Any], extra: dict[str, Any]) -> None:
        client_context = _parse(extra.get("client_context"), "Client Context")
        identity = _parse(extra.get("cognito_identity"), "Cognito Identity")
        members["invoked_function_arn"] = extra.get("arn", self._arn)
        members["tenant_id"] = extra.get("tenant_id")
        members["_w3c_fields"] = _take_trace_fields(client_context)
        members["client_context"] = context = (
            None if client_context is None else ClientContext(client_context)
        )
        if context is not None and context.client is not None:  # type: ignore[attr-defined]
            context.client = Client(context.client)  # type: ignore[attr-defined]
        members["identity"] = CognitoIdentity(
            _NOTHING
            if identity is None
            else {
                "cognito_identity_id": identity.get("cognitoIdentityId"),
                "cognito_identity_pool_id": identity.get("cognitoIdentityPoolId"),
            }
        )


_NOTHING: dict[str, Any] = {}


def _parse(text: str | None, name: str) -> Any:
    if not text:
        return None
    try:
        return json.loads(text)
    except Exception as error:
        raise Fault("Runtime.LambdaContextUnmarshalError", f"Unable to parse {name} JSON: {error}") from error


def _take_trace_fields(client_context: Any) -> dict[str, str]:
    """The W3C fields, which travel in the client context but are not shown there."""
    if not isinstance(client_context, dict):
        return {}
    fields = client_context.pop("w3c", None)
    if not isinstance(fields, dict):
        return {}
    return {name: fields[name] for name in _TRACE_FIELDS if isinstance(fields.get(name), str)}
