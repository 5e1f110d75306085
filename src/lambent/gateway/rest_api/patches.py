"""Patch operations: how API Gateway's updates say what is to change.

"Patch operations" of the API Gateway REST API reference: paths are those of the resource's representation, with `~1`
for a slash within a name; values are texts. Messages are API Gateway's own, recorded in
localstack/localstack, tests/aws/services/apigateway/test_apigateway_api.snapshot.json.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias, TypeVar

import msgspec
from msgspec.structs import replace

from lambent.gateway.apis.errors import ApiNotFound, BadApiRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from lambent.gateway.rest_api.records import Record

R = TypeVar("R", bound="Record")
Members: TypeAlias = dict[str, Any]
"""The members of a record in snake case."""

ONLY_REPLACE: Final = "Invalid patch operation specified. Must be one of: [replace]"
_ANY_CHANGE: Final = "Invalid patch operation specified. Must be 'add'|'remove'|'replace'"


class Operation(NamedTuple):
    """One change. `path` is as it was given."""

    op: str
    path: str
    value: str | None = None
    origin: str | None = None
    """`from` of copy and move."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The names in the path."""
        return tuple(step.replace("~1", "/").replace("~0", "~") for step in self.path.split("/")[1:])


Change: TypeAlias = "Callable[[Members, Operation, tuple[str, ...]], None]"
"""Makes one change; the last argument is what the pattern's stars stand for. Raises BadApiRequest, ApiNotFound."""


class Patches:
    """What of a kind of record can be changed: patterns of paths, in which `*` stands for any one name.

    `style` is how a path is refused: "listed" tells those there are, "plain" only that it is none of them.
    """

    def __init__(
        self, changes: Mapping[str, Change], *, style: Literal["listed", "plain"] = "listed"
    ) -> None:
        self._changes = [(tuple(pattern.split("/")[1:]), change) for pattern, change in changes.items()]
        self._listed = [pattern for pattern in changes if "*" not in pattern]
        self._style = style

    def apply(self, record: R, operations: Iterable[Operation]) -> R:
        """The changed record. Raises BadApiRequest, ApiNotFound."""
        members = msgspec.structs.asdict(record)
        for operation in operations:
            self._change(operation)(members, operation, self._stars(operation))
        return replace(record, **members)

    def _find(self, steps: tuple[str, ...]) -> tuple[tuple[str, ...], Change] | None:
        for pattern, change in self._changes:
            if len(pattern) == len(steps) and all(
                one in ("*", step) for one, step in zip(pattern, steps, strict=True)
            ):
                return pattern, change
        return None

    def _stars(self, operation: Operation) -> tuple[str, ...]:
        found = self._find(operation.steps)
        pattern = found[0] if found is not None else ()
        return tuple(step for one, step in zip(pattern, operation.steps, strict=True) if one == "*")

    def _change(self, operation: Operation) -> Change:
        found = self._find(operation.steps) if operation.path else None
        if found is not None:
            return found[1]
        if self._style == "plain":
            raise BadApiRequest(f"Invalid patch path {operation.path or 'null'}")
        raise _not_listed(operation, self._listed)


def _not_listed(operation: Operation, listed: list[str]) -> BadApiRequest:
    where = f"Invalid patch path  '{operation.path}' specified for op '{operation.op}'."
    if operation.op != "replace":
        return BadApiRequest(f"{where} Please choose supported operations")
    return BadApiRequest(f"{where} Must be one of: [{', '.join(listed)}]")


def operations_of(given: Iterable[Mapping[str, Any]] | None) -> list[Operation]:
    """`patchOperations` of a request."""
    return [
        Operation(one.get("op") or "", one.get("path") or "", one.get("value"), one.get("from"))
        for one in given or ()
    ]


def unsupported(operation: Operation) -> BadApiRequest:
    """That an operation is none for a member."""
    return BadApiRequest(
        f"Invalid patch path  '{operation.path}' specified for op '{operation.op}'. "
        "Please choose supported operations"
    )


# ---------------------------------------------------------------- members


def text(name: str, *, remove: bool = False, plain: bool = False, required: str = "") -> Change:
    """A text; an empty one is none. `required` is what to say of one that may not be empty."""

    def change(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
        if operation.op == "remove" and remove:
            members[name] = None
            return
        _check_replaces(operation, plain)
        if required and not (operation.value or "").strip():
            raise BadApiRequest(required)
        members[name] = operation.value or None

    return change


def flag(name: str, *, plain: bool = False) -> Change:
    """True or false; all but `true` is false, as on AWS."""

    def change(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
        _check_replaces(operation, plain)
        members[name] = (operation.value or "").lower() == "true"

    return change


def number(
    name: str, least: float, most: float, refusal: str, *, whole: bool = True, plain: bool = False
) -> Change:
    """A number between two others, or none."""

    def change(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
        _check_replaces(operation, plain)
        members[name] = numeric(operation.value, least, most, refusal, whole=whole)

    return change


def numeric(value: str | None, least: float, most: float, refusal: str, *, whole: bool = True) -> Any:
    """A number that is given as a text; None for none. Raises BadApiRequest."""
    if not value:
        return None
    try:
        found = int(value) if whole else float(value)
    except ValueError:
        raise BadApiRequest(refusal) from None
    if not least <= found <= most:
        raise BadApiRequest(refusal)
    return found


def choice(name: str, allowed: tuple[str, ...], refusal: str, *, plain: bool = False) -> Change:
    """One of several texts."""

    def change(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
        _check_replaces(operation, plain)
        if operation.value not in allowed:
            raise BadApiRequest(refusal)
        members[name] = operation.value

    return change


def entry(
    name: str,
    missing: str = "Invalid parameter name specified",
    *,
    flags: bool = False,
    empty: str = "",
    keeps: bool = False,
) -> Change:
    """A value of a map. `flags`: it is true or false. `missing`: what to say of one that is to be replaced or removed
    and is not there; `empty`: of one without a value. `keeps`: a map without any is shown.
    """

    def change(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
        values = dict(members[name] or {})
        key = stars[0]
        if operation.op in ("remove", "replace") and key not in values and missing:
            raise ApiNotFound(missing)
        if operation.op == "remove":
            values.pop(key, None)
        elif operation.op in ("add", "replace"):
            if empty and not operation.value:
                raise BadApiRequest(empty)
            values[key] = operation.value == "true" if flags else operation.value or ""
        else:
            raise unsupported(operation)
        members[name] = values or ({} if keeps else None)

    return change


def item(name: str) -> Change:
    """A member of a list, by its value."""

    def change(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
        values = list(members[name] or ())
        key = stars[0]
        if operation.op == "add":
            if key not in values:
                values.append(key)
        elif operation.op == "remove":
            if key not in values:
                raise ApiNotFound(f"Invalid {name.replace('_', ' ')} specified: {key}")
            values.remove(key)
        elif operation.op == "replace":
            if key in values:
                values.remove(key)
            values.append(operation.value or key)
        else:
            raise BadApiRequest(_ANY_CHANGE)
        members[name] = tuple(values) or None

    return change


def added(name: str) -> Change:
    """A list whose members are added and removed by their value, as `/authorizationScopes` and `/providerARNs` are."""

    def change(members: Members, operation: Operation, stars: tuple[str, ...]) -> None:
        values = list(members[name] or ())
        given = [one for one in (operation.value or "").split(",") if one]
        if operation.op == "add":
            values += [one for one in given if one not in values]
        elif operation.op == "remove":
            values = [one for one in values if given and one not in given]
        elif operation.op == "replace":
            values = given
        else:
            raise BadApiRequest(_ANY_CHANGE)
        members[name] = tuple(values) or None

    return change


def _check_replaces(operation: Operation, plain: bool) -> None:
    if operation.op != "replace":
        raise BadApiRequest(ONLY_REPLACE) if plain else unsupported(operation)
