"""What records and messages carry, as handlers declare it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.app.conversion import Invalid, NotDecodable, from_json
from lambent.app.endpoint import InvalidParameter

if TYPE_CHECKING:
    from collections.abc import Callable

    from lambent.app.endpoint import Getter


def content(declared: Any, of: Callable[[Any], Any]) -> Getter:
    """What `of` gives of a record as text or bytes, as the declared type.

    str and bytes are given as they are, everything else is decoded from JSON. Raises TypeError.
    """
    if declared is str or declared is bytes:

        def raw(record: Any) -> Any:
            value = of(record)
            if isinstance(value, declared):
                return value
            if declared is bytes:
                return value.encode()
            try:
                return value.decode()
            except UnicodeDecodeError:
                raise InvalidParameter("body", "", [("", "It is not UTF-8")]) from None

        return raw
    decode = from_json(declared)

    def decoded(record: Any) -> Any:
        try:
            return decode(of(record))
        except Invalid as invalid:
            raise InvalidParameter("body", "", invalid.errors) from None
        except NotDecodable as error:
            raise InvalidParameter("body", "", [("", f"It is not JSON: {error}")]) from None

    return decoded
