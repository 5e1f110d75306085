"""Values of requests as what handlers declare: msgspec for its types, pydantic for models of pydantic."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import msgspec

if TYPE_CHECKING:
    from collections.abc import Callable

_ANY = (Any, object)
_KNOWN = frozenset(
    {
        "builtins.NoneType",
        "builtins.bytearray",
        "builtins.memoryview",
        "builtins.object",
        "datetime.date",
        "datetime.datetime",
        "datetime.time",
        "datetime.timedelta",
        "decimal.Decimal",
        "uuid.UUID",
        "msgspec.Raw",
        "typing.Any",
        "msgspec._core.Raw",
        "msgspec.UnsetType",
        "msgspec._core.UnsetType",
    }
)
_FLAGS = {"on": "true", "yes": "true", "off": "false", "no": "false"}
_MARKS = ("__dataclass_fields__", "__attrs_attrs__", "__required_keys__", "__members__")
"""What dataclasses, attrs classes, TypedDicts and enums have."""


class Invalid(Exception):
    """A value that is not what was declared: errors as (where in the value, reason)."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__(errors)
        self.errors = errors


class NotDecodable(Exception):
    """What should be JSON and is none."""


def is_pydantic(declared: Any) -> bool:
    """Whether a model of pydantic is in the type, which can only be when it is imported."""
    if "pydantic" not in sys.modules:
        return False
    if hasattr(declared, "__pydantic_core_schema__") or hasattr(declared, "__pydantic_fields__"):
        return True
    return any(is_pydantic(one) for one in get_args(declared))


def members(declared: Any) -> list[Any]:
    """The alternatives of a union; of anything else, itself."""
    origin = get_origin(declared)
    if origin is Union or type(declared).__name__ == "UnionType":
        return list(get_args(declared))
    return [declared]


def is_list(declared: Any) -> bool:
    """Whether it takes several values."""
    return any(
        (get_origin(one) or one) in (list, set, frozenset, tuple)
        for each in members(_bare(declared))
        for one in [_bare(each)]
    )


def _bare(declared: Any) -> Any:
    return declared.__origin__ if hasattr(declared, "__metadata__") else declared


def from_text(declared: Any) -> Callable[[Any], Any] | None:
    """How text, or a list of texts, becomes a value of the type; None when text is what is wanted.

    The function raises Invalid. Raises TypeError for a type that cannot be had from text.
    """
    if declared is str or declared in _ANY:
        return None
    if is_pydantic(declared):
        return _pydantic(declared).validate_python
    convert = _converter(declared, False)
    if _may_hold_float(declared):
        convert = _of_numbers(convert)
    if bool in members(_bare(declared)):
        return lambda value: convert(flag_of(value))
    return convert


def _may_hold_float(declared: Any) -> bool:
    """Whether a float may be in what is made; of objects the members are not looked at."""
    kinds = [_bare(one) for one in members(_bare(declared))]
    return any(
        kind is float
        or hasattr(kind, "__struct_fields__")
        or any(hasattr(kind, mark) for mark in _MARKS[:3])
        or any(map(_may_hold_float, get_args(kind)))
        for kind in kinds
    )


def _of_numbers(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Without "nan" and "inf": Python takes them for floats, and JSON has no such numbers."""

    def converted(value: Any) -> Any:
        found = convert(value)
        errors = _no_numbers(found)
        if errors:
            raise Invalid(errors)
        return found

    return converted


def _no_numbers(value: Any, where: str = "") -> list[tuple[str, str]]:
    if value.__class__ is float:
        return [] if value - value == 0 else [(where, f"Expected a number, got `{value}`")]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [error for at, one in enumerate(value) for error in _no_numbers(one, f"{where}[{at}]")]
    if isinstance(value, dict):
        inside = value
    else:
        names = getattr(value, "__struct_fields__", None) or getattr(value, "__dataclass_fields__", None)
        names = names or [one.name for one in getattr(value, "__attrs_attrs__", ())]
        inside = {name: getattr(value, name) for name in names}
    return [
        error
        for name, one in inside.items()
        for error in _no_numbers(one, f"{where}.{name}" if where else str(name))
    ]


def flag_of(text: Any) -> Any:
    """What a browser sends for a ticked box, and people write for yes and no, as msgspec knows it."""
    return _FLAGS.get(text.lower(), text) if isinstance(text, str) else text


def from_object(declared: Any) -> Callable[[Any], Any] | None:
    """How what JSON or Python knows becomes a value of the type; None when any value will do.

    The function raises Invalid.
    """
    if declared in _ANY:
        return None
    if is_pydantic(declared):
        return _pydantic(declared).validate_python
    return _converter(declared, True)


def _converter(declared: Any, strict: bool) -> Callable[[Any], Any]:
    """msgspec.convert for one type; `strict` is whether text is no number. Raises TypeError as `_check`."""
    _check(declared)
    convert: Callable[..., Any] = msgspec.convert
    root = "$"
    if not isinstance(declared, type) or get_origin(declared) is not None:
        # What msgspec has found out of a union or a list it keeps only for Structs, and otherwise finds out each
        # time (1.1 us instead of 0.5): it is the member of one.
        boxed = msgspec.defstruct("Boxed", [("value", declared)], array_like=True)
        root = "$[0]"

        def convert(value: Any, declared: Any, *, strict: bool) -> Any:
            return msgspec.convert((value,), boxed, strict=strict).value  # type: ignore[attr-defined]

    if _has_dataclass(declared):
        convert = _completing(convert)

    def converted(value: Any) -> Any:
        try:
            return convert(value, declared, strict=strict)
        except msgspec.ValidationError as error:
            from lambent.app.explanation import explained

            raise explained(declared, value, _located(error, root), strict) from None

    return converted


def from_json(declared: Any) -> Callable[[bytes | str], Any]:
    """How JSON becomes a value of the type. The function raises Invalid and NotDecodable."""
    if is_pydantic(declared):
        return _pydantic(declared).validate_json
    _check(declared)
    decode = msgspec.json.Decoder(Any if declared is object else declared).decode
    if _has_dataclass(declared):
        decode = _completing(decode)

    def decoded(value: bytes | str) -> Any:
        try:
            return decode(value)
        except msgspec.ValidationError as error:
            from lambent.app.explanation import explained

            raise explained(
                declared, _json(value), _located(error), True
            ) from None  # it may not even be JSON
        except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
            raise NotDecodable(str(error)) from None

    return decoded


def _check(declared: Any) -> None:
    """Raise TypeError for a type that msgspec cannot make."""
    msgspec.json.Decoder(declared)
    # msgspec leaves classes that it does not know to hooks, and so takes any.
    for one in members(declared):
        kind = _bare(one)
        if (
            isinstance(kind, type)
            and get_origin(kind) is None
            and f"{kind.__module__}.{kind.__qualname__}" not in _KNOWN
            and not issubclass(
                kind, (msgspec.Struct, dict, list, tuple, set, frozenset, str, int, float, bytes)
            )
            and not any(hasattr(kind, mark) for mark in _MARKS)
        ):
            raise TypeError(f"nothing is known of {kind.__qualname__}")


def _has_dataclass(declared: Any) -> bool:
    return hasattr(declared, "__dataclass_fields__") or any(map(_has_dataclass, get_args(declared)))


def _completing(decode: Callable[..., Any]) -> Callable[..., Any]:
    """msgspec leaves defaults of dataclasses to the class, and then does not find them when it encodes."""

    def decoded(*arguments: Any, **options: Any) -> Any:
        value = decode(*arguments, **options)
        _complete(value)
        return value

    return decoded


def _complete(value: Any) -> None:
    if isinstance(value, (list, tuple, set, frozenset)):
        for one in value:
            _complete(one)
    elif isinstance(value, dict):
        for one in value.values():
            _complete(one)
    elif hasattr(value, "__dataclass_fields__"):
        own = getattr(value, "__dict__", None)
        for name in value.__dataclass_fields__:
            member = getattr(value, name)
            if own is not None and name not in own:
                own[name] = member
            _complete(member)


def _json(value: bytes | str) -> Any:
    """The plain objects of JSON. Raises NotDecodable unless it is that."""
    try:
        return msgspec.json.decode(value)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise NotDecodable(str(error)) from None


def _located(error: Exception, root: str = "$") -> tuple[str, str]:
    """msgspec tells where in its text: Expected `int`, got `str` - at `$.items[0].quantity`."""
    reason, at, place = str(error).partition(" - at `")
    if not at:
        return "", reason
    return place[:-1].removeprefix(root).removeprefix("."), reason


class _Pydantic:
    """A model, or a type with models in it."""

    __slots__ = ("_adapter", "_error")

    def __init__(self, declared: Any) -> None:
        from pydantic import TypeAdapter, ValidationError

        self._adapter = TypeAdapter(declared)
        self._error = ValidationError

    def validate_python(self, value: Any) -> Any:
        """From Python's objects."""
        try:
            return self._adapter.validate_python(value)
        except self._error as error:
            raise Invalid(_errors(error)) from None

    def validate_json(self, value: bytes | str) -> Any:
        """From JSON."""
        try:
            return self._adapter.validate_json(value)
        except self._error as error:
            if any(one["type"] == "json_invalid" for one in error.errors(include_url=False)):
                raise NotDecodable(_errors(error)[0][1]) from None
            raise Invalid(_errors(error)) from None


def _pydantic(declared: Any) -> _Pydantic:
    return _Pydantic(declared)


def _errors(error: Any) -> list[tuple[str, str]]:
    found = []
    for one in error.errors(include_url=False, include_input=False, include_context=False):
        place = ""
        for part in one["loc"]:
            place += f"[{part}]" if isinstance(part, int) else f".{part}" if place else str(part)
        found.append((place, one["msg"]))
    return found


__all__ = [
    "Invalid",
    "NotDecodable",
    "flag_of",
    "from_json",
    "from_object",
    "from_text",
    "is_list",
    "is_pydantic",
    "members",
]
