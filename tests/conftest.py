"""How the suite is run."""

from __future__ import annotations

import gc
import os

import pytest

# Collections look at what collecting the tests has made, thousands of items and modules: a tenth of all the time.
gc.set_threshold(50_000, 20, 50)


def pytest_collection_finish() -> None:
    """What is there now stays to the end: collections need not look at it again."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors (`-n auto`): many tests wait for other processes."""
    return (os.cpu_count() or 1) + 1
