"""Which route of an HTTP API a request takes.

"Routing API requests" of the developer guide ("Create routes for HTTP APIs"): what matches most specifically wins,
segment by segment: text before a parameter, that before a greedy one, `$default` last; a route's own method before
ANY. A path whose route has other methods goes on looking: `GET /pets` beside `ANY /{proxy+}` leaves `POST /pets` to
the second. A slash at the end is a segment of its own: `GET /pets` does not take `/pets/`, but `/pets/{proxy+}` does,
and `/{proxy+}` takes `/`, with nothing in the parameter (captured: tests/gateway/samples).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeAlias, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

R = TypeVar("R")
_Leaf: TypeAlias = "dict[str, tuple[R, tuple[str, ...]]]"

_ANY = "ANY"
_DEFAULT = "$default"


class _Node(Generic[R]):
    """A place in a path: `fixed` by the next segment's text, `open` for a parameter; routes that end here by method,
    and those that take all that is left.
    """

    __slots__ = ("ends", "fixed", "greedy", "open")

    def __init__(self) -> None:
        self.fixed: dict[str, _Node[R]] = {}
        self.open: _Node[R] | None = None
        self.ends: _Leaf[R] = {}
        self.greedy: _Leaf[R] = {}


class Routes(Generic[R]):
    """All routes of a stage: made once, asked on each request. The time it takes depends on the path's length only."""

    def __init__(self, routes: Iterable[tuple[str, R]]) -> None:
        """`routes` are pairs of a route key and whatever `match` is to give for it."""
        self._root: _Node[R] = _Node()
        self._plain: dict[tuple[str, str], R] = {}
        self._default: R | None = None
        for key, route in routes:
            if key == _DEFAULT:
                self._default = route
            else:
                method, _, path = key.partition(" ")
                self._add(method, path, route)

    def _add(self, method: str, path: str, route: R) -> None:
        node, names = self._root, []
        for segment in path.split("/")[1:]:
            if segment.startswith("{"):
                if segment.endswith("+}"):
                    names.append(segment[1:-2])
                    node.greedy[method] = (route, tuple(names))
                    return
                names.append(segment[1:-1])
                if node.open is None:
                    node.open = _Node()
                node = node.open
            else:
                node = node.fixed.setdefault(segment, _Node())
        node.ends[method] = (route, tuple(names))
        if not names:
            self._plain[method, path] = route

    def match(self, method: str, path: str) -> tuple[R, dict[str, str]] | None:
        """The route of a request and its path parameters; None without any. `path` is decoded, without the stage."""
        plain = self._plain.get((method, path))
        if plain is not None:
            return plain, {}
        found = self._find(self._root, method, path.split("/"), 1, [])
        if found is not None:
            return found
        return None if self._default is None else (self._default, {})

    def _find(
        self, node: _Node[R], method: str, segments: list[str], place: int, values: list[str]
    ) -> tuple[R, dict[str, str]] | None:
        # A node is visited once at most, and as deep as routes are long: no path makes this slow.
        if place == len(segments):
            return _chosen(node.ends, method, values)
        segment = segments[place]
        below = node.fixed.get(segment)
        if below is not None:
            found = self._find(below, method, segments, place + 1, values)
            if found is not None:
                return found
        if node.open is not None and segment:
            found = self._find(node.open, method, segments, place + 1, [*values, segment])
            if found is not None:
                return found
        if node.greedy:
            return _chosen(node.greedy, method, [*values, "/".join(segments[place:])])
        return None


def _chosen(leaf: _Leaf[R], method: str, values: list[str]) -> tuple[R, dict[str, str]] | None:
    chosen = leaf.get(method) or leaf.get(_ANY)
    if chosen is None:
        return None
    route, names = chosen
    return route, dict(zip(names, values, strict=True))
