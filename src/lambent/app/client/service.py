"""AWS services: signed calls, retries, errors."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from lambent.app.client import endpoints, retries, time_left
from lambent.app.client.connection import Answer, exchange
from lambent.app.client.credentials import credentials
from lambent.app.client.errors import AWSError, ConnectionFailed, NotConfigured, TimedOut, parsed
from lambent.app.client.propagation import trace_header
from lambent.app.client.signing import signed

if TYPE_CHECKING:
    from collections.abc import Mapping

TIMEOUT = 60.0
"""Seconds to wait for an answer, as botocore does."""


class Service:
    """A service as `service(name)` gives it. Usable from several threads at once.

    `variable` is its name in AWS_ENDPOINT_URL_<variable>; `target` and `version` those of its AWS JSON protocol.
    """

    def __init__(
        self,
        name: str,
        variable: str,
        target: str = "",
        version: str = "",
        *,
        query_mode: bool = False,
        attempts: int = 3,
        base: float = 0.05,
    ) -> None:
        self.name = name
        self.variable = variable
        self._target = target
        self._headers = {"content-type": f"application/x-amz-json-{version}"}
        if query_mode:
            self._headers["x-amzn-query-mode"] = "true"
        self._attempts = attempts
        self._base = base
        self._quota = retries.Quota()

    def call(
        self,
        operation: str,
        parameters: Mapping[str, Any],
        *,
        region: str | None = None,
        timeout: float = TIMEOUT,
    ) -> dict[str, Any]:
        """An operation of a service with an AWS JSON protocol: `service("sqs").call("SendMessage", {…})`.

        Blobs among the parameters are bytes; in the result they are base64. Raises AWSError.
        """
        answer = self.request(
            "POST",
            "/",
            headers={**self._headers, "x-amz-target": f"{self._target}.{operation}"},
            body=msgspec.json.encode(parameters),
            region=region,
            timeout=timeout,
        )
        try:
            result = msgspec.json.decode(answer.body or b"{}")
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise AWSError("InvalidAnswer", f"{operation} answered no JSON: {error}", answer.status) from None
        return result if isinstance(result, dict) else {}

    def request(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        endpoint: str | None = None,
        region: str | None = None,
        timeout: float = TIMEOUT,
        repeatable: bool = True,
    ) -> Answer:
        """A signed request and its answer, whose status is below 300. Raises AWSError.

        `path` and `query` are percent-encoded, names of `headers` in lower case. `endpoint` is a base URL other than
        the service's own; a `host` header may then name another host than the one to connect to. A request that is
        not `repeatable` is not tried again when it was sent and the connection broke or no answer came in time.

        `timeout` is in seconds, and not more than what the invocation has left: no request and no retry is begun that
        cannot end before Lambda ends the function.
        """
        region = region or endpoints.region()
        where = endpoints.parse(endpoint or self.endpoint(region))
        path = where.path + path
        target = f"{path}?{query}" if query else path
        all_headers = {"host": where.authority, "user-agent": "lambent", **(headers or {})}
        trace = trace_header()
        if trace is not None and "AWS_LAMBDA_FUNCTION_NAME" in os.environ:
            # Lambda's detection of loops follows it, whatever the service (botocore.handlers does the same).
            all_headers.setdefault("x-amzn-trace-id", quote(trace, safe="-=;:+&[]{}\"',"))
        attempts = _attempts() or self._attempts
        attempt = paid = 0
        failure: AWSError | None = None
        while True:
            attempt += 1
            after = None
            left = time_left.seconds()
            if left is not None and left <= 0:
                raise failure or TimedOut("TimedOut", "the invocation has no time left for the call")
            try:
                answer = exchange(
                    where,
                    method,
                    target,
                    signed(
                        method,
                        path,
                        query,
                        all_headers,
                        body,
                        service=self.name,
                        region=region,
                        credentials=credentials(),
                    ),
                    body,
                    timeout if left is None or timeout < left else left,
                )
            except ConnectionFailed as error:
                failure = error
                again = repeatable or not error.sent
            else:
                if answer.status < 300:
                    self._quota.give(paid)
                    return answer
                failure = parsed(answer.status, answer.headers, answer.body)
                again = retries.is_retryable(failure)
                after = answer.headers.get("x-amz-retry-after")
            if again and attempt < attempts:
                paid = self._quota.take(failure)
                if paid:
                    pause = retries.delay(attempt, failure, self._base, after)
                    left = time_left.seconds()
                    if left is None or pause < left:
                        time.sleep(pause)
                        continue
            raise failure

    def endpoint(self, region: str) -> str:
        """The base URL that is configured for the service, or AWS's own in the region."""
        return (
            endpoints.configured(self.variable) or f"https://{self.name}.{region}.{endpoints.suffix(region)}"
        )


def _attempts() -> int:
    """AWS_MAX_ATTEMPTS; 0 when it is not set."""
    text = os.environ.get("AWS_MAX_ATTEMPTS")
    if not text:
        return 0
    if not (text.isascii() and text.isdigit() and int(text)):
        raise NotConfigured("InvalidMaxAttempts", f"AWS_MAX_ATTEMPTS is {text!r}: a number from 1 on")
    return int(text)


_SERVICES = {
    # Names of targets, versions and variables are those of the services' models in botocore.
    "dynamodb": lambda: Service("dynamodb", "DYNAMODB", "DynamoDB_20120810", "1.0", attempts=4, base=0.025),
    "execute-api": lambda: Service("execute-api", "APIGATEWAYMANAGEMENTAPI"),
    "lambda": lambda: Service("lambda", "LAMBDA"),
    "secretsmanager": lambda: Service("secretsmanager", "SECRETS_MANAGER", "secretsmanager", "1.1"),
    "sqs": lambda: Service("sqs", "SQS", "AmazonSQS", "1.0", query_mode=True),
    "ssm": lambda: Service("ssm", "SSM", "AmazonSSM", "1.1"),
}
_made: dict[str, Service] = {}


def service(name: str) -> Service:
    """The client of a service: dynamodb, execute-api, lambda, secretsmanager, sqs, ssm."""
    made = _made.get(name)
    if made is None:
        made = _made.setdefault(name, _SERVICES[name]())
    return made
