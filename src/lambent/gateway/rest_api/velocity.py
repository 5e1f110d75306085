"""Mapping templates at work: `$input`, `$context`, `$stageVariables`, `$util` and what a template sets itself.

"API Gateway mapping template and access logging variable reference" of the developer guide. Methods are those of Java's
strings, lists and maps that templates call most; another one is refused by its name.
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, unquote_plus

from lambent.gateway.rest_api.velocity_parser import (
    Each,
    If,
    Interpolated,
    Listed,
    Literal,
    Mapped,
    Operator,
    Ranged,
    Reference,
    Set,
    Step,
    TemplateRefused,
    Text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lambent.gateway.rest_api.velocity_parser import Nodes

_LONGEST: Final = 10_485_760
_MOST_STEPS: Final = 1_000_000
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


_OBJECTS: Final = (Input, Util)


class Rendering:
    """One run of a template. `overrides` are what it has set below `$context.…Override`."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self.variables = variables
        self.overrides: dict[str, Any] = {}
        self._steps = 0
        self._length = 0

    def run(self, nodes: Nodes) -> str:
        """The text that comes out. Raises TemplateRefused."""
        out: list[str] = []
        self._block(nodes, out)
        return "".join(out)

    def _block(self, nodes: Nodes, out: list[str]) -> None:
        for node in nodes:
            self._steps += 1
            if self._steps > _MOST_STEPS or self._length > _LONGEST:
                raise TemplateRefused("it does not come to an end")
            if isinstance(node, Text):
                self._put(node.text, out)
            elif isinstance(node, Reference):
                self._put(self._shown(node), out)
            elif isinstance(node, Set):
                self._set(node)
            elif isinstance(node, If):
                for condition, body in node.branches:
                    if _true(self._value(condition)):
                        self._block(body, out)
                        break
                else:
                    self._block(node.rest, out)
            elif isinstance(node, Each):
                self._each(node, out)

    def _put(self, text: str, out: list[str]) -> None:
        self._length += len(text)
        out.append(text)

    def _shown(self, reference: Reference) -> str:
        value = self._value(reference)
        if value is None or isinstance(value, Context):
            return (
                ""
                if reference.quiet or reference.name in ("context", "stageVariables", "input")
                else reference.source
            )
        return as_text(value)

    def _set(self, node: Set) -> None:
        value = self._value(node.value)
        steps = node.target.steps
        if not steps:
            self.variables[node.target.name] = value
            return
        names = [step.name for step in steps]
        if node.target.name == "context" and names[0] in ("requestOverride", "responseOverride"):
            found = self.overrides
            for name in names[:-1]:
                found = found.setdefault(name, {})
            found[names[-1]] = value
            return
        owner = self._value(Reference(node.target.name, steps[:-1], "", quiet=True))
        last = steps[-1]
        key = self._value(last.arguments[0]) if not last.name and last.arguments else last.name
        if isinstance(owner, dict):
            owner[key] = value
            return
        if not isinstance(owner, list) or not isinstance(key, int) or not 0 <= key < len(owner):
            raise TemplateRefused(f"{node.target.source} cannot be set")
        owner[key] = value

    def _each(self, node: Each, out: list[str]) -> None:
        items = self._value(node.items)
        values: Iterable[Any] = items.values() if isinstance(items, dict) else items or ()
        if isinstance(values, str) or not hasattr(values, "__iter__"):
            return
        kept = {name: self.variables.get(name, _MISSING) for name in (node.name, "foreach", "velocityCount")}
        listed = list(values)
        for place, value in enumerate(listed):
            self.variables[node.name] = value
            self.variables["velocityCount"] = place + 1
            self.variables["foreach"] = {
                "count": place + 1,
                "index": place,
                "hasNext": place + 1 < len(listed),
                "first": place == 0,
                "last": place + 1 == len(listed),
            }
            self._block(node.body, out)
        for name, before in kept.items():
            if before is _MISSING:
                self.variables.pop(name, None)
            else:
                self.variables[name] = before

    # ------------------------------------------------------------ values

    def _value(self, node: Any) -> Any:
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Reference):
            return self._referred(node)
        if isinstance(node, Interpolated):
            out: list[str] = []
            self._block(node.parts, out)
            return "".join(out)
        if isinstance(node, Operator):
            return self._operated(node)
        if isinstance(node, Listed):
            return [self._value(one) for one in node.items]
        if isinstance(node, Mapped):
            return {self._value(key): self._value(value) for key, value in node.items}
        assert isinstance(node, Ranged)
        first, last = self._value(node.first), self._value(node.last)
        if not isinstance(first, int) or not isinstance(last, int) or abs(last - first) > 100_000:
            raise TemplateRefused("a range has to be of whole numbers")
        return list(range(first, last + 1) if first <= last else range(first, last - 1, -1))

    def _referred(self, reference: Reference) -> Any:
        value = self.variables.get(reference.name)
        for step in reference.steps:
            if value is None:
                return None
            value = self._stepped(value, step)
        return value

    def _stepped(self, value: Any, step: Step) -> Any:
        if not step.name:
            (index,) = [self._value(one) for one in step.arguments or (Literal(None),)][:1]
            return _indexed(value, index)
        if step.arguments is None:
            if isinstance(value, Context):
                return value.step(step.name)
            if isinstance(value, Input):
                return value.body if step.name == "body" else None
            if isinstance(value, dict):
                return value.get(step.name)
            return None
        arguments = [self._value(one) for one in step.arguments]
        if isinstance(value, _OBJECTS):
            method = getattr(value, step.name, None)
            if method is None or step.name.startswith("_"):
                raise TemplateRefused(f"the method {step.name} is not served here")
            try:
                return method(*arguments)
            except TypeError:
                raise TemplateRefused(
                    f"the method {step.name} does not take {len(arguments)} values"
                ) from None
        if isinstance(value, Context):
            # A member that is not there: so are the answers to what it is asked.
            return None
        return _called(value, step.name, arguments)

    def _operated(self, node: Operator) -> Any:
        if node.operator == "!":
            return not _true(self._value(node.right))
        left = self._value(node.left)
        if node.operator == "||":
            return _true(left) or _true(self._value(node.right))
        if node.operator == "&&":
            return _true(left) and _true(self._value(node.right))
        right = self._value(node.right)
        if node.operator in ("==", "!="):
            equal = _equal(left, right)
            return equal if node.operator == "==" else not equal
        if node.operator == "+" and (isinstance(left, str) or isinstance(right, str)):
            return as_text(left) + as_text(right)
        if not _is_number(left) or not _is_number(right):
            return None if node.operator in ("+", "-", "*", "/", "%") else False
        return _computed(node.operator, left, right)


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


def _true(value: Any) -> bool:
    return value is not None and value is not False and not isinstance(value, Context)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, Context):
        left = None
    if isinstance(right, Context):
        right = None
    if isinstance(left, str) is not isinstance(right, str) and left is not None and right is not None:
        return as_text(left) == as_text(right)
    return bool(left == right)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _computed(operator: str, left: Any, right: Any) -> Any:
    if operator in ("/", "%") and right == 0:
        return None
    if operator == "/":
        return int(left / right) if isinstance(left, int) and isinstance(right, int) else left / right
    return {
        "+": lambda: left + right,
        "-": lambda: left - right,
        "*": lambda: left * right,
        "%": lambda: left % right,
        "<": lambda: left < right,
        ">": lambda: left > right,
        "<=": lambda: left <= right,
        ">=": lambda: left >= right,
    }[operator]()


def _indexed(value: Any, index: Any) -> Any:
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
    "get": lambda values, index: _indexed(values, index),
    "indexOf": lambda values, value: values.index(value) if value in values else -1,
    "isEmpty": lambda values: not values,
    "size": len,
    "toString": as_text,
}


def _called(value: Any, name: str, arguments: list[Any]) -> Any:
    methods = _MAPS if isinstance(value, dict) else _LISTS if isinstance(value, list) else _TEXTS
    if name == "getClass" or name not in methods:
        raise TemplateRefused(f"the method {name} is not served here")
    own = value if isinstance(value, dict | list | str) else as_text(value)
    try:
        return methods[name](own, *arguments)
    except (TypeError, ValueError, IndexError, KeyError) as error:
        raise TemplateRefused(f"{name}: {error}") from None
