"""The texts of the platform's own log lines, as AWS writes them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambent.observe import records, render

ID = "8f507cfc-xmpl-4697-b07a-ac58fc914c95"
INSTANCE = ("f", "$LATEST", "2026/11/21/[$LATEST]8f507cfc", 256, "on-demand")
REPORT = (
    f"REPORT RequestId: {ID}\tDuration: 3.01 ms\tBilled Duration: 4 ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 36 MB\t"
)


@pytest.mark.parametrize(
    ("record", "texts"),
    [
        ((0, 1, "{}\n"), ["{}\n"]),
        ((0, 1, records.START, ID, "$LATEST"), [f"START RequestId: {ID} Version: $LATEST\n"]),
        (
            (0, 1, records.END, ID, 3010, 4, 128, 36, None, None, None),
            [f"END RequestId: {ID}\n", f"{REPORT}\n"],
        ),
        (
            (0, 1, records.END, ID, 3010, 4, 128, 36, 110_100, None, None),
            [f"END RequestId: {ID}\n", f"{REPORT}Init Duration: 110.10 ms\t\n"],
        ),
        (
            (0, 1, records.END, ID, 3010, 4, 128, 36, None, "timeout", None),
            [f"END RequestId: {ID}\n", f"{REPORT}Status: timeout\n"],
        ),
        (
            (0, 1, records.END, ID, 3010, 4, 128, 36, 495_040, "error", "Runtime.ExitError"),
            [
                f"END RequestId: {ID}\n",
                f"{REPORT}Init Duration: 495.04 ms\tStatus: error\tError Type: Runtime.ExitError\n",
            ],
        ),
        (
            (0, 1, records.INIT_START, "python:3.10.v11", "arn:aws:lambda:eu::runtime:x", *INSTANCE),
            [
                "INIT_START Runtime Version: python:3.10.v11\tRuntime Version ARN: arn:aws:lambda:eu::runtime:x\n"
            ],
        ),
        (
            (0, 1, records.INIT_REPORT, 9_999_910, "init", "timeout", None, "on-demand"),
            ["INIT_REPORT Init Duration: 9999.91 ms\tPhase: init\tStatus: timeout\n"],
        ),
        (
            (0, 1, records.INIT_REPORT, 488_220, "invoke", "error", "Runtime.ExitError", "on-demand"),
            [
                "INIT_REPORT Init Duration: 488.22 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError\n"
            ],
        ),
    ],
)
def test_text_format(record: tuple[Any, ...], texts: list[str]) -> None:
    assert list(records.messages(record)) == texts
    assert render(record) == "".join(texts)


def test_json_format_has_start_and_report_but_no_end() -> None:
    start = (0, 1_700_000_000_123, records.START + records.JSON, ID, "7")
    end = (0, 1_700_000_000_456, records.END + records.JSON, ID, 3010, 4, 128, 36, 110_100, "error", "X")
    assert json.loads(render(start)) == {
        "time": "2023-11-14T22:13:20.123Z",
        "type": "platform.start",
        "record": {"requestId": ID, "version": "7"},
    }
    assert json.loads(render(end)) == {
        "time": "2023-11-14T22:13:20.456Z",
        "type": "platform.report",
        "record": {
            "requestId": ID,
            "metrics": {
                "durationMs": 3.01,
                "billedDurationMs": 4,
                "memorySizeMB": 128,
                "maxMemoryUsedMB": 36,
                "initDurationMs": 110.1,
            },
            "status": "error",
            "errorType": "X",
        },
    }


def test_json_format_of_init_lines() -> None:
    start = (0, 0, records.INIT_START + records.JSON, "python:3.12.v38", "arn:x", *INSTANCE)
    assert json.loads(render(start)) == {
        "time": "1970-01-01T00:00:00.000Z",
        "type": "platform.initStart",
        "record": {
            "initializationType": "on-demand",
            "phase": "init",
            "runtimeVersion": "python:3.12.v38",
            "runtimeVersionArn": "arn:x",
            "functionName": "f",
            "functionVersion": "$LATEST",
            "instanceId": "2026/11/21/[$LATEST]8f507cfc",
            "instanceMaxMemory": 256 * 1024 * 1024,
        },
    }
    report = (0, 0, records.INIT_REPORT + records.JSON, 1500, "init", None, None, "provisioned-concurrency")
    assert json.loads(render(report))["record"] == {
        "initializationType": "provisioned-concurrency",
        "phase": "init",
        "status": "success",
        "metrics": {"durationMs": 1.5},
    }


def test_details_are_events_of_their_own() -> None:
    detailed = records.JSON + records.DETAIL
    end = (0, 0, records.END + detailed, ID, 3010, 4, 128, 36, None, "error", "X")
    init = (0, 0, records.INIT_REPORT + detailed, 1500, "invoke", "error", "X", "on-demand")
    done, report = (json.loads(text) for text in records.messages(end))
    assert (done["type"], report["type"]) == ("platform.runtimeDone", "platform.report")
    assert done["record"] == {
        "requestId": ID,
        "metrics": {"durationMs": 3.01},
        "status": "error",
        "errorType": "X",
    }
    done, report = (json.loads(text) for text in records.messages(init))
    assert (done["type"], report["type"]) == ("platform.initRuntimeDone", "platform.initReport")
    assert done["record"] == {
        "initializationType": "on-demand",
        "phase": "invoke",
        "status": "error",
        "errorType": "X",
    }
