"""API keys: where they come from, and whom they are for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.app.conftest import event_of

from lambent import App, AppError, Request
from lambent.app.middleware.api_key import ApiKey

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.app.conftest import Answer

    Call = Callable[..., Answer]


def app_with(layer: ApiKey) -> App:
    app = App(middleware=[layer])

    @app.get("/")
    def who(request: Request) -> Any:
        return [request.state.get("principal")]

    return app


def get(call: Call, layer: ApiKey, key: str | None = None, query: str | None = None) -> Any:
    """The principal, or the status."""
    answer = call(
        app_with(layer),
        "GET",
        "/",
        headers=[("X-Api-Key", key)] if key is not None else [],
        query=[("key", query)] if query is not None else [],
    )
    if answer.status == 200:
        return answer.json[0]
    assert answer.header("www-authenticate") == "ApiKey"
    return answer.status


def test_keys(call: Call) -> None:
    assert get(call, ApiKey("k1"), "k1") is True
    assert get(call, ApiKey(["k1", "k2"]), "k2") is True
    assert get(call, ApiKey({"k1": "ann", "kä": "bob"}), "kä") == "bob"
    for wrong in (None, "", "k", "k11", "K1"):
        assert get(call, ApiKey("k1"), wrong) == 401
    assert get(call, ApiKey("k1", optional=True)) is None
    assert get(call, ApiKey("k1", optional=True), "wrong") == 401


def test_in_the_query(call: Call) -> None:
    assert get(call, ApiKey("k1", header=None, query="key"), query="k1") is True
    assert get(call, ApiKey("k1", header=None, query="key"), key="k1") == 401
    assert get(call, ApiKey("k1", query="key"), query="k1") is True
    assert get(call, ApiKey("k1"), query="k1") == 401
    # The header decides when both are there.
    assert get(call, ApiKey("k1", query="key"), key="wrong", query="k1") == 401


def test_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    layer = ApiKey(env="KEYS")
    app = app_with(layer)

    def status(key: str) -> Any:
        answer = app(event_of("v2", "GET", "/", headers=[("x-api-key", key)]))
        return answer["body"] if answer["statusCode"] == 200 else answer["statusCode"]

    with pytest.raises(AppError, match="the environment variable KEYS has no keys"):
        layer.before(_request(app))
    monkeypatch.setenv("KEYS", " ann=k1 , k2,a2V5PQ==,")
    assert [status(key) for key in ("k1", "k2", "a2V5PQ==", "", "ann=k1")] == [
        '["ann"]',
        "[true]",
        "[true]",
        401,
        401,
    ]


def _request(app: App) -> Request:
    request = Request(event_of("v2", "GET", "/", headers=[("x-api-key", "k")]), None)
    request.kind = "http.v2"
    return request


def test_looked_up(call: Call) -> None:
    known = {"k1": {"name": "ann"}}
    layer = ApiKey("own", lookup=known.get)
    assert get(call, layer, "k1") == {"name": "ann"}
    assert get(call, layer, "own") is True
    assert get(call, layer, "k2") == 401


def test_what_cannot_be() -> None:
    async def lookup(key: str) -> None: ...

    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "there are no keys"),
        ({"keys": [""]}, "an empty key is none"),
        ({"keys": "k", "header": None}, "in a header or in the query"),
        ({"lookup": lookup}, "lookup cannot be asynchronous"),
    ]
    for options, message in cases:
        with pytest.raises(AppError, match=message):
            ApiKey(**options)


def test_keys_are_not_kept() -> None:
    assert "hush" not in repr(vars(ApiKey({"hush": "ann"})))
