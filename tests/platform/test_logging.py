"""What a function's LoggingConfig does to its logs."""

from __future__ import annotations

import json
import re
import uuid
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.platform.conftest import Platform

SAY = """
import logging, os

def handler(event, context):
    log = logging.getLogger()
    for level in ("debug", "info", "warning", "error", "critical"):
        getattr(log, level)(level)
    print("printed")
    return [os.environ.get("AWS_LAMBDA_LOG_FORMAT"), os.environ.get("AWS_LAMBDA_LOG_LEVEL"), context.log_stream_name]
"""
LEVELS = ["debug", "info", "warning", "error", "critical"]


def parsed(lines: list[str]) -> list[Any]:
    """Each line as JSON, or as it is."""
    return [json.loads(line) if line.startswith("{") else line for line in lines]


@pytest.mark.parametrize(
    ("level", "shown", "variable"),
    [
        # Python's logging has no TRACE: the most it can show is DEBUG.
        ("TRACE", LEVELS, "TRACE"),
        ("DEBUG", LEVELS, "DEBUG"),
        ("INFO", LEVELS[1:], "INFO"),
        ("WARN", LEVELS[2:], "WARN"),
        ("ERROR", LEVELS[3:], "ERROR"),
        ("FATAL", LEVELS[4:], "FATAL"),
    ],
)
def test_application_log_level(platform: Platform, level: str, shown: list[str], variable: str) -> None:
    name = platform.create(SAY, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": level})
    answer = platform.invoke(name).json
    assert answer[:2] == ["JSON", variable]
    lines = parsed(platform.logs(name))
    assert [line["message"] for line in lines if "message" in line] == shown
    assert "printed\n" in lines  # what is printed has no level


def test_text_has_no_levels_of_lambda(platform: Platform) -> None:
    name = platform.create(SAY)
    assert platform.invoke(name).json[:2] == [None, None]
    lines = platform.logs(name)
    assert [line.split("\t")[-1].strip() for line in lines if line.startswith("[")] == LEVELS[2:]


@pytest.mark.parametrize(
    ("level", "types"),
    [
        (
            "DEBUG",
            [
                "platform.initStart",
                "platform.initRuntimeDone",
                "platform.initReport",
                "platform.start",
                "platform.runtimeDone",
                "platform.report",
            ],
        ),
        ("INFO", ["platform.initStart", "platform.start", "platform.report"]),
        ("WARN", []),
    ],
)
def test_system_log_level(platform: Platform, level: str, types: list[str]) -> None:
    name = platform.create(SAY, MemorySize=256, LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": level})
    answer = platform.invoke(name)
    request_id, stream = answer.headers["x-amzn-RequestId"], answer.json[2]
    events = [line for line in parsed(platform.logs(name)) if "type" in line]
    assert [event["type"] for event in events] == types
    for event in events:
        record = event["record"]
        if event["type"] == "platform.initStart":
            assert (record["functionName"], record["functionVersion"]) == (name, "$LATEST")
            assert (record["instanceId"], record["instanceMaxMemory"]) == (stream, 256 << 20)
        elif "init" in event["type"]:
            assert (record["phase"], record["initializationType"]) == ("init", "on-demand")
        else:
            assert record["requestId"] == request_id


def test_environments_started_ahead_report_their_initialisation(
    platform: Platform, poll: Callable[..., Any]
) -> None:
    name = platform.create(SAY, LoggingConfig={"LogFormat": "JSON"})
    platform.aws.publish_version(FunctionName=name)
    platform.aws.put_provisioned_concurrency_config(
        FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1
    )

    def logged() -> list[Any]:
        return [
            line["record"] for line in parsed(platform.logs(name)) if line["type"] == "platform.initReport"
        ]

    poll(logged)
    (report,) = logged()
    assert (report["initializationType"], report["status"]) == ("provisioned-concurrency", "success")
    platform.aws.delete_function(FunctionName=name)


def test_what_fails_is_always_logged(platform: Platform) -> None:
    name = platform.create(
        "def handler(event, context):\n    raise ValueError('wrong')\n",
        LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN", "ApplicationLogLevel": "FATAL"},
    )
    platform.invoke(name)
    events = parsed(platform.logs(name))
    assert [(event["type"], event["record"]["status"]) for event in events if "type" in event] == [
        ("platform.runtimeDone", "failure"),
        ("platform.report", "failure"),
    ]
    assert [event["errorType"] for event in events if "type" not in event] == ["ValueError"]


def test_another_format_holds_for_new_environments(platform: Platform) -> None:
    name = platform.create(SAY)
    first = platform.invoke(name).json[2]
    platform.aws.update_function_configuration(
        FunctionName=name, LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "ERROR"}
    )
    platform.settle(name)
    log_format, level, second = platform.invoke(name).json
    assert (log_format, level) == ("JSON", "ERROR")
    assert first != second
    platform.aws.update_function_configuration(FunctionName=name, LoggingConfig={"LogFormat": "Text"})
    platform.settle(name)
    assert platform.invoke(name).json[:2] == [None, None]
    starts = [line[:5] for line in platform.logs(name) if "START" in line or "platform.start" in line]
    assert starts == ["INIT_", "START", '{"tim', "INIT_", "START"]


def test_functions_share_a_log_group(platform: Platform) -> None:
    group = f"/shop/{uuid.uuid4().hex}"
    one, two = (platform.create(SAY, LoggingConfig={"LogGroup": group}) for _ in range(2))
    alone = platform.create(SAY)
    platform.aws.publish_version(FunctionName=two)
    streams = [
        platform.invoke(one).json[2],
        platform.invoke(two).json[2],
        platform.invoke(two, qualifier="1").json[2],
    ]
    for stream, owner in zip(
        streams, (rf"{one}\[\$LATEST\]", rf"{two}\[\$LATEST\]", rf"{two}\[1\]"), strict=True
    ):
        assert re.fullmatch(rf"\d{{4}}/\d\d/\d\d/{owner}[0-9a-f]{{32}}", stream)
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", platform.invoke(alone).json[2])
    logs = platform.client("logs")
    found = logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert sorted(stream["logStreamName"] for stream in found) == sorted(streams)
    groups = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{one}")["logGroups"]
    assert groups == []
