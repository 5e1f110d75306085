"""How the suite is run."""

from __future__ import annotations

import os

import pytest


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors (`-n auto`): many tests wait for other processes."""
    return (os.cpu_count() or 1) + 1
