"""What the framework costs before it does anything."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import lambent

FORBIDDEN = {
    "asyncio",
    "attr",
    "boto3",
    "botocore",
    "cryptography",
    "dataclasses",
    "email",
    "http.client",
    "logging",
    "opentelemetry",
    "pydantic",
    "ssl",
    "threading",
    "unittest",
    "urllib.request",
    "lambent.aws",
    "lambent.cli",
    "lambent.runtime",
}
"""Modules that are imported when they are used, and not before. `inspect` is missing: msgspec imports it where
typing_extensions is installed, as it is here."""

TYPICAL = """
import sys
sys.modules["typing_extensions"] = None  # a function has none
from lambent import App, NotFound, Request, Router
app = App("shop")
orders = Router("/orders")
@orders.get("/{order_id}")
def get_order(order_id: int, request: Request, page: int = 1) -> dict:
    return {"id": order_id}
app.include(orders)
event = {"rawPath": "/orders/1", "requestContext": {"http": {"method": "GET"}, "stage": "$default"}, "headers": {}}
assert app(event, None)["statusCode"] == 200, app(event, None)
print("\\n".join(sys.modules))
"""


def imported(program: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return set(done.stdout.split())


def test_a_typical_app_imports_only_what_it_uses() -> None:
    modules = imported(TYPICAL)
    assert modules & (FORBIDDEN | {"inspect"}) == set()
    assert {name for name in modules if name.startswith("lambent.app.sources.")} == set()


def test_lambent_itself_imports_nothing() -> None:
    modules = imported("import lambent, sys; print('\\n'.join(sys.modules))")
    assert {name for name in modules if name.startswith(("lambent.", "msgspec"))} == set()


@pytest.mark.parametrize("name", [name for name in lambent.__all__ if not name.startswith("_")])
def test_each_public_name_is_there(name: str) -> None:
    value: Any = getattr(lambent, name)
    assert (
        name in ("Call", "Middleware") or value.__name__ == name
    )  # those two are aliases, which have no names


def test_there_are_no_other_names() -> None:
    assert lambent.__all__ == ["__version__", *sorted(set(lambent.__all__) - {"__version__"})]
    assert set(lambent.__all__) <= set(dir(lambent))
    with pytest.raises(AttributeError, match="module 'lambent' has no attribute 'nothing'"):
        _ = lambent.nothing
