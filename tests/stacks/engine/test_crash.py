"""kill -9 whenever something has become durable, and whenever it is about to: the next process goes on."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.stacks.engine.crash import live, process

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerContext
    from pathlib import Path

TRIES = int(os.environ.get("LAMBENT_CRASHES", "10"))
"""How many moments of the life are tried; 0 for all of them."""


@pytest.fixture(scope="module")
def forks() -> ForkServerContext:
    """Processes that begin with everything imported."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.stacks.engine.crash"])
    return context


def test_a_life_that_is_cut_goes_on(tmp_path: Path, forks: ForkServerContext) -> None:
    whole = tmp_path / "whole"
    whole.mkdir()
    moments = asyncio.run(live(whole, 0))
    dice = random.Random(7)  # noqa: S311 - which moments are tried
    tried = range(1, moments + 1) if TRIES == 0 else sorted(dice.sample(range(1, moments + 1), TRIES))
    for moment in tried:
        folder = tmp_path / str(moment)
        folder.mkdir()
        # Killed at that moment, and the next one once more after a while; then it lives to the end.
        ends = []
        for kill_at in (moment, dice.randrange(1, 40), 0):
            life = forks.Process(target=process, args=(folder, kill_at))
            life.start()
            life.join(30)
            ends.append(life.exitcode)
        assert ends[0] == -9, (moment, ends)
        assert ends[1] in (-9, 0), (moment, ends)
        assert ends[2] == 0, (moment, ends)
        shutil.rmtree(folder)
