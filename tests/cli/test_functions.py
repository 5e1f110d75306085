from __future__ import annotations

import json
from typing import Any


def test_a_table_for_people_and_json_for_pipes(platform: Any) -> None:
    ended = platform.lambent("functions")
    assert ended.code == 0
    header, *rows = [line.split() for line in ended.out.splitlines() if line.strip()]
    assert header == ["NAME", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "STATE", "MODIFIED"]
    (row,) = [row for row in rows if row[0] == "hello"]
    assert row[2:8] == ["app.handler", "128", "MB", "3", "s", "Active"]
    (function,) = json.loads(platform.lambent("functions", "--json").out)
    assert function["FunctionName"] == "hello"


def test_one_function(platform: Any) -> None:
    shown = platform.lambent("functions", "hello").out
    for fact in (
        "Name          hello\n",
        "State         Active\n",
        "Environment   GREETING\n",
        "/aws/lambda/hello\n",
    ):
        assert fact in shown
    answer = json.loads(platform.lambent("functions", "hello", "--json").out)
    assert answer["Configuration"]["Handler"] == "app.handler"
    missing = platform.lambent("functions", "nobody")
    assert missing.code == 2
    assert "`lambent functions` lists those that are there." in missing.err


def test_usage(platform: Any) -> None:
    assert platform.lambent("invoke", "hello").code == 0
    table = platform.lambent("functions", "--usage").out
    assert "COST AT AWS" in table
    (row,) = [line.split() for line in table.splitlines() if line.split()[:1] == ["hello"]]
    assert int(row[1]) >= 1
    assert row[-1].startswith("$0.0000")
    report = json.loads(platform.lambent("functions", "hello", "--usage", "--json").out)
    (usage,) = report["functions"]
    assert usage["requests"] == int(row[1])
    assert usage["errors"] == 0
    assert platform.lambent("functions", "nobody", "--usage").out == "Nothing has been invoked yet.\n"


def test_an_empty_platform_says_how_to_begin(start: Any) -> None:
    running = start()
    assert "lambent up --load DIR" in running.lambent("functions").out
    assert running.lambent("functions", "--json").out == "[]\n"
