"""Where a handler's parameter comes from, when its name and type do not say it.

    def search(term: Annotated[str, Query("q")], agent: Annotated[str, Header("user-agent")] = ""): ...

Limits are msgspec's: `Annotated[int, msgspec.Meta(ge=1, le=100)]`.
"""

from __future__ import annotations


class Marker:
    """Base of the markers. `name` is what the parameter is called in the request, if not as in the signature."""

    __slots__ = ("name",)
    place = ""

    def __init__(self, name: str | None = None) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"{type(self).__name__}({'' if self.name is None else repr(self.name)})"


class Path(Marker):
    """From the path."""

    place = "path"


class Query(Marker):
    """From the query: a list takes all values of a name, anything else the last one."""

    place = "query"


class Header(Marker):
    """From a header; underscores of the signature are hyphens."""

    place = "header"


class Cookie(Marker):
    """From a cookie."""

    place = "cookie"


class Body(Marker):
    """The body, or the message."""

    place = "body"
