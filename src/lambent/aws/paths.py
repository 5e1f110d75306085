"""The paths of a REST service's operations: which operation a method and a path mean, and its labels."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Mapping

_LABEL = re.compile(r"\{(\w[\w.-]*)(\+?)\}")
# Clients add it to tell operations apart in logs; it selects nothing.
_IGNORED_LITERALS = frozenset({"x-id"})


class Candidate(NamedTuple):
    """One operation of a path, and what tells it from the others of the same path."""

    operation: str
    pattern: re.Pattern[str]
    labels: tuple[str, ...]
    literals: tuple[tuple[str, str | None], ...]
    """Query parameters that the URI itself demands, with their value where it names one."""
    required_query: tuple[str, ...]
    required_headers: tuple[bytes, ...]
    deprecated: bool
    """S3 keeps operations that newer ones of the same path have replaced."""


class _Node:
    __slots__ = ("candidates", "greedy", "label", "literals")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.label: _Node | None = None
        self.greedy: _Node | None = None
        self.candidates: dict[str, list[Candidate]] = {}


class Match(NamedTuple):
    """The operation of a request and the values of its URI labels, decoded."""

    operation: str
    labels: Mapping[str, str]


class PathRouter:
    """The operations of one service by method and path, from the `operations` and `shapes` of its model."""

    def __init__(self, operations: Mapping[str, Any], shapes: Mapping[str, Any]) -> None:
        self._root = _Node()
        for name, model in operations.items():
            self._add(name, model, shapes)

    def _add(self, name: str, model: Mapping[str, Any], shapes: Mapping[str, Any]) -> None:
        http = model.get("http", {})
        path, _, query = http.get("requestUri", "/").partition("?")
        node = self._root
        for segment in _segments(path):
            if segment.startswith("{") and segment.endswith("+}"):
                node.greedy = node = node.greedy or _Node()
            elif "{" in segment:
                node.label = node = node.label or _Node()
            else:
                node = node.literals.setdefault(segment, _Node())
        literals = tuple(
            (key, value if equals else None)
            for key, equals, value in (pair.partition("=") for pair in query.split("&") if pair)
            if key not in _IGNORED_LITERALS
        )
        shape = shapes.get(model.get("input", {}).get("shape", ""), {})
        required = [(member, shape["members"][member]) for member in shape.get("required", ())]
        node.candidates.setdefault(http.get("method", "POST"), []).append(
            Candidate(
                name,
                _path_pattern(path),
                tuple(found[0] for found in _LABEL.findall(path)),
                literals,
                tuple(
                    trait.get("locationName", member)
                    for member, trait in required
                    if _is(trait, "querystring")
                ),
                tuple(
                    trait.get("locationName", member).lower().encode()
                    for member, trait in required
                    if _is(trait, "header")
                ),
                model.get("deprecated", False),
            )
        )

    def match(
        self, method: str, path: str, query: list[tuple[str, str]], headers: list[tuple[bytes, bytes]]
    ) -> Match | None:
        """What `method` and the undecoded `path` mean, told apart by query and headers; None if nothing."""
        candidates = self._find(self._root, _segments(path), 0, method)
        if candidates is None:
            return None
        chosen = candidates[0]
        if len(candidates) > 1 or chosen.literals:
            best = _best(candidates, dict(query), headers)
            if best is None:
                return None
            chosen = best
        return _extract(chosen, path)

    def labels(self, operation: str, path: str) -> Mapping[str, str]:
        """The labels of `path` as `operation` names them; empty where the path is not its own."""
        for candidate in self._all(self._root):
            if candidate.operation == operation:
                found = _extract(candidate, path)
                return found.labels if found is not None else {}
        return {}

    def _all(self, node: _Node) -> list[Candidate]:
        found = [candidate for candidates in node.candidates.values() for candidate in candidates]
        for child in (*node.literals.values(), node.label, node.greedy):
            if child is not None:
                found += self._all(child)
        return found

    def _find(self, node: _Node, segments: list[str], position: int, method: str) -> list[Candidate] | None:
        if position == len(segments):
            return node.candidates.get(method)
        segment = segments[position]
        literal = node.literals.get(segment)
        if literal is not None:
            found = self._find(literal, segments, position + 1, method)
            if found is not None:
                return found
        if node.label is not None and segment:
            found = self._find(node.label, segments, position + 1, method)
            if found is not None:
                return found
        if node.greedy is not None:
            for end in range(len(segments), position, -1):
                found = self._find(node.greedy, segments, end, method)
                if found is not None:
                    return found
        return None


def _is(trait: Mapping[str, Any], location: str) -> bool:
    return trait.get("location") == location


def _segments(path: str) -> list[str]:
    """The segments of a path; one slash at its end means nothing."""
    inner = path.removeprefix("/")
    inner = inner.removesuffix("/")
    return inner.split("/") if inner else []


def _path_pattern(path: str) -> re.Pattern[str]:
    pattern, position = "", 0
    for found in _LABEL.finditer(path.rstrip("/")):
        pattern += re.escape(path[position : found.start()]) + ("(.+)" if found.group(2) else "([^/]+)")
        position = found.end()
    return re.compile(pattern + re.escape(path.rstrip("/")[position:]) + ("/?" if "+}" not in path else ""))


def _extract(candidate: Candidate, path: str) -> Match | None:
    found = candidate.pattern.fullmatch(path if len(path) > 1 else "")
    if found is None:
        return None
    return Match(candidate.operation, dict(zip(candidate.labels, map(unquote, found.groups()), strict=True)))


def _best(
    candidates: list[Candidate], query: Mapping[str, str], headers: list[tuple[bytes, bytes]]
) -> Candidate | None:
    """The candidate whose demands are met best: literals must match, required members should be there."""
    names = {name for name, _ in headers}
    best: Candidate | None = None
    best_rank: tuple[int, int, int, bool] | None = None
    for candidate in candidates:
        if not all(
            key in query and (value is None or query[key] == value) for key, value in candidate.literals
        ):
            continue
        missing = sum(name not in query for name in candidate.required_query)
        missing += sum(name not in names for name in candidate.required_headers)
        wanted = len(candidate.required_query) + len(candidate.required_headers)
        rank = (-missing, len(candidate.literals), wanted, not candidate.deprecated)
        if best_rank is None or rank > best_rank:
            best, best_rank = candidate, rank
    return best
