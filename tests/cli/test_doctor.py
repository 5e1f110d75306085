from __future__ import annotations

import json
import sys
from typing import Any


def test_a_healthy_machine(platform: Any) -> None:
    ended = platform.lambent("doctor")
    assert ended.code == 0
    assert "isolation guard" in ended.out
    report = json.loads(platform.lambent("doctor", "--json").out)
    findings = {finding["what"]: finding for finding in report["findings"]}
    assert report["healthy"]
    assert findings[f"python3.{sys.version_info[1]}"]["verdict"] == "ok"
    assert all(f"python3.{minor}" in findings for minor in range(9, 15))
    assert findings["platform"]["verdict"] == "ok"
    assert platform.url in findings["platform"]["detail"]
    for finding in findings.values():
        if finding["verdict"] == "missing":
            assert "uv python install" in finding["detail"]


def test_a_platform_asked_for_by_name_must_answer(lambent: Any) -> None:
    ended = lambent("doctor", "--json", "--endpoint-url", "http://127.0.0.1:9")
    assert ended.code == 1
    (finding,) = [finding for finding in json.loads(ended.out)["findings"] if finding["what"] == "platform"]
    assert finding["verdict"] == "broken"
