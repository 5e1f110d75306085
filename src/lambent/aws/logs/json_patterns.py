"""Filter patterns for JSON events: `{ ($.level = "ERROR" && $.latency > 100) || $.user NOT EXISTS }`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from lambent.aws.logs.conditions import VALUE, PatternError, condition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Test = Callable[[Any], bool]  # over the decoded event

_TOKEN: Final = re.compile(
    rf"""\s*(?:
        (?P<selector>\$(?:\.[\w@:/-]+|\.?\['[^']+'\]|\.?\["[^"]+"\]|\[\d+\]|\[\*\])+)
      | (?P<operator>!=|<=|>=|=|<|>)
      | (?P<join>&&|\|\|)
      | (?P<paren>[()])
      | (?P<value>{VALUE})
    )""",
    re.VERBOSE,
)
_STEP: Final = re.compile(r"""\.?\[['"]([^'"]+)['"]\]|\.([\w@:/-]+)|\[(\d+|\*)\]""")
_MISSING: Final = object()


def compile_json(text: str) -> Callable[[str], bool]:
    """Raises PatternError. An event that is no JSON object does not match."""
    if not text.endswith("}"):
        raise PatternError(text)
    parser = _Parser(text[1:-1])
    test = parser.alternatives()
    parser.finish()

    def matches(message: str) -> bool:
        start = message.lstrip()[:1]
        if start not in {"{", "["}:
            return False
        try:
            event = msgspec.json.decode(message)
        except msgspec.DecodeError:
            return False
        return test(event)

    return matches


class _Parser:
    """Recursive descent; `||` binds less than `&&`."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        place, end = 0, len(text.rstrip())
        while place < end:
            found = _TOKEN.match(text, place)
            if found is None:
                raise PatternError(text)
            assert found.lastgroup is not None
            self._tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()
        self._next = 0

    def finish(self) -> None:
        if self._next < len(self._tokens):
            raise PatternError(self._text)

    def alternatives(self) -> Test:
        tests = [self._conjunction()]
        while self._accept("join", "||"):
            tests.append(self._conjunction())
        return tests[0] if len(tests) == 1 else lambda event: any(test(event) for test in tests)

    def _conjunction(self) -> Test:
        tests = [self._primary()]
        while self._accept("join", "&&"):
            tests.append(self._primary())
        return tests[0] if len(tests) == 1 else lambda event: all(test(event) for test in tests)

    def _primary(self) -> Test:
        if self._accept("paren", "("):
            test = self.alternatives()
            if not self._accept("paren", ")"):
                raise PatternError(self._text)
            return test
        steps = _steps(self._take("selector"))
        if self._peek()[0] == "operator":
            check = condition(self._take("operator"), self._take("value"))
            return lambda event: any(check(value) for value in _select(event, steps) if value is not _MISSING)
        return self._keyword(steps)

    def _keyword(self, steps: list[str | int]) -> Test:
        words = f"{self._take('value')} {self._take('value')}".upper()
        if words == "NOT EXISTS":
            return lambda event: all(value is _MISSING for value in _select(event, steps))
        wanted = {"IS NULL": None, "IS TRUE": True, "IS FALSE": False}
        if words not in wanted:
            raise PatternError(self._text)
        constant = wanted[words]
        return lambda event: any(value is constant for value in _select(event, steps))

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._next] if self._next < len(self._tokens) else ("end", "")

    def _accept(self, kind: str, text: str) -> bool:
        if self._peek() == (kind, text):
            self._next += 1
            return True
        return False

    def _take(self, kind: str) -> str:
        found, text = self._peek()
        if found != kind:
            raise PatternError(self._text)
        self._next += 1
        return text


def _steps(selector: str) -> list[str | int]:
    steps: list[str | int] = []
    for quoted, name, index in _STEP.findall(selector):
        if index:
            steps.append(-1 if index == "*" else int(index))
        else:
            steps.append(quoted or name)
    return steps


def _select(event: Any, steps: list[str | int]) -> Iterator[Any]:
    """What a selector names: one value, or with `[*]` (step -1) one an element; _MISSING for none."""
    for place, step in enumerate(steps):
        if isinstance(step, str):
            event = event.get(step, _MISSING) if isinstance(event, dict) else _MISSING
        elif not isinstance(event, list):
            event = _MISSING
        elif step == -1:
            for element in event:
                yield from _select(element, steps[place + 1 :])
            return
        else:
            event = event[step] if step < len(event) else _MISSING
        if event is _MISSING:
            break
    yield event
