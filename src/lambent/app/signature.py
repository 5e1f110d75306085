"""The parameters of a handler, from its signature and type hints.

Without `inspect`, which alone takes longer to import than everything here.
"""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, get_args, get_origin, get_type_hints

from lambent.app.errors import AppError
from lambent.app.markers import Marker

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

MISSING: Any = object()

_VARARGS, _VARKEYWORDS, _GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x04, 0x08, 0x20, 0x80, 0x200


class Parameter:
    """One parameter. `type` is what it is declared as, Any when it is not; `default` is MISSING without one."""

    __slots__ = ("default", "keyword_only", "marker", "name", "type")

    def __init__(self, name: str, declared: Any, default: Any, keyword_only: bool) -> None:
        self.name = name
        self.default = default
        self.keyword_only = keyword_only
        self.marker: Marker | None = None
        self.type = declared
        if get_origin(declared) is Annotated:
            inner, *metadata = get_args(declared)
            for one in metadata:
                if isinstance(one, Marker):
                    self.marker = one
                elif isinstance(one, type) and issubclass(one, Marker):
                    self.marker = one()
            rest = [one for one in metadata if one is not self.marker and not isinstance(one, Marker)]
            rest = [one for one in rest if not (isinstance(one, type) and issubclass(one, Marker))]
            self.type = Annotated[(inner, *rest)] if rest else inner


class Signature:
    """What a handler takes. `returns` is the declared type of its result, MISSING when there is none."""

    __slots__ = ("any_keyword", "parameters", "returns")

    def __init__(self, parameters: list[Parameter], returns: Any, any_keyword: bool) -> None:
        self.parameters = parameters
        self.returns = returns
        self.any_keyword = any_keyword


def fresh(default: Any) -> Any:
    """A default for one invocation: what its handler puts into a list is nobody else's."""
    return default.copy() if default.__class__ in (list, dict, set) else default


def described(handler: Callable[..., Any]) -> str:
    """A handler as a person finds it: `create_order (shop/orders.py:12)`."""
    function = plain_function(handler)[0]
    if isinstance(function, partial):
        return f"partial({described(function.func)})"
    if not hasattr(function, "__qualname__"):
        function = type(function)
    name = getattr(function, "__qualname__", None) or repr(handler)
    code = getattr(function, "__code__", None)
    return f"{name} ({code.co_filename}:{code.co_firstlineno})" if code is not None else name


def without_parentheses(handler: Any, decorator: str) -> AppError:
    """The mistake of a decorator that was given the handler where it wants something else, or nothing."""
    return AppError(f"{described(handler)}: write @app.{decorator}(…), with parentheses")


def plain_function(handler: Any) -> tuple[Any, bool]:
    """The plain function within, and whether its first parameter is bound already.

    Decorators that keep `__wrapped__` show the signature of what they wrap.
    """
    bound = False
    while True:
        if hasattr(handler, "__wrapped__"):
            handler = handler.__wrapped__
        elif hasattr(handler, "__func__"):
            handler, bound = handler.__func__, True
        elif isinstance(handler, partial):
            return handler, bound
        elif not hasattr(handler, "__code__") and not isinstance(handler, type) and callable(handler):
            method = type(handler).__call__
            if not hasattr(method, "__code__"):
                return handler, bound
            handler, bound = method, True
        else:
            return handler, bound


def is_coroutine_function(handler: Any) -> bool:
    """Whether calling it gives an awaitable."""
    while not hasattr(handler, "__code__"):
        if isinstance(handler, partial):
            handler = handler.func
        elif hasattr(handler, "__func__"):
            handler = handler.__func__
        elif not isinstance(handler, type) and hasattr(type(handler).__call__, "__code__"):
            handler = type(handler).__call__
        else:
            return False
    return bool(handler.__code__.co_flags & _COROUTINE)


def innermost(handler: Any) -> Any:
    """What decorators that keep `__wrapped__` are around."""
    while hasattr(handler, "__wrapped__"):
        handler = handler.__wrapped__
    return handler


def positions(handler: Any) -> int | None:
    """How many arguments to give by position because of a handler's decorators, the others by keyword; None for all.

    Frameworks call handlers with keywords, and decorators that take `(*args, **kwargs)` may look for one by its name.
    Those that name some of their own, `(event, context, *args, **kwargs)`, know these by their places only.
    """
    if not hasattr(handler, "__wrapped__"):
        return None
    named = []
    while hasattr(handler, "__wrapped__"):
        code = getattr(handler, "__code__", None)
        if code is None or not code.co_flags & _VARKEYWORDS:
            return None
        if code.co_argcount:
            named.append(None if code.co_flags & _VARARGS else code.co_argcount)
        handler = handler.__wrapped__
    code = getattr(handler, "__code__", None)
    least = code.co_posonlyargcount if code is not None else 0
    if not named:
        return least
    limits = [one for one in named if one is not None]
    return max(min(limits), least) if limits else None


def is_generator_function(handler: Any) -> bool:
    """Whether calling it gives a generator."""
    return _flagged(handler, _GENERATOR)


def is_async_generator_function(handler: Any) -> bool:
    """Whether calling it gives an asynchronous generator."""
    return _flagged(handler, _ASYNC_GENERATOR)


def _flagged(handler: Any, flag: int) -> bool:
    while isinstance(handler, partial):
        handler = handler.func
    code = getattr(getattr(handler, "__func__", handler), "__code__", None)
    return code is not None and bool(code.co_flags & flag)


def signature_of(handler: Callable[..., Any]) -> Signature:
    """The signature. Raises AppError when a type hint cannot be resolved, or for *args."""
    function, bound = plain_function(handler)
    if isinstance(function, partial):
        return _partly(function)
    if isinstance(function, type):
        function, bound = function.__init__, True  # type: ignore[misc]
        if function is object.__init__:
            return Signature([], MISSING, False)
    code = getattr(function, "__code__", None)
    if code is None:
        raise AppError(f"{handler!r} has no signature that can be read: wrap it in a function")
    hints = hints_of(function)
    count, keyword_only = code.co_argcount, code.co_kwonlyargcount
    if code.co_flags & _VARARGS:
        raise AppError(
            f"{described(handler)} takes *{code.co_varnames[count + keyword_only]}: name its parameters"
        )
    names = code.co_varnames[:count]
    defaults = getattr(function, "__defaults__", None) or ()
    given = dict(zip(names[count - len(defaults) :], defaults, strict=True))
    parameters = [Parameter(name, hints.get(name, Any), given.get(name, MISSING), False) for name in names]
    if bound:
        parameters = parameters[1:]
    given = getattr(function, "__kwdefaults__", None) or {}
    parameters += [
        Parameter(name, hints.get(name, Any), given.get(name, MISSING), True)
        for name in code.co_varnames[count : count + keyword_only]
    ]
    return Signature(parameters, hints.get("return", MISSING), bool(code.co_flags & _VARKEYWORDS))


def _partly(handler: partial[Any]) -> Signature:
    """What is left to give to a function of which some parameters have been given."""
    signature = signature_of(handler.func)
    left, by_keyword = [], False
    for parameter in signature.parameters[len(handler.args) :]:
        if parameter.name in handler.keywords:
            by_keyword = True  # those that follow would take its place
            continue
        parameter.keyword_only = parameter.keyword_only or by_keyword
        left.append(parameter)
    return Signature(left, signature.returns, signature.any_keyword)


def hints_of(function: Any) -> dict[str, Any]:
    """The type hints of a function or class, resolved. Raises AppError."""
    hints = getattr(function, "__annotations__", None)
    if not hints:
        return {}
    if not any(isinstance(hint, str) for hint in hints.values()):
        return dict(hints)
    try:
        return get_type_hints(function, include_extras=True)
    except NameError:
        pass
    # Handlers are often defined in functions, tests for example, and their hints name what is local there.
    frame: FrameType | None = sys._getframe(1)
    local: dict[str, Any] = {}
    while frame is not None:
        if frame.f_locals is not frame.f_globals:
            local = {**frame.f_locals, **local}
        frame = frame.f_back
    try:
        return get_type_hints(function, localns=local, include_extras=True)
    except NameError as error:
        raise AppError(
            f"{described(function)}: the type hint {error.name!r} is not known where the handler is added to the app. "
            "Define or import it before, and not only for type checkers"
        ) from None
