"""Environment variables that are others for a while."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class Environment:
    """Variables as they are set, None for those that are not to be there, until `restore` is called."""

    def __init__(self, variables: Mapping[str, str | None]) -> None:
        self._before = {name: os.environ.get(name) for name in variables}
        _set(variables)

    def restore(self) -> None:
        """Have them as they were."""
        _set(self._before)


def _set(variables: Mapping[str, str | None]) -> None:
    for name, value in variables.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
