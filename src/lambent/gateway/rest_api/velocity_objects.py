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
    from collections.abc import Callable

_PATH: Final = re.compile(r"\.([^.\[\]]+)|\[(\d+|\*)\]|\[['\"]([^'\"]*)['\"]\]|\.\.([^.\[\]]+)")
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


def as_text(value: Any) -> str:
    """A value as Java shows it within text."""
    if value is None or isinstance(value, Context):
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={as_text(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list):
        return _json(value)
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
            found = [one for start in found for one in _below(start, step[4])]
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


def _below(value: Any, name: str) -> list[Any]:
    found: list[Any] = []
    if isinstance(value, dict):
        if name in value:
            found.append(value[name])
        for one in value.values():
            found += _below(one, name)
    elif isinstance(value, list):
        for one in value:
            found += _below(one, name)
    return found


def _json(value: Any) -> str:
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
        return re.sub(as_text(pattern), as_text(new).replace("\\", "\\\\"), text)
    except re.error as error:
        raise TemplateRefused(f"{pattern!r} is no regular expression: {error}") from None


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
    "replace": lambda text, old, new: text.replace(as_text(old), as_text(new)),
    "replaceAll": _replaced,
    "split": lambda text, pattern: re.split(as_text(pattern), text),
    "startsWith": lambda text, other: text.startswith(as_text(other)),
    "substring": lambda text, first, end=None: text[first:end],
    "toLowerCase": str.lower,
    "toString": str,
    "toUpperCase": str.upper,
    "trim": str.strip,
}
_MAPS: Final[dict[str, Callable[..., Any]]] = {
    "containsKey": lambda values, key: key in values,
    "containsValue": lambda values, value: value in values.values(),
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
    "contains": lambda values, value: value in values,
    "get": lambda values, index: indexed(values, index),
    "indexOf": lambda values, value: values.index(value) if value in values else -1,
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
