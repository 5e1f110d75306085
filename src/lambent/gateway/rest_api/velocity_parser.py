"""Mapping templates, read: the part of the Velocity Template Language that templates of CORS and simple mappings use.

"Velocity User Guide" of Apache Velocity 1.7: text, comments, references with members, methods and indexes, `#set`,
`#if`, `#elseif`, `#else`, `#foreach`, `#end`. Macros, `#parse`, `#evaluate` and others are not there: a template with
one is refused by name.
"""

from __future__ import annotations

import re
from typing import Any, Final

from lambent.gateway.rest_api.velocity_nodes import (
    Each,
    If,
    Interpolated,
    Listed,
    Literal,
    Mapped,
    Nodes,
    Operator,
    Ranged,
    Reference,
    Set,
    Step,
    TemplateRefused,
    Text,
)

_REFERENCE: Final = re.compile(r"\$(!?)(\{?)([A-Za-z_][A-Za-z0-9_-]*)")
_DIRECTIVE: Final = re.compile(r"#\{?(set|if|elseif|else|end|foreach|break|stop|[a-z]+)\}?(?![A-Za-z])")
_KNOWN: Final = frozenset({"set", "if", "elseif", "else", "end", "foreach"})
_REFUSED: Final = frozenset({"macro", "parse", "include", "evaluate", "define", "break", "stop"})
_SPECIAL: Final = re.compile(r"[$#]")
_LINE_END: Final = re.compile(r"[ \t]*\r?\n")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NUMBER: Final = re.compile(r"-?\d+(\.\d+)?")
_SPACE: Final = re.compile(r"\s*")
_OPERATORS: Final = (
    (("||", "or"),),
    (("&&", "and"),),
    (("==", "eq"), ("!=", "ne")),
    (("<=", "le"), (">=", "ge"), ("<", "lt"), (">", "gt")),
    (("+", "+"), ("-", "-")),
    (("*", "*"), ("/", "/"), ("%", "%")),
)
_DEPTH: Final = 60
_LONGEST: Final = 307_200
"""Characters: a quota of API Gateway (300 KB)."""


def parsed(template: str) -> Nodes:
    """What a template says. Raises TemplateRefused."""
    if len(template) > _LONGEST:
        raise TemplateRefused("it is larger than 300 KB")
    parser = _Parser(template)
    try:
        nodes, ended = parser.block(())
    except (RecursionError, ValueError) as error:  # numbers have no end either
        raise TemplateRefused(f"it cannot be read: {error}") from None
    if ended:
        raise TemplateRefused(f"#{ended} without a beginning")
    return nodes


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0

    # ------------------------------------------------------------ blocks

    def block(self, ends: tuple[str, ...]) -> tuple[Nodes, str]:
        """Nodes up to one of the directives that end them, and which it was; "" at the end of the text."""
        self._depth += 1
        if self._depth > _DEPTH:
            raise TemplateRefused("it is nested too deeply")
        nodes: list[Any] = []
        start = self._at
        text = self._text
        while self._at < len(text):
            letter = text[self._at]
            if letter == "#":
                ended = self._hash(nodes, start, ends)
                if ended is None:
                    self._at += 1
                    continue
                if ended:
                    self._depth -= 1
                    return tuple(nodes), ended
                start = self._at
            elif letter == "$":
                found = _REFERENCE.match(text, self._at)
                if found is None:
                    self._at += 1
                    continue
                self._keep(nodes, start)
                nodes.append(self._reference())
                start = self._at
            else:
                found = _SPECIAL.search(text, self._at)
                self._at = len(text) if found is None else found.start()
        self._keep(nodes, start)
        self._depth -= 1
        if ends:
            raise TemplateRefused("#end is missing")
        return tuple(nodes), ""

    def _keep(self, nodes: list[Any], start: int) -> None:
        if self._at > start:
            nodes.append(Text(self._text[start : self._at]))

    def _hash(self, nodes: list[Any], start: int, ends: tuple[str, ...]) -> str | None:
        """What a # begins: None for a text, "" for what was read, or the directive that ends the block."""
        text = self._text
        if text.startswith("##", self._at):
            self._keep(nodes, start)
            end = text.find("\n", self._at)
            self._at = len(text) if end < 0 else end + 1
            return ""
        if text.startswith("#*", self._at):
            self._keep(nodes, start)
            end = text.find("*#", self._at)
            if end < 0:
                raise TemplateRefused("a comment has no end")
            self._at = end + 2
            return ""
        found = _DIRECTIVE.match(text, self._at)
        if found is None or found[1] not in _KNOWN | _REFUSED:
            return None
        name = found[1]
        if name in _REFUSED:
            raise TemplateRefused(f"the directive #{name} is not served here")
        self._keep(nodes, start)
        self._at = found.end()
        if name in ends:
            return name
        if name in ("elseif", "else", "end"):
            raise TemplateRefused(f"#{name} without a beginning")
        if name == "set":
            nodes.append(self._set())
        elif name == "if":
            nodes.append(self._if())
        else:
            nodes.append(self._each())
        return ""

    def _set(self) -> Set:
        self._take("(")
        self._skip()
        target = self._reference_here()
        self._take("=")
        value = self._expression()
        self._take(")")
        self._newline()
        return Set(target, value)

    def _if(self) -> If:
        branches = []
        while True:
            self._take("(")
            condition = self._expression()
            self._take(")")
            self._newline()
            body, ended = self.block(("elseif", "else", "end"))
            branches.append((condition, body))
            if ended != "elseif":
                break
        rest: Nodes = ()
        if ended == "else":
            self._newline()
            rest, ended = self.block(("end",))
        self._newline()
        return If(tuple(branches), rest)

    def _each(self) -> Each:
        self._take("(")
        self._skip()
        name = self._reference_here().name
        self._skip()
        if not self._text.startswith("in", self._at):
            raise TemplateRefused("#foreach without in")
        self._at += 2
        items = self._expression()
        self._take(")")
        self._newline()
        body, _ = self.block(("end",))
        self._newline()
        return Each(name, items, body)

    def _newline(self) -> None:
        """The rest of a line that holds nothing but a directive belongs to it."""
        found = _LINE_END.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    # ------------------------------------------------------------ references

    def _reference_here(self) -> Reference:
        if _REFERENCE.match(self._text, self._at) is None:
            raise TemplateRefused(f"a reference is missing at {self._text[self._at : self._at + 20]!r}")
        return self._reference()

    def _reference(self) -> Reference:
        start = self._at
        found = _REFERENCE.match(self._text, start)
        assert found is not None
        self._at = found.end()
        steps = self._steps()
        if found[2]:
            self._take("}")
        return Reference(found[3], tuple(steps), self._text[start : self._at], bool(found[1]))

    def _steps(self) -> list[Step]:
        steps: list[Step] = []
        text = self._text
        while self._at < len(text):
            if text[self._at] == ".":
                name = _NAME.match(text, self._at + 1)
                if name is None:
                    break
                self._at = name.end()
                arguments = None
                if text.startswith("(", self._at):
                    self._at += 1
                    arguments = self._items(")")
                steps.append(Step(name[0], arguments))
            elif text[self._at] == "[":
                before = self._at
                try:
                    self._at += 1
                    steps.append(Step("", self._items("]")))
                except TemplateRefused:
                    self._at = before  # a bracket of the text
                    break
            else:
                break
        return steps

    def _items(self, end: str) -> tuple[Any, ...]:
        found: list[Any] = []
        self._skip()
        if self._text.startswith(end, self._at):
            self._at += 1
            return ()
        while True:
            found.append(self._expression())
            self._skip()
            if self._text.startswith(",", self._at):
                self._at += 1
                continue
            self._take(end)
            return tuple(found)

    # ------------------------------------------------------------ expressions

    def _expression(self, level: int = 0) -> Any:
        if level == len(_OPERATORS):
            return self._operand()
        left = self._expression(level + 1)
        while True:
            self._skip()
            for sign, word in _OPERATORS[level]:
                if self._text.startswith(sign, self._at):
                    self._at += len(sign)
                elif word.isalpha() and re.compile(rf"{word}\b").match(self._text, self._at):
                    self._at += len(word)
                else:
                    continue
                left = Operator(sign, left, self._expression(level + 1))
                break
            else:
                return left

    def _operand(self) -> Any:
        self._depth += 1
        if self._depth > _DEPTH:
            raise TemplateRefused("it is nested too deeply")
        try:
            return self._operand_here()
        finally:
            self._depth -= 1

    def _operand_here(self) -> Any:
        self._skip()
        text = self._text
        letter = text[self._at : self._at + 1]
        if letter == "!":
            self._at += 1
            return Operator("!", None, self._operand())
        if letter == "(":
            self._at += 1
            found = self._expression()
            self._take(")")
            return found
        if letter == "$":
            return self._reference_here()
        if letter in ("'", '"'):
            return self._quoted(letter)
        if letter == "[":
            return self._list()
        if letter == "{":
            return self._map()
        number = _NUMBER.match(text, self._at)
        if number is not None:
            # A range's two points are none of a number's.
            self._at = number.end()
            return Literal(float(number[0]) if number[1] else int(number[0]))
        word = _NAME.match(text, self._at)
        if word is not None and word[0] in ("true", "false", "null"):
            self._at = word.end()
            return Literal({"true": True, "false": False, "null": None}[word[0]])
        if word is not None and word[0] == "not":
            self._at = word.end()
            return Operator("!", None, self._operand())
        raise TemplateRefused(f"an expression is missing at {text[self._at : self._at + 20]!r}")

    def _quoted(self, quote: str) -> Any:
        end = self._text.find(quote, self._at + 1)
        if end < 0:
            raise TemplateRefused("a text has no end")
        while self._text.startswith(quote, end + 1):  # a doubled quote stands for itself
            end = self._text.find(quote, end + 2)
            if end < 0:
                raise TemplateRefused("a text has no end")
        inner = self._text[self._at + 1 : end].replace(quote * 2, quote)
        self._at = end + 1
        if quote == '"' and ("$" in inner or "#" in inner):
            return Interpolated(parsed(inner))
        return Literal(inner)

    def _list(self) -> Any:
        self._at += 1
        self._skip()
        if self._text.startswith("]", self._at):
            self._at += 1
            return Listed(())
        first = self._expression()
        self._skip()
        if self._text.startswith("..", self._at):
            self._at += 2
            last = self._expression()
            self._take("]")
            return Ranged(first, last)
        if self._text.startswith("]", self._at):
            self._at += 1
            return Listed((first,))
        self._take(",")
        return Listed((first, *self._items("]")))

    def _map(self) -> Mapped:
        self._at += 1
        items: list[tuple[Any, Any]] = []
        self._skip()
        while not self._text.startswith("}", self._at):
            key = self._expression()
            self._take(":")
            items.append((key, self._expression()))
            self._skip()
            if not self._text.startswith(",", self._at):
                break
            self._at += 1
            self._skip()
        self._take("}")
        return Mapped(tuple(items))

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        if found is not None:
            self._at = found.end()

    def _take(self, sign: str) -> None:
        self._skip()
        if not self._text.startswith(sign, self._at):
            raise TemplateRefused(f"{sign!r} is missing at {self._text[self._at : self._at + 20]!r}")
        self._at += len(sign)
