from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import run_lambent

SHOP = Path(__file__).parents[2] / "examples" / "shop"


def test_the_manifest_for_people_and_for_scripts(tmp_path: Path) -> None:
    shown = run_lambent(SHOP, "manifest")
    assert shown.code == 0, shown.err
    for told in ("shop: 7 units", "POST /orders", "authorizer", "table orders", "price/index.handler"):
        assert told in shown.out
    printed = run_lambent(tmp_path, "manifest", "--app", str(SHOP), "--stage", "prod", "--json")
    manifest = json.loads(printed.out)
    assert manifest["version"] == 1
    assert {unit["log_retention_days"] for unit in manifest["units"]} == {90}


def test_an_app_that_raises(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("from lambent import App\napp = App()\nprint('so far')\n1 / 0\n")
    ended = run_lambent(tmp_path, "manifest")
    assert ended.code != 0
    assert ended.out == ""
    assert "so far\n" in ended.err
    assert "Traceback" not in ended.err
    assert ended.err.splitlines()[-1].endswith(
        "pp.py:4: ZeroDivisionError when it is imported: division by zero"
    )
