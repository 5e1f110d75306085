"""What a file of Python says, read without importing it: its imports, its top-level parts, and what these mention.

Facts of one file depend on that file alone, so they can be kept until it changes. What the names in them mean is found
out by `meaning`, which knows the other files.

With files as arguments it is a program that prints their facts: for the project's interpreter, which may know syntax
that this one does not. So it keeps to the standard library, and to CPython 3.9.
"""

from __future__ import annotations

import ast
import contextlib
import sys
from pathlib import Path
from typing import Any, NamedTuple, Optional

Expression = tuple[Any, ...]
"""A part of the syntax, as far as it can mean something here:

("text", value), ("name", "a"), ("of", expression, "member"), ("item", expression, expression),
("call", expression, (arguments…), ((keyword, argument)…)), ("list", (expressions…)),
("dict", ((key, expression)…)), ("?",) for anything else.
"""

UNKNOWN: Expression = ("?",)


class Import(NamedTuple):
    """An import: `names` are those of `from … import`, or None. `optional` is whether its failure is caught."""

    module: str
    names: Optional[tuple[str, ...]]  # noqa: UP045 - evaluated by interpreters that do not know the other spelling
    level: int
    line: int
    optional: bool


class Part(NamedTuple):
    """A function, a class or an assignment at the top of a module, or (`name` "") everything else there.

    `kind` is "function", "class", "value" or "code". `mentions` are dotted names with the line of each, `calls` all
    calls with theirs, and so `items` (`a[b]`); `locals` what names in it stand for (those of a class also as
    "self.name"), `returns` what it gives, `made` the names in the annotation of the result.
    """

    name: str
    kind: str
    first: int
    last: int
    decorators: tuple[str, ...]
    mentions: dict[str, int]
    calls: tuple[tuple[Expression, int], ...]
    items: tuple[tuple[Expression, int], ...]
    locals: dict[str, Expression]
    returns: tuple[Expression, ...]
    made: tuple[str, ...]


class Facts(NamedTuple):
    """What a file says. `aliases` is what imported names stand for: a module, or a member of one; with its level.

    `routers` are the names of routers that are included by name, with their lines; `provided` are factories of services
    with the type that is told for each.
    """

    imports: tuple[Import, ...]
    aliases: dict[str, tuple[str, Optional[str], int]]  # noqa: UP045 - as above
    stars: tuple[tuple[str, int], ...]
    parts: tuple[Part, ...]
    routers: dict[str, int]
    literal_imports: dict[str, int]
    provided: tuple[tuple[str, Optional[str]], ...]  # noqa: UP045


def read(text: bytes, name: str = "<file>") -> Facts:
    """The facts of a file's text. Raises SyntaxError."""
    tree = ast.parse(text, name)
    reader = _Reader()
    reader.statements(tree.body, optional=False)
    return reader.facts()


def _plain(value: Any) -> Any:
    """Without the names of tuples, so that its text is a literal."""
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return {key: _plain(one) for key, one in value.items()} if isinstance(value, dict) else value


class _Reader:
    def __init__(self) -> None:
        self.imports: list[Import] = []
        self.aliases: dict[str, tuple[str, str | None, int]] = {}
        self.stars: list[tuple[str, int]] = []
        self.parts: list[Part] = []
        self.routers: dict[str, int] = {}
        self.literals: dict[str, int] = {}
        self.provided: list[tuple[str, str | None]] = []
        self._code = _Mentions(self)

    def facts(self) -> Facts:
        self.parts.append(self._code.part("", "code", 0, 0))
        lists = tuple(self.imports), self.aliases, tuple(self.stars), tuple(self.parts)
        return Facts(*lists, self.routers, self.literals, tuple(self.provided))

    def statements(self, body: list[ast.stmt], *, optional: bool) -> None:
        """What is at the top of a module, also below `if` and `try`: whichever branch is taken, it may be there."""
        for one in body:
            if isinstance(one, (ast.Import, ast.ImportFrom)):
                self.imported(one, optional)
            elif isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                mentions = _Mentions(self)
                mentions.visit(one)
                first = min([one.lineno, *(each.lineno for each in one.decorator_list)])
                kind = "class" if isinstance(one, ast.ClassDef) else "function"
                decorators = tuple(filter(None, (_dotted(_called(each)) for each in one.decorator_list)))
                made = () if isinstance(one, ast.ClassDef) or one.returns is None else _names(one.returns)
                self.parts.append(
                    mentions.part(one.name, kind, first, one.end_lineno or first, decorators, made)
                )
            elif isinstance(one, (ast.Assign, ast.AnnAssign)) and _target(one) is not None:
                mentions = _Mentions(self)
                mentions.visit(one)
                name = _target(one) or ""
                self.parts.append(mentions.part(name, "value", one.lineno, one.end_lineno or one.lineno))
            elif isinstance(one, ast.If):
                if not _never_imported(one.test):
                    self._code.visit(one.test)
                    self.statements(one.body, optional=optional)
                self.statements(one.orelse, optional=optional)
            elif isinstance(one, ast.Try):
                caught = any(_catches_imports(handler) for handler in one.handlers)
                self.statements(one.body, optional=optional or caught)
                for handler in one.handlers:
                    self.statements(handler.body, optional=True)
                self.statements([*one.orelse, *one.finalbody], optional=optional)
            elif isinstance(one, ast.With):
                for item in one.items:
                    self._code.visit(item)
                caught = any("suppress" in ast.dump(item.context_expr) for item in one.items)
                self.statements(one.body, optional=optional or caught)
            elif not self._provides(one):
                self._code.visit(one)

    def _provides(self, node: ast.stmt) -> bool:
        """Whether a statement is `app.provide(factory, type=…)`, which calls nothing yet."""
        call = node.value if isinstance(node, ast.Expr) else None
        if not isinstance(call, ast.Call) or not (_dotted(call.func) or "").endswith(".provide"):
            return False
        factory = _dotted(call.args[0]) if call.args else None
        if factory is None:
            return False
        types = [_dotted(one.value) for one in call.keywords if one.arg == "type"]
        self.provided.append((factory, types[0] if types else None))
        return True

    def imported(self, node: ast.Import | ast.ImportFrom, optional: bool) -> None:
        """Note an import, wherever it stands."""
        if isinstance(node, ast.Import):
            for alias in node.names:
                self.imports.append(Import(alias.name, None, 0, node.lineno, optional))
                if alias.asname:
                    self.aliases[alias.asname] = (alias.name, None, 0)
                else:
                    top = alias.name.partition(".")[0]
                    self.aliases.setdefault(top, (top, None, 0))
            return
        module = node.module or ""
        names = tuple(alias.name for alias in node.names)
        self.imports.append(Import(module, names, node.level, node.lineno, optional))
        for alias in node.names:
            if alias.name == "*":
                self.stars.append((module, node.level))
            else:
                self.aliases[alias.asname or alias.name] = (module, alias.name, node.level)


class _Mentions(ast.NodeVisitor):
    """Collects what a part of a module mentions."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._mentions: dict[str, int] = {}
        self._calls: list[tuple[Expression, int]] = []
        self._items: list[tuple[Expression, int]] = []
        self._locals: dict[str, Expression] = {}
        self._returns: list[Expression] = []
        self._optional = 0

    def part(
        self,
        name: str,
        kind: str,
        first: int,
        last: int,
        decorators: tuple[str, ...] = (),
        made: tuple[str, ...] = (),
    ) -> Part:
        """What was collected."""
        calls, items, returns = tuple(self._calls), tuple(self._items), tuple(self._returns)
        about = name, kind, first, last, decorators
        return Part(*about, self._mentions, calls, items, self._locals, returns, made)

    def visit_Import(self, node: ast.Import) -> None:
        self._reader.imported(node, bool(self._optional))

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._reader.imported(node, bool(self._optional))

    def visit_Try(self, node: ast.Try) -> None:
        caught = any(_catches_imports(handler) for handler in node.handlers)
        self._optional += caught
        for one in node.body:
            self.visit(one)
        self._optional -= caught
        for handler in node.handlers:
            self.visit(handler)
        for one in (*node.orelse, *node.finalbody):
            self.visit(one)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        for one in [] if _never_imported(node.test) else node.body:
            self.visit(one)
        for one in node.orelse:
            self.visit(one)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self._mentions.setdefault(node.id, node.lineno)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = _dotted(node)
        if dotted is not None and isinstance(node.ctx, ast.Load):
            self._mentions.setdefault(dotted, node.lineno)
        else:
            self.visit(node.value)

    def visit_Subscript(self, node: ast.Subscript) -> None:
        self._items.append((expression(node), node.lineno))
        self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> None:
        call = expression(node)
        self._calls.append((call, node.lineno))
        text = call[2][0][1] if call[2] and call[2][0][0] == "text" else None
        if text is not None:
            called = _dotted(node.func) or ""
            if called.endswith(".include") and ":" in text:
                self._reader.routers.setdefault(text, node.lineno)
            elif called in ("import_module", "importlib.import_module", "__import__"):
                self._reader.literals.setdefault(text, node.lineno)
        self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._bind(target, node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign | ast.NamedExpr) -> None:
        if node.value is not None:
            self._bind(node.target, node.value)
        self.generic_visit(node)

    visit_NamedExpr = visit_AnnAssign  # noqa: N815 - ast's name

    def visit_withitem(self, node: ast.withitem) -> None:
        if node.optional_vars is not None:
            self._bind(node.optional_vars, node.context_expr)
        self.generic_visit(node)

    def visit_Return(self, node: ast.Return) -> None:
        if node.value is not None:
            self._returns.append(expression(node.value))
        self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> None:
        if isinstance(node.annotation, ast.Constant):
            for name in _names(node.annotation):
                self._mentions.setdefault(name, node.lineno)
        elif node.annotation is not None:
            self.visit(node.annotation)

    def visit_arguments(self, node: ast.arguments) -> None:
        # What is made for a parameter is what it mostly is; instead of a text or a name others may be given.
        positional = [*node.posonlyargs, *node.args][
            len(node.posonlyargs) + len(node.args) - len(node.defaults) :
        ]
        for at, value in enumerate([*node.defaults, *node.kw_defaults]):
            if isinstance(value, ast.Call):
                self._locals.setdefault([*positional, *node.kwonlyargs][at].arg, expression(value))
        self.generic_visit(node)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        name = _dotted(target)
        if name is not None:
            self._locals.setdefault(name, expression(value))


def expression(node: ast.expr | None, depth: int = 16) -> Expression:
    """What a part of the syntax says, as far as it can mean something here."""
    if node is None or depth == 0:
        return UNKNOWN
    if isinstance(node, ast.Constant):
        return ("text", node.value) if isinstance(node.value, str) else UNKNOWN
    if isinstance(node, ast.Name):
        return ("name", node.id)
    if isinstance(node, ast.Attribute):
        return ("of", expression(node.value, depth - 1), node.attr)
    if isinstance(node, ast.Subscript):
        return ("item", expression(node.value, depth - 1), expression(node.slice, depth - 1))
    if isinstance(node, ast.Await):
        return expression(node.value, depth)
    if isinstance(node, (ast.List, ast.Tuple)):
        return ("list", tuple(expression(one, depth - 1) for one in node.elts))
    if isinstance(node, ast.Dict):
        members = []
        for at, key in enumerate(node.keys):
            if isinstance(key, ast.Constant):
                members.append((str(key.value), expression(node.values[at], depth - 1)))
        return ("dict", tuple(members))
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return expression(node.values[0], depth)
    if isinstance(node, ast.Call):
        return (
            "call",
            expression(node.func, depth - 1),
            tuple(expression(one, depth - 1) for one in node.args),
            tuple((one.arg, expression(one.value, depth - 1)) for one in node.keywords if one.arg),
        )
    return UNKNOWN


def _dotted(node: ast.AST | None) -> str | None:
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return None
    return ".".join([node.id, *reversed(parts)])


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _target(node: ast.Assign | ast.AnnAssign) -> str | None:
    if isinstance(node, ast.AnnAssign):
        return node.target.id if isinstance(node.target, ast.Name) else None
    target = node.targets[0]
    return target.id if isinstance(target, ast.Name) else None


def _names(annotation: ast.expr) -> tuple[str, ...]:
    """The dotted names in an annotation, also where it is a text."""
    if isinstance(annotation, ast.Constant):
        if not isinstance(annotation.value, str):
            return ()
        try:
            annotation = ast.parse(annotation.value, mode="eval").body
        except SyntaxError:
            return ()
    found = []
    for node in ast.walk(annotation):
        dotted = _dotted(node)
        if dotted is not None:
            found.append(dotted)
    return tuple(found)


def _never_imported(test: ast.expr) -> bool:
    """Whether what follows is for type checkers, or for a program, which a module in a function never is."""
    if isinstance(test, ast.Compare):
        return _dotted(test.left) == "__name__"
    return _dotted(test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING")


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    kind = handler.type
    kinds = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(
        one is None or _dotted(one) in ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")
        for one in kinds
    )


if __name__ == "__main__":
    _found: dict[str, Any] = {}
    for _file in sys.argv[1:]:
        with contextlib.suppress(OSError, SyntaxError, ValueError):
            _found[_file] = _plain(read(Path(_file).read_bytes(), _file))
    print(_found)
