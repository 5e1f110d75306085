"""Which method of a REST API a request takes.

Of the resources that match, the most specific that has the request's method or ANY: text before a parameter, that
before a greedy one. One that has neither leaves the request to the next (validated against AWS by
localstack/localstack,
test_apigateway_common.py: test_proxy_routing_with_hardcoded_resource_sibling). A slash at the end and several at the
beginning mean nothing, and `/{proxy+}` does not take `/` (recorded: test_apigateway_lambda.snapshot.json).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from lambent.gateway.http_api.routes import Routes

if TYPE_CHECKING:
    from collections.abc import Iterable

M = TypeVar("M")


class RestRoutes(Generic[M]):
    """All methods of a stage: made once, asked on each request."""

    def __init__(self, methods: Iterable[tuple[str, str, M]]) -> None:
        """`methods` are HTTP method or ANY, path, and whatever `match` is to give for it."""
        listed = list(methods)
        self._root = {verb: method for verb, path, method in listed if path == "/"}
        self._routes = Routes((f"{verb} {path}", method) for verb, path, method in listed if path != "/")

    def match(self, method: str, path: str) -> tuple[M, dict[str, str]] | None:
        """The method of a request and its path parameters; None without any. `path` is as it was sent."""
        path = path.rstrip("/")
        if not path:
            found = self._root.get(method) or self._root.get("ANY")
            return None if found is None else (found, {})
        return self._routes.match(method, path)
