"""Mapping templates at work: what `velocity_parser` has read, run with variables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from lambent.gateway.rest_api.velocity_nodes import (
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
from lambent.gateway.rest_api.velocity_objects import (
    Context,
    Input,
    Util,
    as_text,
    called,
    indexed,
    weigh,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.gateway.rest_api.velocity_nodes import Nodes

_MOST_STEPS: Final = 200_000
_MOST_MADE: Final = 67_108_864
_MOST_TURNS: Final = 1000
"""Turns of one #foreach, after which it ends: a quota of API Gateway ("Quotas for configuring and running a REST API
in API Gateway")."""
_LARGEST_NUMBER: Final = 1 << 63
_MISSING: Final = object()

_OBJECTS: Final = (Input, Util)
_OVERRIDES: Final = frozenset(
    {
        ("requestOverride", "header"),
        ("requestOverride", "querystring"),
        ("requestOverride", "path"),
        ("responseOverride", "header"),
    }
)


class Rendering:
    """One run of a template. `overrides` are what it has set below `$context.…Override`."""

    def __init__(self, variables: dict[str, Any]) -> None:
        self.variables = variables
        self.overrides: dict[str, Any] = {}
        self._steps = 0
        self._made = 0

    def run(self, nodes: Nodes) -> str:
        """The text that comes out. Raises TemplateRefused."""
        out: list[str] = []
        try:
            self._block(nodes, out)
        except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
            # Templates may do anything with values of any type.
            raise TemplateRefused(f"it fails: {error}") from None
        return "".join(out)

    def _block(self, nodes: Nodes, out: list[str]) -> None:
        for node in nodes:
            self._count()
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
        out.append(self._counted(text))

    def _count(self) -> None:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TemplateRefused("it does not come to an end")

    def _counted(self, value: Any) -> Any:
        """A value that is new: how large all of them are together is limited, and how large a number is."""
        if isinstance(value, str | list | dict):
            self._made += len(value) * (1 if isinstance(value, str) else 8)
            if self._made > _MOST_MADE:
                raise TemplateRefused("its values are too large")
        elif isinstance(value, int) and not -_LARGEST_NUMBER <= value < _LARGEST_NUMBER:
            raise TemplateRefused("a number is too large")
        return value

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
        if node.target.name == "context":
            self._override(node, value)
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

    def _override(self, node: Set, value: Any) -> None:
        names = tuple(
            step.name or as_text(self._value(step.arguments[0] if step.arguments else Literal("")))
            for step in node.target.steps
        )
        if names == ("responseOverride", "status"):
            self.overrides.setdefault("responseOverride", {})["status"] = value
        elif len(names) == 3 and names[2] and names[:2] in _OVERRIDES:
            self.overrides.setdefault(names[0], {}).setdefault(names[1], {})[names[2]] = value
        else:
            raise TemplateRefused(f"{node.target.source} cannot be set")

    def _each(self, node: Each, out: list[str]) -> None:
        items = self._value(node.items)
        values: Iterable[Any] = items.values() if isinstance(items, dict) else items or ()
        if isinstance(values, str) or not hasattr(values, "__iter__"):
            return
        kept = {name: self.variables.get(name, _MISSING) for name in (node.name, "foreach", "velocityCount")}
        listed = list(values)
        for place, value in enumerate(listed[:_MOST_TURNS]):
            self._count()
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
        self._count()
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
        return self._counted(list(range(first, last + 1) if first <= last else range(first, last - 1, -1)))

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
            return indexed(value, index)
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
                return self._counted(method(*arguments))
            except TypeError:
                raise TemplateRefused(
                    f"the method {step.name} does not take {len(arguments)} values"
                ) from None
        if isinstance(value, Context):
            # A member that is not there: so are the answers to what it is asked.
            return None
        found = self._counted(called(value, step.name, arguments))
        if step.name in ("addAll", "putAll"):
            self._counted(value)
        return found

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
            return self._counted(as_text(left) + as_text(right))
        if not _is_number(left) or not _is_number(right):
            return None if node.operator in ("+", "-", "*", "/", "%") else False
        return self._counted(_computed(node.operator, left, right))


def _true(value: Any) -> bool:
    return value is not None and value is not False and not isinstance(value, Context)


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, Context):
        left = None
    if isinstance(right, Context):
        right = None
    if isinstance(left, str) is not isinstance(right, str) and left is not None and right is not None:
        return as_text(left) == as_text(right)
    weigh(left)
    weigh(right)
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
