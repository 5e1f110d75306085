from __future__ import annotations

import hashlib
import os
import zipfile
from typing import TYPE_CHECKING

import pytest

from lambent.deploy.build.packing import fingerprint, pack, write_zip
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_zip_that_anybody_reads(tmp_path: Path) -> None:
    contents = {"app.py": b"x = 1\n" * 100, "größe/ä.txt": b"z", "empty": b"", "run.sh": os.urandom(5000)}
    for number, data in enumerate(contents.values()):
        (tmp_path / str(number)).write_bytes(data)
    made = pack(
        [(name, tmp_path / str(number), name == "run.sh") for number, name in enumerate(contents)],
        tmp_path / "pack",
    )
    sha256, size = write_zip(tmp_path / "a.zip", [(entry.name, entry, made) for entry in made.entries])
    data = (tmp_path / "a.zip").read_bytes()
    assert (hashlib.sha256(data).hexdigest(), len(data)) == (sha256, size)
    with zipfile.ZipFile(tmp_path / "a.zip") as archive:
        assert archive.testzip() is None
        assert {info.filename: archive.read(info) for info in archive.infolist()} == contents
        assert [info.external_attr >> 16 & 0o777 for info in archive.infolist()] == [
            0o644,
            0o644,
            0o644,
            0o755,
        ]
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_the_bytes_of_a_zip_are_decided_by_names_modes_and_contents_alone(tmp_path: Path) -> None:
    # What does not become smaller is stored, so these bytes are the same with every zlib.
    (tmp_path / "a").write_bytes(b"abc")
    (tmp_path / "b").write_bytes(b"\0\1\2")
    (tmp_path / "b").chmod(0o600)
    made = pack([("a.py", tmp_path / "a", False), ("b", tmp_path / "b", True)], tmp_path / "pack")
    sha256, size = write_zip(tmp_path / "a.zip", [(entry.name, entry, made) for entry in made.entries])
    assert (sha256, size) == ("83fc7d2e273d1138dd4f8b91fb57b42ede558448e20372dbf3c4d7a78360b1b0", 190)
    assert (
        fingerprint((entry.name, entry.executable, entry.digest) for entry in made.entries)
        == "8e70023bc5c9f92a11af39401af3a0193b23210f926f0f3e10065a9e96e3d161"
    )


def test_a_pack_that_was_cut_off_is_noticed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    made = pack([("a", tmp_path / "a", False)], tmp_path / "pack")
    (tmp_path / "pack").write_bytes(b"a")
    with pytest.raises(BuildError, match="is damaged"):
        write_zip(tmp_path / "a.zip", [(entry.name, entry, made) for entry in made.entries])
