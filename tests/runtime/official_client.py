"""Runs a function on AWS's runtime client with a transport of our own; started by the tests as a process.

    python official_client.py ORDER REPORT

ORDER: JSON object with `task`, `handler`, `invocations`. REPORT: JSON list of [kind, body, log events before it], kind
as in our frames.
"""

from __future__ import annotations

import atexit
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

order = json.loads(Path(sys.argv[1]).read_text())
log_read, log_write = os.pipe()
os.set_blocking(log_read, False)
os.environ["_LAMBDA_TELEMETRY_LOG_FD"] = str(log_write)
os.environ["AWS_LAMBDA_RUNTIME_API"] = "127.0.0.1:9"

from awslambdaric import bootstrap  # noqa: E402 - reads its variables when it is imported
from awslambdaric.lambda_runtime_client import (  # noqa: E402
    BaseLambdaRuntimeClient,
    InvocationRequest,
)

answers: list[list[Any]] = []


def taken_logs() -> list[str]:
    try:
        data = os.read(log_read, 1 << 20)
    except BlockingIOError:
        return []
    events = []
    while data:
        length = int.from_bytes(data[4:8], "big")
        events.append(data[16 : 16 + length].decode())
        data = data[16 + length :]
    return events


class Client(BaseLambdaRuntimeClient):  # type: ignore[misc]
    def __init__(self) -> None:
        self.waiting = list(order["invocations"])

    def wait_next_invocation(self) -> InvocationRequest:
        if not answers:
            answers.append(["R", "", taken_logs()])
        if not self.waiting:
            os._exit(self.finish())
        one = self.waiting.pop(0)
        return InvocationRequest(
            invoke_id=one["request_id"],
            x_amzn_trace_id=one.get("trace"),
            invoked_function_arn=one["arn"],
            deadline_time_in_ms=int((time.time() + 3) * 1000),
            client_context=one.get("client_context"),
            cognito_identity=one.get("cognito_identity"),
            tenant_id=one.get("tenant_id"),
            content_type="application/json",
            event_body=one["payload"].encode("utf-8", "surrogateescape"),
            invocation_id=None,
        )

    def finish(self) -> int:
        Path(sys.argv[2]).write_text(json.dumps(answers))
        return 0

    def post_invocation_result(
        self, _id: str, result: str | bytes, _type: str = "", _invocation: str | None = None
    ) -> None:
        body = result if isinstance(result, bytes) else result.encode("utf-8")
        answers.append(["O", body.decode(), taken_logs()])

    def post_invocation_error(
        self, _id: str, error: str, _fault: str, _invocation: str | None = None
    ) -> None:
        answers.append(["E", error, taken_logs()])

    def post_init_error(self, error: dict[str, Any], _override: str | None = None) -> None:
        answers.append(["I", bootstrap.to_json(error), taken_logs()])


client = Client()
atexit.register(client.finish)
os.chdir(order["task"])
sys.path.insert(0, order["task"])


bootstrap.run(order["handler"], client)
