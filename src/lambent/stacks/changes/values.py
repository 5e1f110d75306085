"""Values of properties, compared as CloudFormation does: by what they say, not by JSON's types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import msgspec

from lambent.stacks.template.unknown import Unknown

Path: TypeAlias = tuple[str, ...]
"""Names from the outside inwards; items of lists are numbered: `("Tags", "0", "Value")`."""


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Final = _Absent()
"""What is not there on one side."""


class Leaf(NamedTuple):
    """One place at which two values differ; `before` or `after` is ABSENT where there is nothing."""

    path: Path
    before: Any
    after: Any

    @property
    def kind(self) -> Literal["Add", "Remove", "Modify"]:
        if self.before is ABSENT:
            return "Add"
        return "Remove" if self.after is ABSENT else "Modify"


def same(one: Any, other: Any) -> bool:
    """Whether both say the same, as `10` and `"10"` do, `true` and `"true"`. What is not known yet is like nothing."""
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and one.keys() == other.keys()
            and all(same(value, other[name]) for name, value in one.items())
        )
    if isinstance(one, list):
        return (
            isinstance(other, list)
            and len(one) == len(other)
            and all(same(item, another) for item, another in zip(one, other, strict=True))
        )
    if isinstance(other, Mapping | list) or isinstance(one, Unknown) or isinstance(other, Unknown):
        return False
    return one is other or scalar(one) == scalar(other)


def scalar(value: Any) -> str:
    """A number, a truth or a text as the text that CloudFormation takes it for."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return "null" if value is None else str(value)


def leaves(before: Any, after: Any, path: Path = ()) -> Iterator[Leaf]:
    """Where they differ, as deep as both go on alike: into maps by name, into lists by number."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in {**before, **after}:
            yield from leaves(before.get(name, ABSENT), after.get(name, ABSENT), (*path, name))
    elif isinstance(before, list) and isinstance(after, list):
        for index in range(max(len(before), len(after))):
            yield from leaves(
                before[index] if index < len(before) else ABSENT,
                after[index] if index < len(after) else ABSENT,
                (*path, str(index)),
            )
    elif before is not after and not same(before, after):
        yield Leaf(path, before, after)


def ends(value: Any, path: Path) -> Iterator[Path]:
    """The paths of all that a value holds that holds nothing itself."""
    if isinstance(value, Mapping) and value:
        for name, inner in value.items():
            yield from ends(inner, (*path, name))
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from ends(inner, (*path, str(index)))
    else:
        yield path


def text_of(value: Any) -> str:
    """A value as change sets and drift tell it: a text as it is, all else as compact JSON whose numbers and truths are
    texts.
    """
    if isinstance(value, Mapping | list):
        return msgspec.json.encode(texts(value)).decode()
    return scalar(value)


def texts(value: Any) -> Any:
    """The value with all its scalars as texts."""
    if isinstance(value, Mapping):
        return {name: texts(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [texts(inner) for inner in value]
    return str(scalar(value))
