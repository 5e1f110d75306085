"""Which route a request takes: AWS's precedence, whatever the number of routes."""

from __future__ import annotations

import time

import pytest

from lambent.gateway.http_api.routes import Routes

GUIDE = ("GET /pets/dog/1", "GET /pets/dog/{id}", "GET /pets/{proxy+}", "ANY /{proxy+}", "$default")


def matched(method: str, path: str, *keys: str) -> tuple[str, dict[str, str]] | None:
    return Routes((key, key) for key in keys).match(method, path)


@pytest.mark.parametrize(
    ("method", "path", "key", "parameters"),
    [
        # "Routing API requests" of the developer guide.
        ("GET", "/pets/dog/1", "GET /pets/dog/1", {}),
        ("GET", "/pets/dog/2", "GET /pets/dog/{id}", {"id": "2"}),
        ("GET", "/pets/cat/1", "GET /pets/{proxy+}", {"proxy": "cat/1"}),
        ("POST", "/test/5", "ANY /{proxy+}", {"proxy": "test/5"}),
        # What has other methods only goes on looking.
        ("POST", "/pets/dog/1", "ANY /{proxy+}", {"proxy": "pets/dog/1"}),
        ("GET", "/", "ANY /{proxy+}", {"proxy": ""}),
        ("GET", "/pets/", "GET /pets/{proxy+}", {"proxy": ""}),
        ("GET", "/pets/dog/", "GET /pets/{proxy+}", {"proxy": "dog/"}),
    ],
)
def test_precedence(method: str, path: str, key: str, parameters: dict[str, str]) -> None:
    assert matched(method, path, *GUIDE) == (key, parameters)


@pytest.mark.parametrize(
    ("method", "path", "keys", "key"),
    [
        ("GET", "/pets", ("ANY /pets", "GET /pets"), "GET /pets"),
        ("PUT", "/pets", ("ANY /pets", "GET /pets"), "ANY /pets"),
        ("GET", "/pets", ("ANY /pets", "GET /{id}"), "ANY /pets"),
        ("GET", "/a/b/c", ("GET /a/{x}/c", "GET /a/b/{y}"), "GET /a/b/{y}"),
        ("GET", "/a/b/c", ("GET /a/{x}/c", "GET /a/b/d"), "GET /a/{x}/c"),
        ("GET", "/a/b/c", ("GET /a/{x+}", "GET /{y}/b/c"), "GET /a/{x+}"),
        ("POST", "/a/b", ("GET /a/{x}", "POST /a/{y}"), "POST /a/{y}"),
        ("GET", "/", ("GET /",), "GET /"),
        ("GET", "/pets/", ("GET /pets",), None),
        ("GET", "/pets/", ("GET /pets/{id}",), None),
        ("GET", "/pets", ("GET /pets/{proxy+}",), None),
        ("GET", "/", ("GET /{proxy+}",), "GET /{proxy+}"),
        ("GET", "/", ("GET /{proxy+}", "ANY /"), "ANY /"),
        ("GET", "/", ("POST /{proxy+}", "$default"), "$default"),
        ("GET", "/PETS", ("GET /pets",), None),
        ("GET", "//pets", ("GET /pets",), None),
        ("GET", "/{id}", ("GET /{id}",), "GET /{id}"),
    ],
)
def test_which_route(method: str, path: str, keys: tuple[str, ...], key: str | None) -> None:
    found = matched(method, path, *keys)
    assert (None if found is None else found[0]) == key


def test_parameters_have_their_own_routes_names() -> None:
    keys = ("GET /a/{x}/b", "GET /a/{y}/c", "PUT /a/{z}/c")
    assert matched("GET", "/a/1/b", *keys) == ("GET /a/{x}/b", {"x": "1"})
    assert matched("GET", "/a/1/c", *keys) == ("GET /a/{y}/c", {"y": "1"})
    assert matched("PUT", "/a/1/c", *keys) == ("PUT /a/{z}/c", {"z": "1"})


def test_many_routes_take_no_longer() -> None:
    def seconds(count: int) -> float:
        routes = Routes((f"GET /r{n}/{{id}}/x", n) for n in range(count))
        best = 1.0
        for _ in range(5):
            begun = time.perf_counter()
            for _ in range(500):
                assert routes.match("GET", f"/r{count - 1}/7/x") == (count - 1, {"id": "7"})
            best = min(best, time.perf_counter() - begun)
        return best

    assert seconds(10_000) < 5 * seconds(10)


def test_no_path_is_slow() -> None:
    segments = [f"{{x{place}}}" if place % 2 else "a" for place in range(60)]
    keys = [f"GET /{'/'.join(segments[:depth])}/end" for depth in range(1, 60)]
    routes = Routes((key, key) for key in keys)
    begun = time.perf_counter()
    assert routes.match("GET", "/a" * 5000) is None
    assert time.perf_counter() - begun < 0.5
