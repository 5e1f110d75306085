"""Fn::ForEach: what a loop's items make of its fragment.

Sources: CloudFormation Template Reference, "Fn::ForEach"; AWS's own templates and results for it (aws-sam-cli,
compatibility tests of `cfn_language_extensions`); measured behaviour (ministack): identifiers are put into the keys of
fragments (`${Item}`, and `&{Item}` without what is not alphanumeric), into the texts of Fn::Sub (`${Item}` only) and
for Ref; other texts stay as they are. A loop can have several identifiers for a list of lists, and two for a map's keys
and values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError
from lambent.stacks.template.declarations import ALPHANUMERIC
from lambent.stacks.template.functions import FOR_EACH, SUB_NAMES, parted, text_of
from lambent.stacks.template.text import LARGEST_BYTES
from lambent.stacks.template.unknown import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRANSFORM: Final = "AWS::LanguageExtensions"
DEEPEST: Final = 5
"""Loops within loops."""
_MOST: Final = 20_000
"""Turns of all loops of a template together: what comes of more cannot be a template's size."""
TOO_LARGE: Final = f"Template may not exceed {LARGEST_BYTES} bytes in size."
_PLACEHOLDER: Final = re.compile(r"([$&])\{([^!{}][^{}]*)\}")

Bindings = dict[str, str]


def failed(message: str) -> ValidationError:
    """What the transform says, as CloudFormation tells it."""
    return ValidationError(f"Transform {TRANSFORM} failed with: {message}")


class Loops:
    """Expands the loops of a template. `value`: evaluates what a collection or an identifier is made of, or raises
    ValidationError. `parameters`: names that identifiers and loops cannot have.
    """

    def __init__(
        self,
        value: Callable[[Any, Bindings], Any],
        parameters: Mapping[str, Any],
        resources: Mapping[str, Any],
    ) -> None:
        self._value = value
        self._parameters = parameters
        self._resources = resources
        self._names: set[str] = set()
        self._turns = 0
        self._written = 0

    def check_names(self, section: Any) -> None:
        """Raises ValidationError for loops of one name, or with the name of something else."""
        waiting = [section]
        while waiting:
            here = waiting.pop()
            if isinstance(here, list):
                waiting.extend(here)
            elif isinstance(here, dict):
                for key, inner in here.items():
                    if key.startswith(FOR_EACH):
                        name = key[len(FOR_EACH) :]
                        if name in self._names or name in self._parameters or name in self._resources:
                            raise failed(f"{key}: the name of a loop has to be unique within the template")
                        self._names.add(name)
                    waiting.append(inner)

    def expand(
        self,
        key: str,
        loop: Any,
        bindings: Bindings,
        expand: Callable[[Any, Bindings], Any],
        into: dict[str, Any],
        *,
        ids: bool,
        depth: int = 1,
    ) -> None:
        """Add to a map what a loop in it makes: `expand` for what is in its fragment. `ids`: the keys are names of
        resources, outputs or conditions.
        """
        if not isinstance(loop, list) or len(loop) != 3 or not key[len(FOR_EACH) :]:
            raise failed("Fn::ForEach layout is incorrect")
        if depth > DEEPEST:
            raise failed(f"{key}: loops can be nested {DEEPEST} deep at most")
        identifier, collection, fragment = loop
        identifiers = self._identifiers(key, identifier, bindings)
        if not isinstance(fragment, dict) or isinstance(collection, str):
            raise failed("Fn::ForEach layout is incorrect")
        for item in self._items(key, collection, bindings):
            self._turns += 1
            if self._turns > _MOST:
                raise failed(TOO_LARGE)
            inner = bindings | self._bound(key, identifiers, item, bindings)
            for name, value in fragment.items():
                _check_length(name, inner)
                if name.startswith(FOR_EACH):
                    self.expand(name, value, inner, expand, into, ids=ids, depth=depth + 1)
                    continue
                made = placed(name, inner)
                if ids and not ALPHANUMERIC.fullmatch(made):
                    raise failed(f"OutputKey '{made}' should be alphanumeric")
                if made in into:
                    raise failed(f"Duplicate key '{made}' when merging keys to parent object in Fn::ForEach")
                self._written += len(made)
                if self._written > LARGEST_BYTES:
                    raise failed(TOO_LARGE)
                into[made] = expand(value, inner)

    def _identifiers(self, key: str, given: Any, bindings: Bindings) -> list[str]:
        found = given if isinstance(given, list) else [given]
        names = [self._value(one, bindings) if isinstance(one, dict) else one for one in found]
        if not names or not all(isinstance(name, str) and name for name in names):
            raise failed("Fn::ForEach layout is incorrect")
        for name in names:
            if name in self._parameters:
                raise failed(f"{key}: identifier '{name}' conflicts with a parameter")
            if name in bindings:
                raise failed(f"{key}: identifier '{name}' conflicts with that of another loop")
        return names

    def _items(self, key: str, collection: Any, bindings: Bindings) -> list[Any]:
        try:
            items = self._value(collection, bindings)
        except ValidationError:
            items = None
        if isinstance(items, dict):
            items = [[name, item] for name, item in items.items()]
        if not isinstance(items, list) or any(isinstance(item, Unknown) for item in items):
            raise failed("Could not find a collection or could not be resolved for Fn::ForEach")
        return items

    def _bound(self, key: str, identifiers: list[str], item: Any, bindings: Bindings) -> Bindings:
        values = [item] if len(identifiers) == 1 else item
        if not isinstance(values, list) or len(values) != len(identifiers):
            raise failed("Fn::ForEach layout is incorrect")
        try:
            texts = [text_of(value, "") for value in values]
        except ValidationError:
            raise failed("Fn::ForEach layout is incorrect") from None
        return dict(zip(identifiers, texts, strict=True))


def _check_length(key: str, bindings: Bindings) -> None:
    """Raises ValidationError for a key that would be longer than a template with what its placeholders stand for."""
    longest = max(map(len, bindings.values()), default=0)
    if longest * key.count("{") > LARGEST_BYTES:
        length = sum(len(bindings.get(match[2], "")) for match in _PLACEHOLDER.finditer(key))
        if length > LARGEST_BYTES:
            raise failed(TOO_LARGE)


def placed(key: str, bindings: Bindings) -> str:
    """A key with what its placeholders stand for."""

    def one(match: re.Match[str]) -> str:
        item = bindings.get(match[2])
        if item is None:
            return match[0]
        return item if match[1] == "$" else re.sub(r"[^0-9A-Za-z]", "", item)

    return _PLACEHOLDER.sub(one, key)


def substituted(argument: Any, bindings: Bindings, expand: Callable[[Any, Bindings], Any]) -> Any:
    """An Fn::Sub with what its loops' variables stand for: a text when nothing is left to be put in."""
    own: dict[str, Any] = {}
    text = argument
    if isinstance(argument, list) and len(argument) == 2 and isinstance(argument[1], dict):
        text, own = argument[0], {name: expand(value, bindings) for name, value in argument[1].items()}
    if not isinstance(text, str):
        return {"Fn::Sub": expand(argument, bindings)}

    parts = parted(text)
    for index in range(1, len(parts), 2):
        if "${" in parts[index]:
            raise ValidationError(SUB_NAMES)
        name = parts[index].strip()
        if name in bindings and name not in own:
            parts[index] = bindings[name]
        else:
            parts[index] = f"${{{parts[index]}}}"
    if sum(map(len, parts)) > LARGEST_BYTES:
        raise failed(TOO_LARGE)
    text = "".join(parts)
    if own:
        return {"Fn::Sub": [text, own]}
    if bindings and "${" not in text:
        return text
    return {"Fn::Sub": text}
