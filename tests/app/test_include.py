"""Routers that are included by their names."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lambent import App, AppError, Router

if TYPE_CHECKING:
    from pathlib import Path

ORDERS = """
from lambent import Router
router = Router("/orders")
@router.get("/{order_id}")
def find(order_id: int) -> int:
    return order_id
"""
APP = """
import sys
from lambent import App
app = App("shop")
app.include("shop_orders:router", prefix="/v1")
app.include("shop_users:router")
event = {"rawPath": "/v1/orders/7", "requestContext": {"http": {"method": "GET"}, "stage": "$default"}, "headers": {}}
print(app(event, None)["statusCode"], "shop_orders" in sys.modules, "shop_users" in sys.modules)
"""


@pytest.mark.parametrize(
    ("routers", "printed"),
    [
        (None, "200 True True"),
        ("shop_orders:router,other:router", "200 True False"),
        ("shop_users:router", "404 False True"),
        ("-", "404 False False"),
    ],
)
def test_a_function_imports_its_own_routers_only(tmp_path: Path, routers: str | None, printed: str) -> None:
    (tmp_path / "shop_orders.py").write_text(ORDERS)
    (tmp_path / "shop_users.py").write_text(ORDERS.replace("orders", "users"))
    (tmp_path / "app.py").write_text(APP)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    environment.pop("LAMBENT_UNIT_ROUTERS", None)
    if routers is not None:
        environment["LAMBENT_UNIT_ROUTERS"] = routers
    done = subprocess.run(
        [sys.executable, "app.py"], cwd=tmp_path, env=environment, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == printed


@pytest.mark.parametrize("registrar", [App, Router])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("no_such_module:router", "there is no module no_such_module"),
        ("lambent.nothing.more:router", "there is no module lambent.nothing"),
        ("json:router", "json has no router"),
        ("json:dumps", "is no router"),
        ("json.dumps", "is no router"),
        ("json:", "is no router"),
    ],
)
def test_names_of_nothing(registrar: type[App | Router], name: str, told: str) -> None:
    with pytest.raises(AppError, match=rf"include: .*{told}"):
        registrar().include(name)


def test_what_a_router_fails_with_is_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "orders_that_need_more.py").write_text("import no_such_package")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_package"):
        App().include("orders_that_need_more:router")


def test_an_app_knows_what_came_with_which_router() -> None:
    app, router = App(), Router("/orders")
    app.get("/")(lambda: 1)
    router.get("")(lambda: 2)
    app.include(router, prefix="/v1")
    assert [(kind, options["path"], of) for kind, _, options, of in app.registrations] == [
        ("http", "/", None),
        ("http", "/v1/orders", router),
    ]
