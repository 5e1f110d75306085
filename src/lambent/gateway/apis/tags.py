"""Tags of APIs, stages, domain names and VPC links."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from lambent.gateway.apis.errors import BadApiRequest

if TYPE_CHECKING:
    from collections.abc import Iterable

_MOST: Final = 50
_KEY: Final = 128
_VALUE: Final = 256
RESERVED: Final = "aws:"
"""What the keys of tags that nobody but AWS may set begin with."""
_OF_STACKS: Final = "aws:cloudformation:"


def check(tags: dict[str, str]) -> dict[str, str]:
    """`tags`, unless one is not allowed. Raises BadApiRequest.

    CloudFormation's are: who may set them is for those to know that hear who asks.

    Limits are those of tags on every AWS resource ("Restrictions", API Gateway developer guide, tagging).
    """
    if len(tags) > _MOST:
        raise BadApiRequest(f"Too many tags: a resource can have at most {_MOST}")
    for key, value in tags.items():
        if key.lower().startswith(RESERVED) and not key.startswith(_OF_STACKS):
            raise reserved(key)
        if not 1 <= len(key) <= _KEY:
            raise BadApiRequest(f"Tag keys must be between 1 and {_KEY} characters long: {key}")
        if len(value) > _VALUE:
            raise BadApiRequest(f"Tag values must be at most {_VALUE} characters long: {key}")
    return tags


def reserved(key: str) -> BadApiRequest:
    """That a key is not anybody's to set."""
    return BadApiRequest(f"Tag keys starting with '{RESERVED}' are reserved for system use: {key}")


def added(tags: dict[str, str], new: dict[str, str]) -> dict[str, str]:
    """`tags` with `new` ones. Raises BadApiRequest."""
    return check({**tags, **new})


def removed(tags: dict[str, str], keys: Iterable[str]) -> dict[str, str]:
    """`tags` without `keys`; those that are not there are no error."""
    gone = set(keys)
    return {key: value for key, value in tags.items() if key not in gone}
