"""All transforms of a template, in CloudFormation's order."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import Pseudo, expand_extensions
from lambent.stacks.transforms import include
from lambent.stacks.transforms.macros import Macro, call_macro
from lambent.stacks.transforms.sam import SAM, SamTranslator
from lambent.stacks.transforms.values import Values

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lambent.clock import Clock
    from lambent.neighbours.service_calls import AskService
    from lambent.stacks.transforms.fetcher import Fetcher

FindMacro: TypeAlias = Callable[[str, str, str], Macro | None]
"""Account, region and name of a macro to what was made of it."""

_EMBEDDED: Final = "Fn::Transform"
_WHOLE: Final = "Transform"
_EXTENSIONS: Final = "AWS::LanguageExtensions"
_NOT_SERVED: Final = frozenset(
    {
        "AWS::CodeDeployBlueGreen",
        "AWS::CodeStar",
        "AWS::SecretsManager-2020-07-23",
        "AWS::SecretsManager-2024-09-16",
        "AWS::ServiceCatalog",
    }
)
"""Hosted by AWS (Template Reference, "Transform reference"), and not here."""

Path = tuple["str | int", ...]


class _Definition(NamedTuple):
    """One transform as a template names it."""

    name: str
    parameters: Any


class _Stack(NamedTuple):
    """For whom it is done. `values`: what Ref gives for parameters."""

    account: str
    region: str
    values: Mapping[str, Any]
    pseudo: Pseudo


class Transforms:
    """Does what `Transform` and `Fn::Transform` say.

    `find_macro` tells which macros there are; whoever keeps the stacks sets it. Transforms inside the template come
    first, the innermost before those around them, then those of the whole template, each group in the order of its list
    (CloudFormation User Guide, "Macro evaluation order"). What a transform makes may have no others.
    """

    def __init__(self, ask: AskService, fetcher: Fetcher, clock: Clock) -> None:
        self._ask = ask
        self._fetcher = fetcher
        self._sam = SamTranslator(ask, clock)
        self.find_macro: FindMacro = _no_macros

    def warm(self) -> None:
        """Start what takes its time to start, without waiting for it: a SAM template is likely to come."""
        # Why it does not start is told when it is needed.
        with contextlib.suppress(OSError, ValidationError):
            self._sam.warm()

    def close(self) -> None:
        """End the translator's process; it starts again when it is needed."""
        self._sam.close()

    @staticmethod
    def needs_auto_expand(template: Mapping[str, Any]) -> bool:
        """Whether the template has any transform, which CAPABILITY_AUTO_EXPAND acknowledges."""
        return _WHOLE in template or next(_places(template), None) is not None

    async def apply(
        self,
        template: dict[str, Any],
        *,
        account: str,
        region: str,
        stack_name: str,
        parameters: Mapping[str, Any],
        capabilities: Sequence[str] = (),
        stack_id: str = "",
    ) -> dict[str, Any]:
        """The processed template; what is given stays as it is. `parameters`: values as Ref gives them.

        Raises ValidationError: `Transform AWS::Serverless-2016-10-31 failed with: …`.
        """
        whole = _definitions(template.get(_WHOLE, []))
        if any(transform.name == SAM for transform in whole):
            self.warm()
        places = list(_places(template))
        if not whole and not places:
            return template
        pseudo = Pseudo.of(account, region, stack_id, stack_name)
        stack = _Stack(account, region, parameters, pseudo)
        document: Any = {name: part for name, part in template.items() if name != _WHOLE}
        for path in places:
            document = await self._embedded(document, path, stack)
        for transform in whole:
            document = await self._do(transform, document, document, stack, whole=True)
            if not isinstance(document, dict):
                raise ValidationError("Template format error: unsupported structure.")
            document.pop(_WHOLE, None)
        if (left := next(_places(document), None)) is not None:
            raise ValidationError(
                f"Template format error: {'/'.join(map(str, left)) or 'the template'} has a Fn::Transform that a "
                "transform has made: transforms of what transforms make are not supported."
            )
        processed: dict[str, Any] = document
        return processed

    async def _embedded(self, document: Any, path: Path, stack: _Stack) -> Any:
        """The document with the fragment at `path`, of which one part is Fn::Transform, transformed."""
        around = _at(document, path)
        fragment: Any = {name: part for name, part in around.items() if name != _EMBEDDED}
        for transform in _definitions(around[_EMBEDDED]):
            if transform.name in (SAM, _EXTENSIONS):
                raise ValidationError(f"Transform {transform.name} is not supported in Fn::Transform.")
            fragment = await self._do(transform, fragment, document, stack, whole=False)
        return _replaced(document, path, fragment)

    async def _do(
        self, transform: _Definition, fragment: Any, document: dict[str, Any], stack: _Stack, *, whole: bool
    ) -> Any:
        name = transform.name
        given = Values({**stack.pseudo.values(), **stack.values}, document).parameters(
            name, transform.parameters
        )
        if name == include.NAME:
            included = await include.include(self._fetcher, given, stack.account, stack.region)
            return include.merged(fragment, included, whole=whole)
        if name == SAM:
            return await self._sam.translate(fragment, stack.values, stack.account, stack.region)
        if name == _EXTENSIONS:
            return await asyncio.to_thread(expand_extensions, fragment, stack.values, stack.pseudo)
        if name in _NOT_SERVED:
            raise ValidationError(f"Transform {name} failed with: this transform of AWS is not served here.")
        if name.startswith("AWS::"):
            raise ValidationError(f"No transform named {name} found.")
        macro = self.find_macro(stack.account, stack.region, name)
        if macro is None:
            raise ValidationError(f"No transform named {stack.account}::{name} found.")
        return await call_macro(self._ask, macro, fragment, given, stack.values, stack.account, stack.region)


def _no_macros(account: str, region: str, name: str) -> Macro | None:
    return None


def _definitions(given: Any) -> list[_Definition]:
    """What stands at Transform or Fn::Transform: a name, a map of Name and Parameters, or a list of them.

    Lists in the list are taken as well, as CloudFormation does.
    """
    if isinstance(given, list):
        return [definition for one in given for definition in _definitions(one)]
    name, parameters = (
        (given.get("Name"), given.get("Parameters")) if isinstance(given, dict) else (given, None)
    )
    if not isinstance(name, str):
        raise ValidationError("Key Name of transform definition must be a string.")
    return [_Definition(name, parameters)]


def _places(template: Mapping[str, Any]) -> Iterator[Path]:
    """Paths of maps with a Fn::Transform in them, the innermost first."""
    found: list[Path] = []
    stack: list[tuple[Path, Any]] = [((), template)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            if _EMBEDDED in value:
                found.append(path)
            children: Any = ((name, part) for name, part in value.items() if name != _EMBEDDED)
        else:
            children = enumerate(value)
        stack.extend(((*path, name), part) for name, part in children if isinstance(part, (dict, list)))
    # Among those of one depth the order of the template; a parent's path is shorter than its children's.
    found.reverse()
    yield from sorted(found, key=len, reverse=True)


def _at(document: Any, path: Path) -> dict[str, Any]:
    for part in path:
        document = document[part]
    found: dict[str, Any] = document
    return found


def _replaced(document: Any, path: Path, value: Any) -> Any:
    """A document with another value at `path`, which shares the rest."""
    if not path:
        return value
    first, rest = path[0], path[1:]
    changed: Any = list(document) if isinstance(document, list) else dict(document)
    changed[first] = _replaced(document[first], rest, value)
    return changed
