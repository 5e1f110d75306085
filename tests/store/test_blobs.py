# ruff: noqa: ASYNC240 - a test's loop has nothing else to do
from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from lambent.store import BlobMissing, BlobStore, StoreError

if TYPE_CHECKING:
    from pathlib import Path


async def test_a_blob_is_found_by_the_hash_of_its_content(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path / "blobs")
    name = await blobs.put(b"content")
    assert name == hashlib.sha256(b"content").hexdigest()
    assert await blobs.get(name) == b"content"
    assert blobs.path(name).read_bytes() == b"content"
    assert list(blobs.names()) == [name]


async def test_the_same_content_is_stored_once_and_counts_as_new(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    name = await blobs.put(b"content")
    os.utime(blobs.path(name), (1, 1))
    assert await asyncio.gather(*(blobs.put(b"content") for _ in range(10))) == [name] * 10
    assert list(blobs.names()) == [name]
    assert blobs.path(name).stat().st_mtime > 1


async def test_a_missing_blob_is_an_error(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    name = await blobs.put(b"content")
    await blobs.delete(name)
    await blobs.delete(name)
    with pytest.raises(BlobMissing):
        await blobs.get(name)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "ab", "A" * 64, "a" * 63 + "/"])
async def test_only_hashes_are_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(BlobMissing):
        await BlobStore(tmp_path).get(name)


async def test_leavings_of_a_killed_writer_are_not_blobs_and_can_be_discarded(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    name = await blobs.put(b"content")
    (tmp_path / "tmp-0123456789abcdef").write_bytes(b"half a b")
    assert list(blobs.names()) == [name]
    blobs.discard_temporary()
    assert not list(tmp_path.glob("tmp-*"))


async def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    blobs = BlobStore(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        with pytest.raises(StoreError):
            await blobs.put(b"x" * 5000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)
    assert list(blobs.names()) == []
    assert not list(tmp_path.glob("tmp-*"))
    await blobs.put(b"x" * 5000)


_WRITER = """
import asyncio, sys, pathlib
from lambent.store import BlobStore
async def main():
    blobs = BlobStore(pathlib.Path(sys.argv[1]))
    number = 0
    while True:
        number += 1
        print(await blobs.put(b"%d" % number * 20000), flush=True)
asyncio.run(main())
"""


def test_every_acknowledged_blob_is_whole_after_kill_9(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        [sys.executable, "-c", _WRITER, str(tmp_path)], stdout=subprocess.PIPE, env=environment
    ) as process:
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().decode().strip() for _ in range(200)]
        process.send_signal(signal.SIGKILL)
        process.stdout.read()
    blobs = BlobStore(tmp_path)
    assert set(acknowledged) <= set(blobs.names())
    for name in blobs.names():
        assert hashlib.sha256(blobs.path(name).read_bytes()).hexdigest() == name
