from __future__ import annotations

import contextlib
import io
import stat
import tempfile
import warnings
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambent.functions import CodeRejected, Limits
from lambent.functions.archive import unpack_archive

UNUSABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    folder.mkdir()
    return folder


def entry(name: str, mode: int = stat.S_IFREG | 0o644, **attributes: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    for attribute, value in attributes.items():
        setattr(info, attribute, value)
    return info


def link(name: str) -> zipfile.ZipInfo:
    return entry(name, stat.S_IFLNK | 0o777)


def archive(*entries: tuple[zipfile.ZipInfo | str, bytes | str]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for info, content in entries:
            opened.writestr(info, content)
    return made.getvalue()


def refused(package: bytes, target: Path, limits: Limits | None = None) -> CodeRejected:
    with pytest.raises(CodeRejected) as caught:
        unpack_archive(package, target, limits or Limits())
    return caught.value


def test_files_folders_and_executable_bits_are_kept_and_nothing_is_writable(target: Path) -> None:
    package = archive(
        (entry("app.py"), "print()"),
        (entry("bin/tool", stat.S_IFREG | 0o755), "#!/bin/sh"),
        (entry("secret", stat.S_IFREG | 0o600), "for all to read"),
        (entry("empty/", stat.S_IFDIR | 0o700), ""),
        ("plain.txt", "as zipfile writes it"),
    )
    assert unpack_archive(package, target, Limits()) == 7 + 9 + 15 + 20
    modes = {
        path.relative_to(target).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in target.rglob("*")
    }
    assert modes == {
        "app.py": 0o444,
        "bin": 0o555,
        "bin/tool": 0o555,
        "secret": 0o444,
        "empty": 0o555,
        "plain.txt": 0o444,
    }
    assert (target / "app.py").read_text() == "print()"
    assert stat.S_IMODE(target.stat().st_mode) == 0o555


def test_an_archive_may_be_a_file(tmp_path: Path, target: Path) -> None:
    (tmp_path / "package.zip").write_bytes(archive(("app.py", "x")))
    assert unpack_archive(tmp_path / "package.zip", target, Limits()) == 1


def test_modes_of_archives_from_other_systems_are_not_believed(target: Path) -> None:
    unpack_archive(archive((entry("app.py", stat.S_IFLNK | 0o777, create_system=0), "x")), target, Limits())
    assert (target / "app.py").read_text() == "x"
    assert not (target / "app.py").is_symlink()


@pytest.mark.parametrize(
    "name",
    [
        "../escape",
        "a/../../escape",
        "a/..",
        "..",
        "/etc/escape",
        "//escape",
        "a/../b",
        "x" * 300,
        "/".join(["deep"] * 1500),
    ],
)
def test_names_that_lead_elsewhere_are_refused(target: Path, name: str) -> None:
    error = refused(archive(("app.py", "x"), (entry(name), "outside")), target)
    assert str(error) == UNUSABLE
    assert not (target.parent / "escape").exists()


@pytest.mark.parametrize("destination", ["app.py", "./app.py", "lib/../app.py", "nowhere", "."])
def test_links_that_stay_inside_are_kept(target: Path, destination: str) -> None:
    unpack_archive(archive(("app.py", "x"), ("lib/y", "y"), (link("alias"), destination)), target, Limits())
    assert str((target / "alias").readlink()) == str(Path(destination))


@pytest.mark.parametrize(
    "links",
    [
        {"out": "/etc/passwd"},
        {"out": "../secret"},
        {"out": "lib/../../secret"},
        {"lib/out": "../../secret"},
        {"out": ""},
        {"out": "a\0b"},
        {"out": "x" * 5000},
        # Each of these two stays inside; together they lead out.
        {"here": ".", "out": "here/../secret"},
        {"lib/up": "..", "out": "lib/up/../secret"},
    ],
)
def test_links_that_lead_out_are_refused(target: Path, links: dict[str, str]) -> None:
    (target.parent / "secret").write_text("secret")
    package = archive(("app.py", "x"), ("lib/y", "y"), *((link(name), to) for name, to in links.items()))
    assert str(refused(package, target)) == UNUSABLE


def test_nothing_is_written_through_a_link(target: Path) -> None:
    outside = target.parent / "outside"
    outside.mkdir()
    for package in (
        archive((link("lib"), str(outside)), ("lib/file", "x")),
        archive((link("lib"), "../outside"), ("lib/file", "x")),
        archive(("real/y", "y"), (link("lib"), "real"), ("lib/file", "x")),
    ):
        folder = target / str(len(list(target.iterdir())))
        folder.mkdir()
        refused(package, folder)
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize("kind", [stat.S_IFCHR, stat.S_IFBLK, stat.S_IFIFO, stat.S_IFSOCK])
def test_devices_pipes_and_sockets_are_refused(target: Path, kind: int) -> None:
    assert "neither a file" in refused(archive((entry("odd", kind | 0o644), "")), target).detail


def test_of_entries_with_the_same_name_the_last_counts(target: Path) -> None:
    with pytest.warns(UserWarning, match="Duplicate name"):
        package = archive(
            (entry("app.py"), "first"),
            (link("app.py"), "lib/y"),
            ("lib/y", "y"),
            (entry("./app.py", stat.S_IFREG | 0o755), "last"),
        )
    unpack_archive(package, target, Limits())
    assert (target / "app.py").read_text() == "last"
    assert (target / "lib/y").read_text() == "y"


@pytest.mark.parametrize("order", [("a", "a/b"), ("a/b", "a")])
def test_a_name_cannot_be_both_file_and_folder(target: Path, order: tuple[str, str]) -> None:
    refused(archive(*((name, "x") for name in order)), target)


def test_encrypted_entries_are_refused(target: Path) -> None:
    package = bytearray(archive(("app.py", "x")))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        package[package.find(signature) + offset] |= 1
    assert "encrypted" in refused(bytes(package), target).detail


def test_a_wrong_checksum_is_refused(target: Path) -> None:
    good = archive(("app.py", "x" * 100))
    checksum = zlib.crc32(b"x" * 100).to_bytes(4, "little")
    assert good.count(checksum) == 2
    assert str(refused(good.replace(checksum, b"\1\2\3\4"), target)) == UNUSABLE


@pytest.mark.parametrize("cut", [1, 10, 30, 60])
def test_damaged_archives_are_refused(target: Path, cut: int) -> None:
    package = archive(("app.py", "some content " * 50))
    assert str(refused(package[:-cut], target)) == UNUSABLE


@pytest.mark.parametrize("package", [b"x", b"PK", b"PK\x03\x04" + b"\0" * 100, b"this is no zip" * 1000])
def test_what_is_no_archive_is_refused(target: Path, package: bytes) -> None:
    assert str(refused(package, target)) == UNUSABLE


def test_unknown_compression_is_refused(target: Path) -> None:
    package = bytearray(archive(("app.py", "x" * 100)))
    for signature, offset in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        package[package.find(signature) + offset] = 99
    assert str(refused(bytes(package), target)) == UNUSABLE


@pytest.mark.parametrize("package", [archive(), b""])
def test_an_empty_archive_is_refused_as_such(target: Path, package: bytes) -> None:
    assert str(refused(package, target)) == "Uploaded file must be a non-empty zip"


def test_the_size_counts_what_comes_out(target: Path) -> None:
    limits = Limits(unzipped=1_000_000)
    package = archive(("a", b"\0" * 500_000), ("b", b"\0" * 500_000))
    assert len(package) < 2000
    assert str(refused(package, target, limits)) == "Unzipped size must be smaller than 1000000 bytes"


def test_one_byte_less_than_the_limit_passes(target: Path) -> None:
    assert unpack_archive(archive(("a", b"\0" * 999_999)), target, Limits(unzipped=1_000_000)) == 999_999


def test_sizes_that_an_archive_claims_are_not_believed(target: Path) -> None:
    package = bytearray(archive(("bomb", b"\0" * 5_000_000)))
    # Both headers now say that ten bytes come out.
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = package.find(signature) + offset
        package[at : at + 4] = (10).to_bytes(4, "little")
    refused(bytes(package), target, Limits(unzipped=1_000_000))
    assert sum(path.stat().st_size for path in target.rglob("*") if path.is_file()) < 1_000_000


def test_entries_that_share_their_bytes_are_counted_each(target: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("a", b"\0" * 400_000)
        first = opened.infolist()[0]
        for name in ("b", "c"):
            twin = zipfile.ZipInfo("a")
            for slot in ("CRC", "compress_size", "file_size", "header_offset", "compress_type"):
                setattr(twin, slot, getattr(first, slot))
            twin.filename = name
            opened.filelist.append(twin)
    limits = Limits(unzipped=1_000_000)
    error = refused(made.getvalue(), target, limits)
    assert str(error) in (UNUSABLE, "Unzipped size must be smaller than 1000000 bytes")


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_no_damage_does_anything_but_refuse(data: st.DataObject) -> None:
    package = bytearray(
        archive(("a/app.py", "x = 1\n" * 20), (link("l"), "a/app.py"), (entry("b", 0o100755), "y" * 9))
    )
    for _ in range(data.draw(st.integers(1, 4))):
        package[data.draw(st.integers(0, len(package) - 1))] = data.draw(st.integers(0, 255))
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "inner" / "tree"
        target.mkdir(parents=True)
        with warnings.catch_warnings(), contextlib.suppress(CodeRejected):
            warnings.simplefilter("ignore")
            unpack_archive(bytes(package), target, Limits(unzipped=10_000))
        assert [path.name for path in target.parent.iterdir()] == ["tree"]
        for path in target.rglob("*"):
            assert path.resolve().is_relative_to(target.resolve())
            if path.is_dir() and not path.is_symlink():
                path.chmod(0o755)
        target.chmod(0o755)


def test_too_many_entries_are_refused(target: Path) -> None:
    package = archive(*((f"f{number}", b"") for number in range(101)))
    assert "101 entries" in refused(package, target, Limits(archive_entries=100)).detail
    assert list(target.iterdir()) == []


def test_zip64_is_read(target: Path) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as opened, opened.open("app.py", "w", force_zip64=True) as file:
        file.write(b"x" * 100)
    assert unpack_archive(made.getvalue(), target, Limits()) == 100


def test_names_beyond_ascii_come_out_as_they_are(target: Path) -> None:
    unpack_archive(archive(("ünïcode/日本.py", "x"), ("back\\slash", "y")), target, Limits())
    assert (target / "ünïcode" / "日本.py").read_text() == "x"
    assert (target / "back\\slash").read_text() == "y"
