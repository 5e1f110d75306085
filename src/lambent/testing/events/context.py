"""The context object that a handler gets, for tests ("Using the Lambda context object to retrieve Python function
information")."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lambent.testing.events.values import ACCOUNT, REGION, new_hex, new_uuid

if TYPE_CHECKING:
    from collections.abc import Mapping


class CognitoIdentity:
    """Who called through a mobile SDK; both ids are None otherwise."""

    __slots__ = ("cognito_identity_id", "cognito_identity_pool_id")

    def __init__(
        self, cognito_identity_id: str | None = None, cognito_identity_pool_id: str | None = None
    ) -> None:
        self.cognito_identity_id = cognito_identity_id
        self.cognito_identity_pool_id = cognito_identity_pool_id


class Client:
    """The mobile application that called."""

    __slots__ = ("app_package_name", "app_title", "app_version_code", "app_version_name", "installation_id")

    def __init__(
        self,
        installation_id: str | None = None,
        app_title: str | None = None,
        app_version_name: str | None = None,
        app_version_code: str | None = None,
        app_package_name: str | None = None,
    ) -> None:
        self.installation_id = installation_id
        self.app_title = app_title
        self.app_version_name = app_version_name
        self.app_version_code = app_version_code
        self.app_package_name = app_package_name


class ClientContext:
    """What the caller put into the invocation's client context: `custom`, `env` and its application."""

    __slots__ = ("client", "custom", "env")

    def __init__(
        self,
        *,
        custom: Mapping[str, Any] | None = None,
        env: Mapping[str, Any] | None = None,
        client: Client | None = None,
    ) -> None:
        self.custom = dict(custom) if custom is not None else None
        self.env = dict(env) if env is not None else None
        self.client = client


class LambdaContext:
    """A context with a request id of its own, whose remaining time runs from now.

    `timeout` is in seconds, `memory` in MB; as in Lambda, `memory_limit_in_mb` is text. The names of log group and
    stream are those Lambda would give.
    """

    __slots__ = (
        "_deadline",
        "_w3c",
        "aws_request_id",
        "client_context",
        "function_name",
        "function_version",
        "identity",
        "invoked_function_arn",
        "log_group_name",
        "log_stream_name",
        "memory_limit_in_mb",
        "tenant_id",
    )

    def __init__(
        self,
        function_name: str = "function",
        *,
        aws_request_id: str | None = None,
        function_version: str = "$LATEST",
        invoked_function_arn: str | None = None,
        memory: int = 128,
        timeout: float = 3.0,
        client_context: ClientContext | None = None,
        identity: CognitoIdentity | None = None,
        tenant_id: str | None = None,
        log_group_name: str | None = None,
        log_stream_name: str | None = None,
        w3c: Mapping[str, str] | None = None,
    ) -> None:
        self.function_name = function_name
        self.function_version = function_version
        self.aws_request_id = aws_request_id or new_uuid()
        self.invoked_function_arn = (
            invoked_function_arn or f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function_name}"
        )
        self.memory_limit_in_mb = str(memory)
        self.client_context = client_context
        self.identity = identity or CognitoIdentity()
        self.tenant_id = tenant_id
        self.log_group_name = log_group_name or f"/aws/lambda/{function_name}"
        self.log_stream_name = log_stream_name or time.strftime(
            f"%Y/%m/%d/[{function_version}]{new_hex(32)}", time.gmtime()
        )
        self._w3c = dict(w3c or {})
        self._deadline = time.monotonic() + timeout

    def get_remaining_time_in_millis(self) -> int:
        """Until the function would be stopped; 0 when that time has come."""
        return max(int((self._deadline - time.monotonic()) * 1000), 0)

    def w3c(self) -> dict[str, str]:
        """The caller's trace context: `traceparent`, `tracestate` and `baggage`, as far as it sent them."""
        return dict(self._w3c)

    def log(self, message: object) -> None:
        """Writes to standard output, as Lambda's does."""
        print(message, end="")
