"""What the parts of a project's code use: queues, tables, other functions, connections, and AWS through boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.app.sources.naming import variable
from lambent.deploy.analysis.boto_calls import ASK, BotoCalls
from lambent.deploy.analysis.meaning import (
    BotoResource,
    Client,
    Method,
    Outer,
    Pages,
    Resource,
    Text,
    Variable,
    is_lambents,
)
from lambent.deploy.analysis.notes import Called, Declared, Doubt, Used, Uses

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.deploy.analysis.facts import Expression
    from lambent.deploy.analysis.meaning import Meaning
    from lambent.deploy.analysis.reach import Place

CALLS: Final = frozenset({"invoke", "invoke_async", "ainvoke", "ainvoke_async"})
CONNECTIONS: Final = frozenset(
    name.replace("*", a)
    for name in ("*post_to_connection", "*delete_connection", "*get_connection")
    for a in ("", "a")
)
_READS: Final = frozenset({"get", "aget", "query", "aquery", "scan", "ascan"})
_WRITES: Final = frozenset({"put", "aput", "update", "aupdate", "delete", "adelete"})


class UsesOf:
    """Finds the uses of parts, each once."""

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self._known: dict[Place, Uses] = {}

    def all(self, places: Iterable[Place]) -> Uses:
        """Of several parts together, sorted."""
        used: set[Used] = set()
        called: set[Called] = set()
        doubts: set[Doubt] = set()
        declared: set[Declared] = set()
        made: set[tuple[str, str]] = set()
        asked: set[str] = set()
        for place in places:
            if place not in self._known:
                part = self._meaning.part(*place)
                self._known[place] = (
                    Uses() if part is None else _Collector(self._meaning, place[0], part).uses()
                )
            one = self._known[place]
            used.update(one.used)
            called.update(one.called)
            doubts.update(one.doubts)
            declared.update(one.declared)
            made.update(one.made)
            asked |= one.asked
        doubts.update(
            Doubt(f"a client of {service} is made here, and no call of it can be followed", where, ASK)
            for service, where in made
            if service not in asked
        )
        return Uses(
            tuple(sorted(used)),
            tuple(sorted(called)),
            tuple(sorted(doubts)),
            tuple(sorted(declared, key=lambda one: one.name)),
        )


class _Collector(BotoCalls):
    def uses(self) -> Uses:
        bound = set(self._part.locals.values())
        based = {call[1][1] for call, _ in self._part.calls if call[1][0] == "of"}
        for call, line in self._part.calls:
            self._call(call, line, is_bound=call in bound or call in based)
        for item, line in self._part.items:
            self._variable(self._value(item), line)
        for dotted, line in self._part.mentions.items():
            self._mention(dotted, line)
        return self.noted()

    def _call(self, call: Expression, line: int, *, is_bound: bool) -> None:
        function = self._value(call[1])
        keywords = dict(call[3])
        for argument in (*call[2], *keywords.values()):
            if argument[0] == "call":
                self._handed_on(self._value(argument), line)
        if isinstance(function, Outer):
            self._outer(function.name, call, line, is_bound)
        elif isinstance(function, Method):
            of = function.of
            if function.name in ("client", "create_client", "resource"):
                self._makes(self._value(call), line)
            if isinstance(of, Resource) and of.kind == "table":
                self._table(of, function.name, line)
            elif isinstance(of, Client) and of.service:
                self._client(of.service, function.name, call, line)
            elif isinstance(of, BotoResource):
                self._boto_resource(of, function.name, call, line)
            elif isinstance(of, Pages):
                self._operation(of.service, of.operation, keywords, line)

    def _outer(self, name: str, call: Expression, line: int, is_bound: bool) -> None:
        last = name.rpartition(".")[2]
        made = self._value(call)
        if isinstance(made, Resource):
            if made.name is None:
                self._doubts.append(
                    Doubt(
                        f"this {made.kind}'s name is not a text in the code, so nothing can be permitted for it",
                        self._at(line),
                        "Write the name there, or ask for what is needed with permissions in the settings.",
                    )
                )
            elif made.kind == "queue":
                self._used.append(Used("queue", made.name, ("send",), self._at(line)))
            else:
                access = () if is_bound else ("read", "write")
                self._used.append(Used("table", made.name, access, self._at(line)))
                self._declared.append(self._declaration(made.name, dict(call[3])))
        elif isinstance(made, Variable):
            self._variable(made, line)
        elif name in ("boto3.client", "boto3.resource"):
            self._makes(made, line)
        elif is_lambents(name) and last in CALLS:
            target = self._value(call[2][0] if call[2] else dict(call[3]).get("name", ("?",)))
            if isinstance(target, Text):
                self._used.append(Used("function", target.text, ("call",), self._at(line)))
            elif isinstance(target, Variable):
                self._variable(target, line, ("call",))
            else:
                self._doubts.append(
                    Doubt(
                        f"{last} is told its function at run time, so calling it is not permitted to anybody",
                        self._at(line),
                        "Write the function's name there, or ask for lambda:InvokeFunction with permissions in the "
                        "settings.",
                    )
                )
        elif is_lambents(name) and last in CONNECTIONS:
            self._used.append(Used("channel", "", ("manage",), self._at(line)))

    def _declaration(self, name: str, keywords: dict[str, Expression]) -> Declared:
        def text(expression: Expression) -> str | None:
            meant = self._value(expression)
            return meant.text if isinstance(meant, Text) else None

        told = {member: text(keywords.get(member, ("?",))) for member in ("key", "sort", "ttl")}
        indexes = []
        for index, expression in _members(keywords.get("indexes")):
            keys = [text(one) for one in (expression[1] if expression[0] == "list" else [expression])]
            if all(keys):
                indexes.append((index, tuple(one for one in keys if one is not None)))
        return Declared(name, told["key"], told["sort"], told["ttl"], tuple(indexes))

    def _table(self, table: Resource, method: str, line: int) -> None:
        if table.name is None:
            return
        access = ("read",) if method in _READS else ("write",) if method in _WRITES else ()
        if access:
            self._used.append(Used("table", table.name, access, self._at(line)))

    def _mention(self, dotted: str, line: int) -> None:
        meant, member = self._meaning.mentioned(dotted, self._module, self._part)
        if isinstance(meant, Resource):
            if meant.kind == "table" and meant.name is not None:
                if member is not None:
                    self._table(meant, member, line)
                else:
                    # Handed on: who gets it may do anything with it.
                    self._used.append(Used("table", meant.name, ("read", "write"), self._at(line)))
            elif meant.kind == "queue" and meant.name is not None:
                self._used.append(Used("queue", meant.name, ("send",), self._at(line)))
        elif member is None:
            self._handed_on(meant, line)


def _members(expression: Expression | None) -> tuple[tuple[str, Expression], ...]:
    return expression[1] if expression is not None and expression[0] == "dict" else ()


def resource_of(kind: str, told: str, names: Iterable[str]) -> str | None:
    """The resource that a variable is for, out of those of its kind."""
    for name in names:
        if told in (variable(kind, name), variable("queue_url", name).removeprefix("LAMBENT_")):
            return name
    return None
