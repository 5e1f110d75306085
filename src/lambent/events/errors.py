"""What can be wrong with a request about event source mappings.

MappingError
├── MappingNotFound    no such mapping
├── MappingExists      the function reads from that source already
├── MappingInUse       a change of the mapping is being applied
└── InvalidMapping     a setting that is not allowed, or a combination of them
"""

from __future__ import annotations


class MappingError(Exception):
    """Any refusal. Its text is complete."""


class MappingNotFound(MappingError):
    """No such mapping."""

    def __init__(self) -> None:
        super().__init__("The resource you requested does not exist.")


class MappingExists(MappingError):
    """The function reads from that source already."""


class MappingInUse(MappingError):
    """A change of the mapping is being applied: no other before it has ended."""

    def __init__(self) -> None:
        super().__init__("Cannot update the event source mapping because it is in use.")


class InvalidMapping(MappingError):
    """A setting that is not allowed."""
