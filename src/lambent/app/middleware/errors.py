"""Exceptions that become answers where this layer is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.errors import AppError, HTTPError
from lambent.app.middleware.http import REQUESTS
from lambent.app.onion import Layer

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Errors(Layer):
    """Maps exceptions to HTTPErrors: `Errors({KeyError: NotFound, Busy: lambda error: Conflict(str(error))})`.

    An exception is mapped by the nearest of its classes. A class is raised with its own message, since that of an
    exception may tell what callers are not to know; a function is called with the exception and gives an HTTPError,
    or what to answer with. What is not mapped, and exceptions in handlers of other events, pass unchanged.

    `app.error_handler` does it for all handlers outside of all layers; this one for those within it, so that layers
    around it see what it made. Raises AppError for what cannot be mapped, or mapped to.
    """

    def __init__(self, mapping: Mapping[type[Exception], type[HTTPError] | Callable[[Any], Any]]) -> None:
        for kind, answer in mapping.items():
            if not issubclass(kind, Exception):
                raise AppError(f"Errors: {kind!r} is no class of exceptions")
            if not callable(answer):
                raise AppError(
                    f"Errors: {kind.__qualname__} is mapped to {answer!r}: it has to be a class of HTTPErrors or a "
                    "function"
                )
        self._mapping: dict[type, Callable[..., Any]] = dict(mapping)

    def failed(self, invocation: Any, error: Exception) -> Any:
        """Raises the HTTPError for the exception, or the exception."""
        if invocation.kind not in REQUESTS:
            raise error
        for kind in error.__class__.__mro__:
            if kind in self._mapping:
                answer = self._mapping[kind]
                break
        else:
            raise error
        is_class = isinstance(answer, type) and issubclass(answer, HTTPError)
        made = answer() if is_class else answer(error)
        if isinstance(made, BaseException):
            raise made from error
        return made
