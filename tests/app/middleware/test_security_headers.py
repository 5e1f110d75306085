"""Headers that make browsers careful."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent import App, Response
from lambent.app.middleware.security_headers import SecurityHeaders

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.conftest import Answer

    Call = Callable[..., Answer]

DEFAULT = {
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "x-content-type-options": "nosniff",
    "x-frame-options": "deny",
    "referrer-policy": "no-referrer",
    "x-permitted-cross-domain-policies": "none",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def app_with(layer: SecurityHeaders) -> App:
    app = App(middleware=[layer])
    app.get("/")(lambda: {"ok": True})
    app.get("/own")(lambda: Response("x", headers={"X-Frame-Options": "sameorigin"}))
    return app


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("GET", "/nowhere"), ("PUT", "/"), ("HEAD", "/")])
def test_all_answers_have_them(call: Call, method: str, path: str) -> None:
    answer = call(app_with(SecurityHeaders()), method, path)
    assert {name: answer.header(name) for name in DEFAULT} == DEFAULT
    assert "camera=()" in answer.header("permissions-policy")
    assert not {"content-security-policy", "cross-origin-embedder-policy", "cache-control"} & set(
        answer.headers
    )


def test_what_a_handler_sets_stays(call: Call) -> None:
    answer = call(app_with(SecurityHeaders()), "GET", "/own")
    assert answer.headers["x-frame-options"] == ["sameorigin"]


def test_options(call: Call) -> None:
    layer = SecurityHeaders(hsts=None, csp="default-src 'none'", cache_control="no-store")
    answer = call(app_with(layer), "GET", "/")
    assert "strict-transport-security" not in answer.headers
    assert answer.header("content-security-policy") == "default-src 'none'"
    assert answer.header("cache-control") == "no-store"
