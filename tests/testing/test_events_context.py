from __future__ import annotations

import time
from typing import TYPE_CHECKING

from awslambdaric.lambda_context import LambdaContext as RuntimeContext

from lambent.testing.events import ClientContext, CognitoIdentity, LambdaContext

if TYPE_CHECKING:
    import pytest


def test_it_has_what_the_runtimes_context_has() -> None:
    theirs = RuntimeContext("id", None, None, 0, "arn", None)
    names = {name for name in dir(theirs) if not name.startswith("_")}
    assert names <= set(dir(LambdaContext()))
    assert {name for name in dir(theirs.identity) if not name.startswith("_")} <= set(dir(CognitoIdentity()))


def test_names_follow_the_functions() -> None:
    context = LambdaContext("orders", memory=512, tenant_id="t")
    assert context.invoked_function_arn == "arn:aws:lambda:us-east-1:000000000000:function:orders"
    assert context.log_group_name == "/aws/lambda/orders"
    assert "[$LATEST]" in context.log_stream_name
    assert (context.memory_limit_in_mb, context.tenant_id) == ("512", "t")
    assert context.aws_request_id != LambdaContext("orders").aws_request_id
    assert context.identity.cognito_identity_id is None
    assert context.client_context is None


def test_the_remaining_time_runs_down() -> None:
    context = LambdaContext(timeout=0.05)
    before = context.get_remaining_time_in_millis()
    assert 0 < before <= 50
    end = time.monotonic() + 5
    while context.get_remaining_time_in_millis() > 0 and time.monotonic() < end:
        pass
    assert context.get_remaining_time_in_millis() == 0


def test_what_the_caller_said(capsys: pytest.CaptureFixture[str]) -> None:
    context = LambdaContext(
        client_context=ClientContext(custom={"a": "1"}), w3c={"traceparent": "00-1-2-01"}, aws_request_id="r"
    )
    assert context.client_context
    assert context.client_context.custom == {"a": "1"}
    assert context.client_context.client is None
    assert context.w3c() == {"traceparent": "00-1-2-01"}
    assert context.aws_request_id == "r"
    context.log("a line\n")
    assert capsys.readouterr().out == "a line\n"
