"""What is noted of the uses in a project's code, and how a part of it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.deploy.analysis.meaning import Variable

if TYPE_CHECKING:
    from lambent.deploy.analysis.facts import Expression, Part
    from lambent.deploy.analysis.meaning import Meaning, Meant

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
    """Of one part, or of several. `made` are services with the place where a client of them is made, `asked` those of
    which a call is known, or told as a doubt.
    """

    used: tuple[Used, ...] = ()
    called: tuple[Called, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    declared: tuple[Declared, ...] = ()
    made: tuple[tuple[str, str], ...] = ()
    asked: frozenset[str] = frozenset()


class Notes:
    """Of one part of a module."""

    def __init__(self, meaning: Meaning, module: str, part: Part) -> None:
        self._meaning = meaning
        self._module = module
        self._part = part
        self._file = meaning.files[module]
        self._used: list[Used] = []
        self._called: list[Called] = []
        self._doubts: list[Doubt] = []
        self._declared: list[Declared] = []
        self._made: list[tuple[str, str]] = []
        self._asked: set[str] = set()

    def noted(self) -> Uses:
        """All of it."""
        return Uses(
            tuple(self._used),
            tuple(self._called),
            tuple(self._doubts),
            tuple(self._declared),
            tuple(self._made),
            frozenset(self._asked),
        )

    def _value(self, expression: Expression) -> Meant | None:
        return self._meaning.value(expression, self._module, self._part)

    def _at(self, line: int) -> str:
        return f"{self._file}:{line}"

    def _variable(self, meant: Meant | None, line: int, access: tuple[str, ...] = ()) -> bool:
        """Note that a resource of the app is found by a variable; whether it is one."""
        if not isinstance(meant, Variable):
            return False
        for beginning, kind in VARIABLES.items():
            if meant.name.startswith(beginning):
                self._used.append(Used(kind, meant.name, access, self._at(line), by_variable=True))
                return True
        return False
