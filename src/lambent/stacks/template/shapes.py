"""What can be said of values before anything is known: the form of functions' arguments, and what they refer to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ValidationError
from lambent.stacks.template import functions as fn

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME: Final = re.compile(r"[A-Za-z0-9_.:]+")
_KEY: Final = re.compile(r"[A-Za-z0-9_]+")
_SUB_HAS_NO: Final = frozenset(fn.BOOLEAN | {"Fn::GetAZs", "Fn::Cidr", "Fn::Split"})


class Found:
    """What the values of a section refer to; names in the order in which they stand there.

    `refs`: by Ref or a variable of Fn::Sub. `attributes`: resources by Fn::GetAtt; `parts`: variables of Fn::Sub with a
    dot. `certain`: resources that are referred to whatever the conditions are. `conditions`: by Fn::If. `maps`: names
    and keys of Fn::FindInMap where they are written out. `used`: the functions.
    """

    __slots__ = ("attributes", "certain", "conditions", "maps", "parts", "refs", "under_if", "used")

    def __init__(self) -> None:
        self.refs: dict[str, None] = {}
        self.attributes: dict[str, None] = {}
        self.parts: dict[str, None] = {}
        self.certain: set[str] = set()
        self.conditions: dict[str, None] = {}
        self.maps: dict[tuple[str, ...], None] = {}
        self.used: set[str] = set()
        self.under_if = 0

    def needs(self, name: str) -> None:
        """A resource, if it is one."""
        if not self.under_if:
            self.certain.add(name)

    @property
    def resources(self) -> set[str]:
        """All names that may be resources'."""
        return {*self.refs, *self.attributes, *(part.partition(".")[0] for part in self.parts)}


def look(value: Any, found: Found) -> None:
    """Collect what a value refers to. Raises ValidationError for functions whose arguments have not the right form."""
    kind = type(value)
    if kind is list:
        for item in value:
            if type(item) is not str:
                look(item, found)
    elif kind is dict:
        if len(value) == 1:
            for name, argument in value.items():
                check = _CHECKS.get(name)
                if check is not None:
                    found.used.add(name)
                    check(argument, found)
                    return
                if name[:4] == "Fn::":
                    raise fn.unsupported(name)
        for name, item in value.items():
            if type(item) is not str:
                look(item, found)
            if name[:4] == "Fn::":
                if name in _CHECKS:
                    raise ValidationError(
                        f"Template format error: {name} must be the only member of the map it stands in."
                    )
                if name[: len(fn.FOR_EACH)] == fn.FOR_EACH:
                    raise fn.unsupported(name)


def _ref(argument: Any, found: Found) -> None:
    if type(argument) is not str or not argument:
        raise ValidationError(fn.REF)
    found.refs[argument] = None
    found.needs(argument)


def _get_att(argument: Any, found: Found) -> None:
    parts = fn.attribute_of(argument)
    if parts is None:
        raise ValidationError(fn.GET_ATT)
    found.attributes[parts[0]] = None
    found.needs(parts[0])
    look(parts[1], found)


def _sub(argument: Any, found: Found) -> None:
    own: dict[str, Any] = {}
    if type(argument) is list:
        if len(argument) != 2 or type(argument[1]) is not dict:
            raise ValidationError(fn.SUB)
        argument, own = argument
        for name, value in own.items():
            if not _KEY.fullmatch(name):
                raise ValidationError(fn.SUB_KEYS)
            if type(value) is list or (type(value) is dict and fn.function_of(value) in (None, *_SUB_HAS_NO)):
                raise ValidationError(fn.SUB_VALUES)
            look(value, found)
    if type(argument) is not str:
        raise ValidationError(fn.SUB)
    for name in fn.variables(argument):
        if not _NAME.fullmatch(name):
            raise ValidationError(fn.SUB_NAMES)
        if name in own:
            continue
        if "." in name:
            found.parts[name] = None
            found.needs(name.partition(".")[0])
        else:
            found.refs[name] = None
            found.needs(name)


def _if(argument: Any, found: Found) -> None:
    if type(argument) is not list or not argument or type(argument[0]) is not str:
        raise ValidationError(fn.IF_CONDITION if type(argument) is list else fn.IF)
    if len(argument) != 3:
        raise ValidationError(fn.IF)
    found.conditions[argument[0]] = None
    found.under_if += 1
    look(argument[1], found)
    look(argument[2], found)
    found.under_if -= 1


def _find_in_map(argument: Any, found: Found) -> None:
    if type(argument) is not list or len(argument) not in (3, 4):
        raise ValidationError(fn.FIND_IN_MAP)
    if len(argument) == 4 and (type(argument[3]) is not dict or "DefaultValue" not in argument[3]):
        raise ValidationError(fn.FIND_IN_MAP)
    for part in argument[:3]:
        if type(part) is list or part is None:
            raise ValidationError(fn.FIND_IN_MAP)
        look(part, found)
    if len(argument) == 4:
        look(argument[3], found)
    else:
        literal = [part for part in argument if type(part) is not dict]
        if len(literal) == 3 or (literal and type(argument[0]) is not dict):
            names = argument if len(literal) == 3 else argument[:1]
            found.maps[tuple(fn.text_of(name, fn.FIND_IN_MAP) for name in names)] = None


def _pair(message: str, second: tuple[type, ...]) -> Callable[[Any, Found], None]:
    """A list of two: a scalar or a function, and one of the types or a function."""

    def check(argument: Any, found: Found) -> None:
        if (
            type(argument) is not list
            or len(argument) != 2
            or type(argument[0]) is list
            or not isinstance(argument[1], (*second, dict))
        ):
            raise ValidationError(message)
        for part in argument:
            if type(part) is dict and fn.function_of(part) is None:
                raise ValidationError(message)
            look(part, found)

    return check


def _select(argument: Any, found: Found) -> None:
    if type(argument) is not list or not argument:
        raise ValidationError(fn.SELECT_INDEX)
    if type(argument[0]) is str and not argument[0].strip().lstrip("+-").isdigit():
        raise ValidationError(fn.SELECT_INDEX)
    if len(argument) != 2 or not isinstance(argument[1], list | dict):
        raise ValidationError(fn.SELECT)
    look(argument, found)


def _import(argument: Any, found: Found) -> None:
    inner = Found()
    if type(argument) is list or (type(argument) is dict and fn.function_of(argument) is None):
        raise ValidationError(fn.IMPORT)
    look(argument, inner)
    if inner.used & {"Fn::ImportValue", "Fn::GetAZs", "Fn::GetStackOutput", "Fn::GetAtt"} or inner.parts:
        raise ValidationError(fn.IMPORT_DEPENDS)
    found.used |= inner.used
    found.conditions.update(inner.conditions)
    found.maps.update(inner.maps)
    found.refs.update(inner.refs)
    found.certain |= inner.certain


def _one(message: str) -> Callable[[Any, Found], None]:
    """A scalar or a function."""

    def check(argument: Any, found: Found) -> None:
        if type(argument) is list or (type(argument) is dict and fn.function_of(argument) is None):
            raise ValidationError(message)
        look(argument, found)

    return check


def _cidr(argument: Any, found: Found) -> None:
    if type(argument) is not list or len(argument) not in (2, 3):
        raise ValidationError(fn.CIDR)
    look(argument, found)


def _stack_output(argument: Any, found: Found) -> None:
    if type(argument) is not dict or not {"StackName", "OutputName"} <= argument.keys():
        raise ValidationError(fn.STACK_OUTPUT)
    look(argument, found)


def _boolean(argument: Any, found: Found) -> None:
    raise ValidationError(fn.NOT_COLLAPSED)


_CHECKS: Final[dict[str, Callable[[Any, Found], None]]] = {
    "Ref": _ref,
    "Fn::And": _boolean,
    "Fn::Base64": _one(fn.BASE64),
    "Fn::Cidr": _cidr,
    "Fn::Equals": _boolean,
    "Fn::FindInMap": _find_in_map,
    "Fn::GetAZs": _one(fn.GET_AZS),
    "Fn::GetAtt": _get_att,
    "Fn::GetStackOutput": _stack_output,
    "Fn::If": _if,
    "Fn::ImportValue": _import,
    "Fn::Join": _pair(fn.JOIN, (list,)),
    "Fn::Not": _boolean,
    "Fn::Or": _boolean,
    "Fn::Select": _select,
    "Fn::Split": _pair(fn.SPLIT, (str, int, float)),
    "Fn::Sub": _sub,
}


# --- conditions ------------------------------------------------------------------------------------------------------

NO_CONDITION: Final = (
    "Template format error: Conditions can only be boolean operations on parameters and other conditions"
)
NAMELESS: Final = "Template error: All Conditions must be of type string"


def look_at_condition(condition: Any, found: Found, others: dict[str, None]) -> None:
    """Collect what a condition refers to; `others`: conditions that it names. Raises ValidationError."""
    if type(condition) is not dict or len(condition) != 1:
        raise ValidationError(NO_CONDITION)
    ((function, argument),) = condition.items()
    if function == "Condition":
        if type(argument) is not str:
            raise ValidationError(NAMELESS)
        others[argument] = None
    elif function == "Fn::Equals":
        if type(argument) is not list or len(argument) != 2:
            raise ValidationError(fn.EQUALS)
        look(argument, found)
    elif function in ("Fn::And", "Fn::Or"):
        if type(argument) is not list or not 2 <= len(argument) <= 10:
            raise ValidationError(fn.AND if function == "Fn::And" else fn.OR)
        for part in argument:
            look_at_condition(part, found, others)
    elif function == "Fn::Not":
        if type(argument) is not list or len(argument) != 1:
            raise ValidationError(fn.NOT)
        look_at_condition(argument[0], found, others)
    else:
        look(condition, found)
        raise ValidationError(NO_CONDITION)


# --- null ------------------------------------------------------------------------------------------------------------


def place_of_null(document: dict[str, Any]) -> str | None:
    """Where the document has a null, as CloudFormation tells it; None where it has none."""
    waiting: list[tuple[Any, Any]] = [(document, None)]
    while waiting:
        here = waiting.pop()
        value = here[0]
        for name, item in value.items() if type(value) is dict else enumerate(value):
            kind = type(item)
            if item is None:
                return _path((name, here))
            if kind is dict or kind is list:
                waiting.append((item, (name, here)))
    return None


def _path(step: Any) -> str:
    names = []
    while step is not None:
        names.append(str(step[0]))
        step = step[1][1]
    names.reverse()
    # CloudFormation's own slip: in reports of nulls the properties of a resource stand under its Type.
    if len(names) > 3 and names[0] == "Resources" and names[2] == "Properties":
        names[2] = "Type"
    return "/" + "/".join(names)
