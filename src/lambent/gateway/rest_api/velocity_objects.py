"""What mapping templates ask: `$input`, `$context`, `$util`, and the methods of texts, maps and lists.

"API Gateway mapping template and access logging variable reference" of the developer guide. Methods are those of Java's
strings, lists and maps that templates call most; another one is refused by its name.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, unquote_plus

from lambent.gateway.rest_api.velocity_nodes import TemplateRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LONGEST: Final = 10_485_760
_MOST_VALUES: Final = 200_000
_PATH: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]|\[['\"]([^'\"]*)['\"]\]|\.\.([^.\[\]]+)")
_REPLACEMENT: Final = re.compile(r"\\(.)|\$(\d)", re.DOTALL)
_MISSING: Final = object()


class Input:
    """`$input`: the body and the parameters of a request, or the body of an answer."""

    def __init__(
        self,
        body: str,
        *,
        path: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        header: dict[str, str] | None = None,
    ) -> None:
        self.body = body
        self._places = {"path": path or {}, "querystring": query or {}, "header": header or {}}
        self._value: Any = _MISSING

    def params(self, name: str | None = None) -> Any:
        """One parameter, from path, query and headers in this order; without a name all of them by place."""
        if name is None:
            return self._places
        for values in self._places.values():
            if name in values:
                return values[name]
        folded = name.lower()
        for key, value in self._places["header"].items():
            if key.lower() == folded:
                return value
        return ""

    def path(self, expression: str) -> Any:
        """What is at a JSON path of the body. Raises TemplateRefused."""
        if self._value is _MISSING:
            try:
                self._value = json.loads(self.body) if self.body.strip() else {}
            except (ValueError, RecursionError):
                self._value = self.body
        return at_path(self._value, expression)

    def json(self, expression: str) -> str:
        """The same as JSON text."""
        found = self.path(expression)
        return "" if found is None and expression != "$" else _json(found)


class Util:
    """`$util`."""

    def escapeJavaScript(self, text: Any) -> str:  # noqa: N802 - AWS's name
        """A text that can stand within quotes."""
        return json.dumps(as_text(text))[1:-1].replace("'", "\\'").replace("/", "\\/")

    def parseJson(self, text: Any) -> Any:  # noqa: N802 - AWS's name
        """A JSON text, read. Raises TemplateRefused."""
        try:
            return json.loads(as_text(text))
        except (ValueError, RecursionError):
            raise TemplateRefused("$util.parseJson: it is not JSON") from None

    def urlEncode(self, text: Any) -> str:  # noqa: N802 - AWS's name
        """A text for URLs."""
        return quote_plus(as_text(text), safe="*-._")

    def urlDecode(self, text: Any) -> str:  # noqa: N802 - AWS's name
        """A text of URLs."""
        return unquote_plus(as_text(text))

    def base64Encode(self, data: Any) -> str:  # noqa: N802 - AWS's name
        """A text in base64."""
        return base64.b64encode(as_text(data).encode()).decode()

    def base64Decode(self, data: Any) -> str:  # noqa: N802 - AWS's name
        """A text that is in base64. Raises TemplateRefused."""
        try:
            return base64.b64decode(as_text(data)).decode("utf-8", "replace")
        except ValueError:
            raise TemplateRefused("$util.base64Decode: it is not base64") from None


class Context:
    """`$context`: read through a function by its name; templates may set overrides."""

    def __init__(self, read: Callable[[str], Any], name: str = "") -> None:
        self._read = read
        self._name = name

    def step(self, name: str) -> Any:
        """A member: its value, or where it has members itself another context."""
        whole = f"{self._name}.{name}" if self._name else name
        found = self._read(whole)
        return Context(self._read, whole) if found is None and self._name.count(".") < 3 else found


def weigh(value: Any) -> None:
    """Make sure that a value is not too large to be gone through: templates can put one list into another twice, again
    and again, and a list into itself. Raises TemplateRefused.
    """
    if not isinstance(value, dict | list):
        return
    left, waiting = _MOST_VALUES, [value]
    while waiting:
        one = waiting.pop()
        left -= len(one)
        if left < 0:
            raise TemplateRefused("a value has too many members")
        waiting += [
            inner
            for inner in (one.values() if isinstance(one, dict) else one)
            if isinstance(inner, dict | list)
        ]


def as_text(value: Any) -> str:
    """A value as Java shows it within text. Raises TemplateRefused."""
    weigh(value)
    return _shown(value)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, Context):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={_shown(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return _encoded(value)
    return str(value)


def at_path(value: Any, expression: str) -> Any:
    """What is at a JSON path: names, indexes, `*` and `..name`. Raises TemplateRefused."""
    if not expression.startswith("$"):
        expression = f"$.{expression}"
    place, found, several = 1, [value], False
    while place < len(expression):
        step = _PATH.match(expression, place)
        if step is None:
            raise TemplateRefused(f"the JSON path {expression} is not served here")
        place = step.end()
        name = step[1] if step[1] is not None else step[3]
        if step[4] is not None:
            several = True
            found = _below(found, step[4])
        elif name == "*" or step[2] == "*":
            several = True
            found = [
                one
                for start in found
                for one in (
                    start.values() if isinstance(start, dict) else start if isinstance(start, list) else ()
                )
            ]
        elif name is not None:
            found = [one[name] for one in found if isinstance(one, dict) and name in one]
        else:
            index = int(step[2])
            found = [one[index] for one in found if isinstance(one, list) and index < len(one)]
    return found if several else found[0] if found else None


def _below(starts: list[Any], name: str) -> list[Any]:
    """All members of that name in some values and in what is in them, as they stand there."""
    found: list[Any] = []
    waiting, left = starts[::-1], _MOST_VALUES
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            if name in one:
                found.append(one[name])
            inner: Iterable[Any] = one.values()
        elif isinstance(one, list):
            inner = one
        else:
            continue
        before = len(waiting)
        waiting += inner
        waiting[before:] = waiting[before:][::-1]
        left -= len(waiting) - before
        if left < 0:
            raise TemplateRefused(f"the JSON path ..{name} is too much for this body")
    return found


def _json(value: Any) -> str:
    weigh(value)
    return _encoded(value)


def _encoded(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def indexed(value: Any, index: Any) -> Any:
    """A member of a list or map; None for one that is not there."""
    if isinstance(value, list) and isinstance(index, int):
        return value[index] if -len(value) <= index < len(value) else None
    return value.get(index) if isinstance(value, dict) else None


def _matches(text: str, pattern: Any) -> bool:
    try:
        return re.fullmatch(as_text(pattern), text) is not None
    except re.error as error:
        raise TemplateRefused(f"{pattern!r} is no regular expression: {error}") from None


def _replaced(text: str, pattern: Any, new: Any) -> str:
    try:
        return _limited(re.finditer(as_text(pattern), text), text, as_text(new))
    except re.error as error:
        raise TemplateRefused(f"{pattern!r} is no regular expression: {error}") from None


def _limited(matches: Iterable[re.Match[str]], text: str, new: str) -> str:
    """`text` with something else for what was found; `$1` in it is what a group has found, as in Java."""
    out: list[str] = []
    length = at = 0
    for found in matches:
        own = found

        def put(part: re.Match[str], own: re.Match[str] = own) -> str:
            return part[1] if part[1] is not None else own[int(part[2])] or ""

        out += (text[at : found.start()], _REPLACEMENT.sub(put, new))
        at = found.end()
        length += len(out[-1])
        if length > _LONGEST:
            raise TemplateRefused("a text is too long")
    return "".join((*out, text[at:]))


def _exchanged(text: str, old: Any, new: Any) -> str:
    old, new = as_text(old), as_text(new)
    if text.count(old) * len(new) > _LONGEST:
        raise TemplateRefused("a text is too long")
    return text.replace(old, new)


def _split(text: str, pattern: Any) -> list[str]:
    """As Java does it: without empty parts at the end."""
    parts: list[str] = []
    at = 0
    try:
        for found in re.finditer(as_text(pattern), text):
            if found.end() > 0:
                parts.append(text[at : found.start()])
                at = found.end()
    except re.error as error:
        raise TemplateRefused(f"{pattern!r} is no regular expression: {error}") from None
    if at == 0:
        return [text]
    parts.append(text[at:])
    while parts and not parts[-1]:
        parts.pop()
    return parts


def _has(values: list[Any], value: Any) -> bool:
    weigh(values)
    weigh(value)
    return value in values


def _place(values: list[Any], value: Any) -> int:
    return values.index(value) if _has(values, value) else -1


_TEXTS: Final[dict[str, Callable[..., Any]]] = {
    "concat": lambda text, other: text + as_text(other),
    "contains": lambda text, other: as_text(other) in text,
    "endsWith": lambda text, other: text.endswith(as_text(other)),
    "equals": lambda text, other: text == other,
    "equalsIgnoreCase": lambda text, other: text.lower() == as_text(other).lower(),
    "indexOf": lambda text, other: text.find(as_text(other)),
    "isEmpty": lambda text: not text,
    "lastIndexOf": lambda text, other: text.rfind(as_text(other)),
    "length": len,
    "matches": _matches,
    "replace": _exchanged,
    "replaceAll": _replaced,
    "split": _split,
    "startsWith": lambda text, other: text.startswith(as_text(other)),
    "substring": lambda text, first, end=None: text[first:end],
    "toLowerCase": str.lower,
    "toString": str,
    "toUpperCase": str.upper,
    "trim": str.strip,
}
_MAPS: Final[dict[str, Callable[..., Any]]] = {
    "containsKey": lambda values, key: key in values,
    "containsValue": lambda values, value: _has(list(values.values()), value),
    "entrySet": lambda values: [{"key": key, "value": value} for key, value in values.items()],
    "get": lambda values, key: values.get(key),
    "isEmpty": lambda values: not values,
    "keySet": lambda values: list(values),
    "put": lambda values, key, value: values.__setitem__(key, value),
    "putAll": lambda values, others: values.update(others),
    "remove": lambda values, key: values.pop(key, None),
    "size": len,
    "toString": as_text,
    "values": lambda values: list(values.values()),
}
_LISTS: Final[dict[str, Callable[..., Any]]] = {
    "add": lambda values, value: bool(values.append(value)) or True,
    "addAll": lambda values, others: bool(values.extend(others)) or True,
    "contains": _has,
    "get": lambda values, index: indexed(values, index),
    "indexOf": _place,
    "isEmpty": lambda values: not values,
    "size": len,
    "toString": as_text,
}


def called(value: Any, name: str, arguments: list[Any]) -> Any:
    """What a method of a text, map or list gives. Raises TemplateRefused."""
    methods = _MAPS if isinstance(value, dict) else _LISTS if isinstance(value, list) else _TEXTS
    if name == "getClass" or name not in methods:
        raise TemplateRefused(f"the method {name} is not served here")
    own = value if isinstance(value, dict | list | str) else as_text(value)
    try:
        return methods[name](own, *arguments)
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise TemplateRefused(f"{name}: {error}") from None
