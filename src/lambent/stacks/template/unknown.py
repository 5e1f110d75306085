"""Values that are none: what nobody knows before the resources are made, and what AWS::NoValue removes."""

from __future__ import annotations

from typing import Final


class Unknown(str):
    """What depends on a resource that is not there yet. As text it is what change sets show for such values.

    Text, so that documents with it can be written as JSON by `json`, and by msgspec with `enc_hook=str`. Compare with
    isinstance, as two of them are equal and still need not become the same.
    """

    __slots__ = ()


UNKNOWN: Final = Unknown("{{changeSet:KNOWN_AFTER_APPLY}}")
"""As in the AfterContext of change sets that were made with IncludePropertyValues."""


class Removed:
    """What AWS::NoValue becomes while values are resolved."""


REMOVED: Final = Removed()
