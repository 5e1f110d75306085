"""One platform for all tests of a module."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lambent.pytest_plugin.platform import Platform

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """An empty platform."""
    platform = Platform.start()
    yield platform
    platform.stop()
