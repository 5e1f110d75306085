"""What the parts of a project's code use: queues, tables, other functions, connections, and AWS through boto3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.app.sources.naming import variable
from lambent.deploy.analysis import actions
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

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.deploy.analysis.facts import Expression, Part
    from lambent.deploy.analysis.meaning import Meaning, Meant
    from lambent.deploy.analysis.reach import Place

CALLS: Final = frozenset({"invoke", "invoke_async", "ainvoke", "ainvoke_async"})
CONNECTIONS: Final = frozenset(
    name.replace("*", a)
    for name in ("*post_to_connection", "*delete_connection", "*get_connection")
    for a in ("", "a")
)
VARIABLES: Final = {
    "QUEUE_URL_": "queue",
    "LAMBENT_QUEUE_": "queue",
    "LAMBENT_TABLE_": "table",
    "LAMBENT_BUCKET_": "bucket",
    "LAMBENT_TOPIC_": "topic",
    "LAMBENT_STREAM_": "stream",
    "LAMBENT_FUNCTION_": "function",
    "LAMBENT_CHANNEL_": "channel",
}
"""How variables begin that tell a resource of the app, and its kind."""

_READS: Final = frozenset({"get", "aget", "query", "aquery", "scan", "ascan"})
_WRITES: Final = frozenset({"put", "aput", "update", "aupdate", "delete", "adelete"})


class Used(NamedTuple):
    """A resource of the app by its name, or (`variable`) by a variable; and what is done with it, if that is seen."""

    kind: str
    name: str
    access: tuple[str, ...]
    where: str
    by_variable: bool = False


class Called(NamedTuple):
    """IAM actions of a call of boto3, and the ARNs of what it is for: none where the code does not tell."""

    actions: tuple[str, ...]
    arns: tuple[str, ...]
    where: str
    is_narrow: bool
    """Whether it could be narrower, if the code told more."""


class Doubt(NamedTuple):
    """What could not be followed."""

    message: str
    where: str
    hint: str


class Declared(NamedTuple):
    """A table that is declared where importing does not come by, with as much of it as are texts in the code."""

    name: str
    key: str | None
    sort: str | None
    ttl: str | None
    indexes: tuple[tuple[str, tuple[str, ...]], ...]


class Uses(NamedTuple):
    """Of one part, or of several."""

    used: tuple[Used, ...] = ()
    called: tuple[Called, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    declared: tuple[Declared, ...] = ()


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
        return Uses(
            tuple(sorted(used)),
            tuple(sorted(called)),
            tuple(sorted(doubts)),
            tuple(sorted(declared, key=lambda one: one.name)),
        )


class _Collector:
    def __init__(self, meaning: Meaning, module: str, part: Part) -> None:
        self._meaning = meaning
        self._module = module
        self._part = part
        self._file = meaning.files[module]
        self._used: list[Used] = []
        self._called: list[Called] = []
        self._doubts: list[Doubt] = []
        self._declared: list[Declared] = []

    def uses(self) -> Uses:
        bound = set(self._part.locals.values())
        based = {call[1][1] for call, _ in self._part.calls if call[1][0] == "of"}
        for call, line in self._part.calls:
            self._call(call, line, is_bound=call in bound or call in based)
        for item, line in self._part.items:
            self._variable(self._value(item), line)
        for dotted, line in self._part.mentions.items():
            self._mention(dotted, line)
        return Uses(tuple(self._used), tuple(self._called), tuple(self._doubts), tuple(self._declared))

    def _value(self, expression: Expression) -> Meant | None:
        return self._meaning.value(expression, self._module, self._part)

    def _at(self, line: int) -> str:
        return f"{self._file}:{line}"

    def _call(self, call: Expression, line: int, *, is_bound: bool) -> None:
        function = self._value(call[1])
        keywords = dict(call[3])
        if isinstance(function, Outer):
            self._outer(function.name, call, line, is_bound)
        elif isinstance(function, Method):
            of = function.of
            if isinstance(of, Resource) and of.kind == "table":
                self._table(of, function.name, line)
            elif isinstance(of, Client) and of.service:
                self._client(of.service, function.name, call, line)
            elif isinstance(of, BotoResource):
                self._boto_resource(of, function.name, keywords, line)
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

    def _variable(self, meant: Meant | None, line: int, access: tuple[str, ...] = ()) -> bool:
        """Note that a resource of the app is found by a variable; whether it is one."""
        if not isinstance(meant, Variable):
            return False
        for beginning, kind in VARIABLES.items():
            if meant.name.startswith(beginning):
                self._used.append(Used(kind, meant.name, access, self._at(line), by_variable=True))
                return True
        return False

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
        elif isinstance(meant, Client) and meant.service and member is None:
            self._doubts.append(
                Doubt(
                    f"a client of {meant.service} is handed on here, and its calls cannot be followed",
                    self._at(line),
                    "Ask for what it needs with permissions in the settings.",
                )
            )

    # ------------------------------------------------------------ boto3

    def _client(self, service: str, method: str, call: Expression, line: int) -> None:
        keywords = dict(call[3])
        if method == "generate_presigned_url":
            given = self._value(call[2][0] if call[2] else keywords.get("ClientMethod", ("?",)))
            parameters = keywords.get("Params", call[2][1] if len(call[2]) > 1 else ("?",))
            if isinstance(given, Text) and parameters[0] == "dict":
                self._operation(service, given.text, dict(parameters[1]), line)
            return
        if service == "s3" and method in (
            "upload_file",
            "upload_fileobj",
            "download_file",
            "download_fileobj",
        ):
            bucket = 0 if method.startswith("download") else 1
            if len(call[2]) > bucket:
                keywords.setdefault("Bucket", call[2][bucket])
        self._operation(service, method, keywords, line)

    def _operation(self, service: str, method: str, keywords: dict[str, Expression], line: int) -> None:
        needed = actions.actions_of(service, method)
        if needed is None:
            if not actions.is_service(service):
                self._doubts.append(Doubt(f"boto3 knows no service {service}", self._at(line), ""))
            return
        named = actions.named(service)
        values: list[Meant | None] = []
        if named is not None and named.parameter in keywords:
            values.append(self._value(keywords[named.parameter]))
        elif service == "dynamodb" and "RequestItems" in keywords and keywords["RequestItems"][0] == "dict":
            values += [Text(name) for name, _ in keywords["RequestItems"][1]]
        elif service == "events" and "Entries" in keywords:
            # Entries without a bus are for the default one.
            values.append(self._bus_of(keywords["Entries"]))
        self._permit(service, needed, values, line)

    def _bus_of(self, entries: Expression) -> Meant | None:
        """The one bus that all entries are for."""
        if entries[0] != "list" or not entries[1]:
            return None
        found = set()
        for entry in entries[1]:
            if entry[0] != "dict":
                return None
            found.add(self._value(dict(entry[1]).get("EventBusName", ("text", "default"))))
        return found.pop() if len(found) == 1 else None

    def _boto_resource(
        self, of: BotoResource, method: str, keywords: dict[str, Expression], line: int
    ) -> None:
        if not of.kind:
            return  # `resource.Table(…)`, which asks nobody
        needed = actions.actions_of_resource(of.service, of.kind, method)
        if needed is None:
            if of.service == "s3" and method in ("all", "filter"):
                needed = ("s3:ListBucket",)
            elif method[:1].isupper():
                return
            else:
                self._doubts.append(
                    Doubt(
                        f"what {of.kind}.{method} of boto3's resource {of.service} needs is not known",
                        self._at(line),
                        "Ask for it with permissions in the settings.",
                    )
                )
                return
        self._permit(of.service, needed, [of.argument], line)

    def _permit(self, service: str, needed: tuple[str, ...], values: list[Meant | None], line: int) -> None:
        if not needed:
            return
        named = actions.named(service)
        arns: list[str] = []
        for value in values:
            if named is not None and named.kind is not None and isinstance(value, Variable):
                if self._variable(value, line, actions.access_of(named.kind, needed)):
                    return
            elif isinstance(value, Text):
                arns += actions.arns_of(service, value.text)
        is_all = any(
            action.startswith(("s3:ListAll", "dynamodb:ListTables", "sqs:ListQueues")) for action in needed
        )
        self._called.append(
            Called(
                tuple(sorted(needed)),
                tuple(sorted(set(arns))) or ("*",),
                self._at(line),
                is_narrow=bool(arns) or named is None or is_all,
            )
        )


def _members(expression: Expression | None) -> tuple[tuple[str, Expression], ...]:
    return expression[1] if expression is not None and expression[0] == "dict" else ()


def resource_of(kind: str, told: str, names: Iterable[str]) -> str | None:
    """The resource that a variable is for, out of those of its kind."""
    for name in names:
        if told in (variable(kind, name), variable("queue_url", name).removeprefix("LAMBENT_")):
            return name
    return None
