"""Handlers of whole batches: `def store(messages: list[Message], receipts: list[Receipt])`.

A handler that asks for the list of the records is called once for the batch, for writing all of it at once. Its lists
are in the same order and have one element of each record. Records that are not as declared have failed, and are in
none of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args, get_origin

from lambent.app.errors import AppError
from lambent.app.request import Invocation
from lambent.app.signature import described, signature_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.endpoint import Getter, Resolver
    from lambent.app.signature import Parameter

    Elements = Callable[[Any], "Getter | None"]
    """For the declared type of an element, what gives it of a record; None for types it does not know."""


class WholeBatch(Invocation):
    """A batch. `rows` are, by record, what each of the handler's lists has of it."""

    def __init__(
        self, kind: str, event: Any, context: Any, rows: list[list[Any]], window: Any = None
    ) -> None:
        super().__init__(event, context)
        self.kind = kind
        self.rows = rows
        self.window = window


def is_whole(handler: Callable[..., Any], records: Elements) -> bool:
    """Whether a handler asks for the list of the records, whose types `records` knows."""
    return any(
        get_origin(parameter.type) is list and records(get_args(parameter.type)[0]) is not None
        for parameter in signature_of(handler).parameters
    )


class WholeResolver:
    """Resolves lists of what records have; `columns` give it of a record. Raises AppError."""

    __slots__ = ("_elements", "_handler", "_others", "columns")

    def __init__(
        self, handler: Callable[..., Any], elements: tuple[Elements, ...], others: Resolver | None
    ) -> None:
        self._handler = handler
        self._elements = elements
        self._others = others
        self.columns: list[Getter] = []

    def __call__(self, parameter: Parameter) -> Getter | None:
        """Where a parameter comes from."""
        getter = self._others(parameter) if self._others is not None else None
        if getter is not None:
            return getter
        if get_origin(parameter.type) is not list or parameter.marker is not None:
            raise AppError(
                f"{described(self._handler)}: it is called for whole batches, as it asks for the list of the records, "
                f"and {parameter.name!r} is no list of what they have"
            )
        (declared,) = get_args(parameter.type)
        try:
            column = next((found for one in self._elements if (found := one(declared)) is not None), None)
        except TypeError as error:
            raise AppError(
                f"{described(self._handler)}: elements of {parameter.name!r} cannot be made from JSON: {error}"
            ) from None
        if column is None:
            raise AppError(
                f"{described(self._handler)}: records have nothing that {parameter.name!r} could be a list of"
            )
        place = len(self.columns)
        self.columns.append(column)
        return lambda batch: [row[place] for row in batch.rows]
