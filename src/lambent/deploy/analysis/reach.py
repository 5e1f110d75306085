"""Which parts of a project's code run for a handler: those that it mentions, and what these mention.

When in doubt, a part belongs to all: what is at the top of modules, and functions below decorators that are not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.deploy.analysis.meaning import Client, Here, Instance, Method, Pages, Resource

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.deploy.analysis.facts import Part
    from lambent.deploy.analysis.meaning import Meaning, Meant

Place = tuple[str, str]
"""A part: its module and its name."""

_HARMLESS: Final = (
    "abstractmethod", "asynccontextmanager", "cache", "cached_property", "classmethod", "contextmanager", "dataclass",
    "dataclasses.dataclass", "final", "lru_cache", "overload", "override", "property", "singledispatch", "staticmethod",
    "total_ordering", "wraps",
)  # fmt: skip
"""Decorators that tell nobody of what they decorate."""


class Reach:
    """The parts of all modules, and what mentions what."""

    def __init__(self, meaning: Meaning) -> None:
        self._meaning = meaning
        self._edges: dict[Place, frozenset[Place]] = {}
        self._imported: dict[Place, list[Place]] = {}
        self._providers = self._provided()

    def everything(self) -> frozenset[Place]:
        """All parts of all modules."""
        return frozenset(
            (module, part.name) for module in self._meaning.files for part in self._parts(module)
        )

    def of(
        self, handlers: Iterable[Place], others: frozenset[Place], modules: Iterable[str]
    ) -> frozenset[Place]:
        """What runs for `handlers`: also what runs when `modules` are imported, but for `others`, the handlers of
        other units.
        """
        waiting = list(handlers)
        for module in modules:
            for part in self._parts(module):
                place = (module, part.name)
                if place not in others:
                    if place not in self._imported:
                        self._imported[place] = self._at_import(place, part)
                    waiting += self._imported[place]
        seen: set[Place] = set()
        while waiting:
            place = waiting.pop()
            if place not in seen:
                seen.add(place)
                found = self._mentioned(place)
                # Modules mention handlers to register them.
                waiting += found - others if not place[1] else found
        return frozenset(seen)

    def place(self, module: str, name: str, line: int | None) -> Place | None:
        """The part with a function: by its place in the file, as its name may be that of another."""
        found = None
        for part in self._parts(module):
            if part.name and line is not None and part.first <= line <= part.last:
                return module, part.name
            if part.name == name.partition(".")[0]:
                found = (module, part.name)
        return found

    def _parts(self, module: str) -> tuple[Part, ...]:
        facts = self._meaning.facts(module)
        return facts.parts if facts is not None else ()

    def _at_import(self, place: Place, part: Part) -> list[Place]:
        module, name = place
        if part.kind == "code":
            return [place]
        if part.kind == "value":
            # What is called runs; what is made is used by who mentions its name.
            called = [self._meaning.value(call[1], module, part) for call, _ in part.calls]
            asked = [one for one in called if isinstance(one, Method) and _asks(one.of)]
            return [place] * bool(asked) + [
                (one.module, one.part)
                for one in called
                if isinstance(one, Here) and self._kind((one.module, one.part)) == "function"
            ]
        if any(not self._is_harmless(one) for one in part.decorators):
            return [(module, name)]
        return []

    def _is_harmless(self, decorator: str) -> bool:
        last = decorator.rpartition(".")[2]
        return decorator in _HARMLESS or last in _HARMLESS or last == "provide"

    def _kind(self, place: Place) -> str:
        part = self._meaning.part(*place)
        return part.kind if part is not None else ""

    def _provided(self) -> dict[Place, list[Place]]:
        """Factories of services, by the class that they make."""
        found: dict[Place, list[Place]] = {}
        for module in self._meaning.files:
            for part in self._parts(module):
                if any(one.rpartition(".")[2] == "provide" for one in part.decorators):
                    for name in part.made:
                        for made in self._definitions(name, module, part):
                            found.setdefault(made, []).append((module, part.name))
            facts, code = self._meaning.facts(module), self._meaning.part(module, "")
            for factory, told in facts.provided if facts is not None else ():
                assert code is not None
                for place in self._definitions(factory, module, code):
                    maker = self._meaning.part(*place)
                    names = (told,) if told else maker.made if maker is not None else ()
                    within = (module, code) if told or maker is None else (place[0], maker)
                    for name in names:
                        for made in self._definitions(name, *within):
                            found.setdefault(made, []).append(place)
        return found

    def _mentioned(self, place: Place) -> frozenset[Place]:
        if place not in self._edges:
            module, name = place
            part = self._meaning.part(module, name)
            found: set[Place] = set()
            for dotted in part.mentions if part is not None else ():
                assert part is not None
                found |= self._definitions(dotted, module, part)
            for one in [*found, place]:
                found.update(self._providers.get(one, ()))
            self._edges[place] = frozenset(found - {place})
        return self._edges[place]

    def _definitions(self, dotted: str, module: str, part: Part) -> set[Place]:
        """The parts that a dotted name leads to."""
        found: set[Place] = set()
        names = dotted.split(".")
        defined = self._defined(names[0], names[1:], module)
        if defined is not None:
            found.add(defined)
        meant, _ = self._meaning.mentioned(dotted, module, part)
        if isinstance(meant, (Here, Instance)):
            if meant.part:
                found.add((meant.module, meant.part))
            else:  # a module that is handed on as a whole
                found.update((meant.module, one.name) for one in self._parts(meant.module))
        return found

    def _defined(self, name: str, rest: list[str], module: str, depth: int = 12) -> Place | None:
        """Where a global name of a module is bound, whatever it means."""
        if depth == 0:
            return None
        if name and self._meaning.part(module, name) is not None:
            return module, name
        facts = self._meaning.facts(module)
        if facts is None:
            return None
        tree, file = self._meaning.tree, self._meaning.files[module]
        if name in facts.aliases:
            origin, member, level = facts.aliases[name]
            whole = tree.absolute(module, file, origin, level)
            names = [*([] if member is None else [member]), *rest]
            while names and f"{whole}.{names[0]}" in self._meaning.files:
                whole = f"{whole}.{names.pop(0)}"
            if names and whole in self._meaning.files:
                return self._defined(names[0], names[1:], whole, depth - 1)
            return None
        for origin, level in facts.stars:
            whole = tree.absolute(module, file, origin, level)
            if whole in self._meaning.files:
                found = self._defined(name, rest, whole, depth - 1)
                if found is not None:
                    return found
        return None


def _asks(of: Meant) -> bool:
    """Whether what has a method is a service's client: calling it is a use, and not only a preparation."""
    return isinstance(of, (Pages, Resource)) or (isinstance(of, Client) and of.service != "")
