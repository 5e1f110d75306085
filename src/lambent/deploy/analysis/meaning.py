"""What expressions of a project stand for: a queue of Lambent's, a client of boto3, a variable of the environment.

Names are followed through assignments, imports and the results of functions; nothing is run. What cannot be followed
is nothing: None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from lambent.deploy.analysis.facts import Expression, Facts, Part
    from lambent.deploy.analysis.modules import SourceTree


class Text(NamedTuple):
    """A text that stands in the code."""

    text: str


class Outer(NamedTuple):
    """Something that is not the project's: `boto3.client`."""

    name: str


class Here(NamedTuple):
    """A function or class of the project, or (`part` "") a module of it."""

    module: str
    part: str


class Instance(NamedTuple):
    """What a class of the project makes."""

    module: str
    part: str


class Variable(NamedTuple):
    """The value of a variable of the environment."""

    name: str


class Resource(NamedTuple):
    """A `Queue` or a `Table` of Lambent's; `name` is None where the code does not tell it."""

    kind: str
    name: str | None


class Client(NamedTuple):
    """A client of boto3; `service` "" is a session."""

    service: str


class BotoResource(NamedTuple):
    """A resource of boto3's (`boto3.resource("s3")`), or one of its own (`kind` "Table") with what names it."""

    service: str
    kind: str = ""
    argument: Meant | None = None


class Pages(NamedTuple):
    """A paginator of a client's operation."""

    service: str
    operation: str


class Method(NamedTuple):
    """A method of one of the above."""

    of: Resource | Client | BotoResource | Pages
    name: str


Meant: TypeAlias = (
    Text | Outer | Here | Instance | Variable | Resource | Client | BotoResource | Pages | Method
)

_RESOURCES: Final = {"Queue": "queue", "Table": "table"}
_DEPTH: Final = 24


class Meaning:
    """Tells what stands in the files of a project."""

    def __init__(self, tree: SourceTree, files: dict[str, str]) -> None:
        self.tree = tree
        self.files = files
        self._facts = {module: tree.facts(file) for module, file in files.items()}
        self._parts = {
            module: {part.name: part for part in facts.parts}
            for module, facts in self._facts.items()
            if facts is not None
        }

    def facts(self, module: str) -> Facts | None:
        """The facts of a module of the project."""
        return self._facts.get(module)

    def part(self, module: str, name: str) -> Part | None:
        """A part of a module."""
        return self._parts.get(module, {}).get(name)

    def value(self, expression: Expression, module: str, part: Part, depth: int = _DEPTH) -> Meant | None:
        """What an expression in a part of a module stands for."""
        if depth == 0:
            return None
        kind = expression[0]
        if kind == "text":
            return Text(expression[1])
        if kind == "name":
            return self._name(expression[1], module, part, depth)
        if kind == "of":
            told = _spelt(expression)
            if told is not None and told in part.locals and part.locals[told] != expression:
                return self.value(part.locals[told], module, part, depth - 1)
            if part.kind == "class" and expression[1] == ("name", "self"):
                member = expression[2]
                return (
                    self.value(part.locals[member], module, part, depth - 1)
                    if member in part.locals
                    else None
                )
            of = self.value(expression[1], module, part, depth - 1)
            return None if of is None else self._member(of, expression[2], depth - 1)
        if kind == "item":
            of = self.value(expression[1], module, part, depth - 1)
            key = self.value(expression[2], module, part, depth - 1)
            if key == Text("QueueUrl") and isinstance(of, (Text, Variable)):
                return of  # get_queue_url(QueueName=…)["QueueUrl"]
            if of == Outer("os.environ"):
                return Variable(key.text) if isinstance(key, Text) else None
            return of if isinstance(of, Outer) and is_lambents(of.name) else None  # Table[Order]
        if kind == "call":
            called = self.value(expression[1], module, part, depth - 1)
            if called is None:
                return None
            arguments = [self.value(one, module, part, depth - 1) for one in expression[2]]
            keywords = {name: self.value(one, module, part, depth - 1) for name, one in expression[3]}
            return self._called(called, arguments, keywords, depth - 1)
        return None

    def mentioned(self, dotted: str, module: str, part: Part) -> tuple[Meant | None, str | None]:
        """What the beginning of a dotted name stands for, as long as it is a part of the project or a resource, and the
        name after it.
        """
        names = dotted.split(".")
        expression: Expression = ("name", names[0])
        at = 1
        meant = self.value(expression, module, part)
        while at < len(names):
            if isinstance(meant, (Resource, Client, BotoResource)) or (
                isinstance(meant, (Here, Instance)) and meant.part and self._is_whole(meant)
            ):
                break
            expression = ("of", expression, names[at])
            at += 1
            meant = self.value(expression, module, part)
        return meant, names[at] if at < len(names) else None

    def _is_whole(self, meant: Here | Instance) -> bool:
        part = self.part(meant.module, meant.part)
        return part is not None and part.kind in ("function", "class")

    def _name(self, name: str, module: str, part: Part, depth: int) -> Meant | None:
        local = part.locals.get(name)
        if local is not None and local != ("name", name):
            return self.value(local, module, part, depth - 1)
        return self._global(name, module, depth)

    def _global(self, name: str, module: str, depth: int) -> Meant | None:
        if depth == 0:
            return None
        found = self._parts.get(module, {}).get(name)
        if found is not None:
            if found.kind in ("function", "class"):
                return Here(module, name)
            return self.value(found.locals[name], module, found, depth - 1) if name in found.locals else None
        facts = self._facts.get(module)
        if facts is None:
            return None
        file = self.files[module]
        code = self.part(module, "")
        if code is not None and name in code.locals:
            return self.value(code.locals[name], module, code, depth - 1)
        if name in facts.aliases:
            origin, member, level = facts.aliases[name]
            whole = self.tree.absolute(module, file, origin, level)
            return self._imported(whole, member, depth - 1)
        for origin, level in facts.stars:
            whole = self.tree.absolute(module, file, origin, level)
            if whole in self.files:
                meant = self._global(name, whole, depth - 1)
                if meant is not None:
                    return meant
            elif whole == "lambent" and name[:1].isupper():
                return Outer(f"lambent.{name}")
        return None

    def _imported(self, module: str, member: str | None, depth: int) -> Meant | None:
        if member is None:
            return Here(module, "") if self.tree.locate(module) is not None else Outer(module)
        if f"{module}.{member}" in self.files:
            return Here(f"{module}.{member}", "")
        if module in self.files:
            return self._global(member, module, depth)
        return Outer(f"{module}.{member}") if self.tree.locate(module) is None else None

    def _member(self, of: Meant, name: str, depth: int) -> Meant | None:
        if isinstance(of, Outer):
            return Outer(f"{of.name}.{name}")
        if isinstance(of, Here) and not of.part:
            return self._imported(of.module, name, depth)
        if isinstance(of, (Here, Instance)):
            part = self.part(of.module, of.part)
            if part is None:
                return None
            for spelt in (f"self.{name}", name) if isinstance(of, Instance) else (name,):
                if spelt in part.locals:
                    return self.value(part.locals[spelt], of.module, part, depth)
            return None
        if isinstance(of, Method):
            return _of_member(of, name)
        if isinstance(of, (Resource, Client, BotoResource, Pages)):
            return Method(of, name)
        return None

    def _called(
        self, called: Meant, arguments: list[Meant | None], keywords: dict[str, Meant | None], depth: int
    ) -> Meant | None:
        first = arguments[0] if arguments else None
        if isinstance(called, Outer):
            return _outer_called(called.name, first, arguments, keywords)
        if isinstance(called, Method):
            return _method_called(called, first, keywords)
        if isinstance(called, Here) and called.part:
            part = self.part(called.module, called.part)
            if part is None:
                return None
            if part.kind == "class":
                return Instance(called.module, called.part)
            for returned in part.returns:
                meant = self.value(returned, called.module, part, depth)
                if meant is not None:
                    return meant
        return None


def is_lambents(name: str) -> bool:
    """Whether something from outside is the framework's."""
    return name.startswith("lambent.")


def _outer_called(
    name: str, first: Meant | None, arguments: list[Meant | None], keywords: dict[str, Meant | None]
) -> Meant | None:
    last = name.rpartition(".")[2]
    if is_lambents(name) and last in _RESOURCES:
        named = first or keywords.get("name")
        return Resource(_RESOURCES[last], named.text if isinstance(named, Text) else None)
    if name in ("boto3.client", "boto3.resource"):
        service = first or keywords.get("service_name")
        if not isinstance(service, Text):
            return None
        return Client(service.text) if last == "client" else BotoResource(service.text)
    if name in (
        "boto3.Session",
        "boto3.session.Session",
        "aioboto3.Session",
        "aiobotocore.session.get_session",
    ):
        return Client("")
    if name in ("os.getenv", "os.environ.get") and isinstance(first, Text):
        return Variable(first.text)
    return None


def _method_called(called: Method, first: Meant | None, keywords: dict[str, Meant | None]) -> Meant | None:
    of = called.of
    if isinstance(of, Client) and not of.service:
        service = first or keywords.get("service_name")
        if isinstance(service, Text) and called.name in ("client", "create_client"):
            return Client(service.text)
        return BotoResource(service.text) if isinstance(service, Text) and called.name == "resource" else None
    if isinstance(of, Client) and called.name in ("get_paginator", "get_waiter"):
        operation = first or keywords.get("operation_name")
        return Pages(of.service, operation.text) if isinstance(operation, Text) else None
    if called.name in ("get_queue_url", "get_queue_by_name"):
        queue = keywords.get("QueueName")
        return queue if isinstance(of, Client) else BotoResource("sqs", "Queue", queue)
    if isinstance(of, BotoResource) and called.name[:1].isupper():
        # What a resource has is in it: `bucket.Object("key")`.
        return BotoResource(
            of.service, called.name, of.argument if of.kind else first or next(iter(keywords.values()), None)
        )
    if isinstance(of, BotoResource) and of.kind and called.name == "batch_writer":
        return of._replace(kind="BatchWriter")
    return None


def _of_member(of: Method, name: str) -> Meant | None:
    """A member of a member of boto3's resources: `table.meta.client`, `bucket.objects.filter`."""
    if not isinstance(of.of, BotoResource):
        return None
    if of.name == "meta":
        return Client(of.of.service) if name == "client" else None
    return Method(of.of, f"{of.name}.{name}")


def _spelt(expression: Expression) -> str | None:
    """A dotted name as it stands in the code."""
    parts: list[str] = []
    while expression[0] == "of":
        parts.append(expression[2])
        expression = expression[1]
    return ".".join([expression[1], *reversed(parts)]) if expression[0] == "name" else None
