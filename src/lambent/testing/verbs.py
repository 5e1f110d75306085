"""The methods of HTTP, for whoever can make a request."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.testing.answers import Answer


class Verbs:
    """`client.get("/orders")`: a method of Python for each of HTTP, on top of `request`."""

    if TYPE_CHECKING:
        request: Callable[..., Answer]

    def get(self, path: str, **options: Any) -> Answer:
        """GET. Options are those of `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        """POST."""
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        """PUT."""
        return self.request("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Answer:
        """PATCH."""
        return self.request("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        """DELETE."""
        return self.request("DELETE", path, **options)

    def head(self, path: str, **options: Any) -> Answer:
        """HEAD."""
        return self.request("HEAD", path, **options)

    def options(self, path: str, **options: Any) -> Answer:
        """OPTIONS."""
        return self.request("OPTIONS", path, **options)
