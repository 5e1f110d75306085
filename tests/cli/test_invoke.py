from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import botocore.session
import pytest

if TYPE_CHECKING:
    from pathlib import Path

CODE = """
import sys

def echo(event, context):
    print("heard", event)
    client = context.client_context
    return {"event": event, "custom": client.custom if client else None, "version": context.function_version}

def fail(event, context):
    raise ValueError("no good")

def leave(event, context):
    sys.exit(3)

def stream(event, context):
    for piece in event:
        yield piece
    if not event:
        raise ValueError("nothing")
"""


@pytest.fixture(scope="module", autouse=True)
def _functions(platform: Any) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("app.py", CODE)
    client = botocore.session.Session().create_client(
        "lambda",
        endpoint_url=platform.url,
        region_name="us-east-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    for name in ("echo", "fail", "leave", "stream"):
        client.create_function(
            FunctionName=name,
            Runtime="python3.12",
            Handler=f"app.{name}",
            Role="arn:aws:iam::000000000000:role/r",
            Code={"ZipFile": packed.getvalue()},
            Publish=True,
        )
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05})
    client.close()


@pytest.mark.parametrize("source", ["inline", "file", "stdin"])
def test_the_event_comes_from_anywhere(platform: Any, tmp_path: Path, source: str) -> None:
    event = '{"a": [1, "ü"]}'
    path = tmp_path / "event.json"
    path.write_text(event)
    data = {"inline": event, "file": f"@{path}", "stdin": "-"}[source]
    ended = platform.lambent("invoke", "echo", "--data", data, stdin=event)
    assert ended.code == 0
    assert json.loads(ended.out)["event"] == {"a": [1, "ü"]}
    assert ended.err == ""


def test_without_data_the_event_is_an_empty_object(platform: Any) -> None:
    assert json.loads(platform.lambent("invoke", "echo").out)["event"] == {}


def test_qualifier_and_client_context(platform: Any) -> None:
    ended = platform.lambent(
        "invoke", "echo", "--qualifier", "1", "--client-context", '{"custom": {"k": "v"}}'
    )
    answer = json.loads(ended.out)
    assert (answer["version"], answer["custom"]) == ("1", {"k": "v"})


def test_tail_goes_to_stderr(platform: Any) -> None:
    ended = platform.lambent("invoke", "echo", "--tail")
    assert json.loads(ended.out)["event"] == {}
    lines = ended.err.splitlines()
    assert lines[-2].startswith("END RequestId: ")
    assert lines[-1].startswith("REPORT RequestId: ")
    assert "heard {}" in lines


def test_json_holds_everything(platform: Any) -> None:
    ended = platform.lambent("invoke", "echo", "-d", "[1]", "--tail", "--json")
    answer = json.loads(ended.out)
    assert (answer["StatusCode"], answer["ExecutedVersion"]) == (200, "$LATEST")
    assert answer["Payload"]["event"] == [1]
    assert "heard [1]" in answer["LogResult"]
    assert answer["RequestId"] in answer["LogResult"]


@pytest.mark.parametrize(("name", "kind"), [("fail", "ValueError"), ("leave", "Runtime.ExitError")])
def test_a_function_that_fails_is_exit_code_1(platform: Any, name: str, kind: str) -> None:
    ended = platform.lambent("invoke", name)
    assert ended.code == 1
    assert json.loads(ended.out)["errorType"] == kind
    assert ended.err == "The function failed (Unhandled).\n"
    as_json = platform.lambent("invoke", name, "--json")
    assert as_json.code == 1
    assert json.loads(as_json.out)["FunctionError"] == "Unhandled"


def test_an_event_is_queued_and_run(platform: Any, wait: Any) -> None:
    ended = platform.lambent("invoke", "echo", "--event", "-d", '{"queued": 1}')
    assert ended.code == 0
    assert ended.out == ""
    assert ended.err.startswith("Queued as ")
    wait(lambda: "heard {'queued': 1}" in platform.lambent("logs", "echo").out)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nobody"], "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"),
        (["echo", "--qualifier", "9"], "Function not found"),
        (["echo", "-d", "{"], "--data is not JSON: "),
        (["echo", "-d", "@missing.json"], "missing.json: No such file or directory"),
        (["echo", "-d", "-"], "standard input is not JSON: "),
        (["echo", "--client-context", "x"], "--client-context is not JSON: "),
        (["echo", "--event", "--tail"], "--tail needs a result to wait for"),
    ],
)
def test_what_cannot_be_invoked_is_exit_code_2(platform: Any, arguments: list[str], message: str) -> None:
    ended = platform.lambent("invoke", *arguments)
    assert ended.code == 2
    assert message in ended.err
    assert ended.out == ""
    assert "Traceback" not in ended.err


def test_streamed_answers_are_printed_as_they_come(platform: Any) -> None:
    plain = platform.lambent("invoke", "stream", "--stream", "-d", '["a", "b"]')
    assert (plain.code, plain.out, plain.err) == (0, "ab", "")
    web = platform.lambent("invoke", "stream", "--stream", "-d", '[{"statusCode": 201}, "<p>"]')
    assert (web.code, web.out, web.err) == (0, "<p>", '{"statusCode": 201}\n')
    brace = platform.lambent("invoke", "stream", "--stream", "-d", '["{not a head}"]')
    assert brace.out == "{not a head}"


def test_a_streamed_error_is_shown(platform: Any) -> None:
    failed = platform.lambent("invoke", "stream", "--stream", "--tail", "-d", "[]")
    assert failed.code == 1
    assert json.loads(failed.out)["errorMessage"] == "nothing"
    assert "REPORT RequestId" in failed.err
    assert "The function failed (ValueError)." in failed.err


def test_a_streamed_answer_as_json(platform: Any) -> None:
    answer = json.loads(platform.lambent("invoke", "stream", "--stream", "--json", "-d", '["a", "b"]').out)
    assert (answer["StatusCode"], answer["ExecutedVersion"], answer["Payload"]) == (200, "$LATEST", "ab")


def test_streaming_and_queueing_exclude_each_other(platform: Any) -> None:
    refused = platform.lambent("invoke", "stream", "--stream", "--event")
    assert refused.code == 2
    assert "leave out --event" in refused.err
