"""Stage variables in texts of a configuration: `${stageVariables.name}`."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_VARIABLE: Final = re.compile(r"\$\{stageVariables\.([A-Za-z0-9_]+)\}")


def with_variables(text: str, variables: Mapping[str, str]) -> str:
    """`text` with the stage's variables in place; one that is not set is nothing."""
    return _VARIABLE.sub(lambda found: variables.get(found[1], ""), text) if "${" in text else text
