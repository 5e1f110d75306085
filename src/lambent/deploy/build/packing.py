"""Zips with the same bytes for the same files, wherever they are made.

Entries have no time but the first that zips know, two modes (0644, 0755), and the order that they are given in. They
are compressed once, into packs, and copied from there into each zip that has them, so that a changed line of an app
costs the compression of the app's own files. (PKWARE's APPNOTE.TXT, sections 4.3 and 4.4.)
"""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path  # noqa: TC003 - msgspec reads the annotations
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_LEVEL: Final = 6
_STEP: Final = 1 << 20
_STORED: Final = 0
_DEFLATED: Final = 8
_UTF8: Final = 0x800
# 1980-01-01 00:00, the first that a zip can tell: year 0, month 1, day 1.
_DATE: Final = (1 << 5) | 1
_UNIX: Final = 3
_VERSION: Final = 20
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_CENTRAL: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_MOST: Final = 65_535


class Entry(msgspec.Struct, frozen=True, array_like=True):
    """A file in a pack: its bytes there are at `offset`, `packed` of them. `digest` is SHA-256 of its contents."""

    name: str
    executable: bool
    digest: bytes
    crc: int
    size: int
    packed: int
    method: int
    offset: int


class Pack(msgspec.Struct, frozen=True, array_like=True):
    """Compressed files, one after the other in the file `path`."""

    path: Path
    entries: tuple[Entry, ...]

    @property
    def size(self) -> int:
        return sum(entry.size for entry in self.entries)

    @property
    def packed(self) -> int:
        return sum(entry.packed for entry in self.entries)


def pack(
    files: Iterable[tuple[str, Path, bool]], into: Path, advance: Callable[[int], None] | None = None
) -> Pack:
    """Compresses files, given by name, path and whether they are executable, into one.

    `advance` is told of bytes that are done, from several threads. Raises BuildError.
    """
    entries = []
    offset = 0
    # Compression lets other threads run.
    with into.open("wb") as out, ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
        for entry, packed in threads.map(partial(_compressed, advance), files):
            out.write(packed)
            entries.append(msgspec.structs.replace(entry, offset=offset))
            offset += len(packed)
    return Pack(into, tuple(entries))


def _compressed(advance: Callable[[int], None] | None, file: tuple[str, Path, bool]) -> tuple[Entry, bytes]:
    name, path, executable = file
    try:
        contents = path.read_bytes()
    except OSError as error:
        raise BuildError(f"{path} cannot be read: {error.strerror}") from error
    compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    pieces = []
    for at in range(0, len(contents), _STEP):
        piece = contents[at : at + _STEP]
        pieces.append(compressor.compress(piece))
        if advance is not None:
            advance(len(piece))
    packed = b"".join((*pieces, compressor.flush()))
    method = _DEFLATED
    if len(packed) >= len(contents):
        packed, method = contents, _STORED
    digest = hashlib.sha256(contents).digest()
    return Entry(
        name, executable, digest, zlib.crc32(contents), len(contents), len(packed), method, 0
    ), packed


def unpack(packed: Pack, into: Path) -> None:
    """Writes the files of a pack below a folder. Raises OSError."""
    with packed.path.open("rb") as file:
        for entry in packed.entries:
            file.seek(entry.offset)
            contents = file.read(entry.packed)
            if entry.method == _DEFLATED:
                contents = zlib.decompress(contents, -zlib.MAX_WBITS)
            path = into / entry.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents)
            path.chmod(0o755 if entry.executable else 0o644)


def fingerprint(files: Iterable[tuple[str, bool, bytes]]) -> str:
    """Of names in the zip, whether they are executable, and digests: what decides the bytes of a zip."""
    digest = hashlib.sha256(b"lambent 1")
    for name, executable, contents in files:
        digest.update(b"\0%s\0%d%s" % (name.encode(), executable, contents))
    return digest.hexdigest()


def write_zip(path: Path, entries: Iterable[tuple[str, Entry, Pack]]) -> tuple[str, int]:
    """Writes a zip of entries of packs under the names given; its SHA-256 (hex) and size. Raises BuildError."""
    digest = hashlib.sha256()
    directory = []
    at = count = 0
    open_packs: dict[Path, int] = {}
    try:
        with path.open("wb") as out:
            for name, entry, source in entries:
                if source.path not in open_packs:
                    open_packs[source.path] = os.open(source.path, os.O_RDONLY)
                encoded = name.encode()
                flags = 0 if encoded.isascii() else _UTF8
                facts = (_VERSION, flags, entry.method, 0, _DATE, entry.crc, entry.packed, entry.size)
                head = _LOCAL.pack(b"PK\3\4", *facts, len(encoded), 0) + encoded
                contents = os.pread(open_packs[source.path], entry.packed, entry.offset)
                if len(contents) != entry.packed:
                    raise BuildError(
                        f"{source.path} is damaged", hint="Remove .lambent/build, and build again."
                    )
                for piece in (head, contents):
                    out.write(piece)
                    digest.update(piece)
                mode = 0o100755 if entry.executable else 0o100644
                directory.append(
                    _CENTRAL.pack(
                        b"PK\1\2", _UNIX << 8 | _VERSION, *facts, len(encoded), 0, 0, 0, 0, mode << 16, at
                    )
                    + encoded
                )
                at += len(head) + len(contents)
                count += 1
            if count > _MOST or at > 0xFFFFFFFF:
                raise BuildError(f"{path.name} has {count} files and {at} bytes: too much for a package")
            tail = b"".join(directory)
            tail += _END.pack(b"PK\5\6", 0, 0, count, count, len(tail), at, 0)
            out.write(tail)
            digest.update(tail)
    finally:
        for descriptor in open_packs.values():
            os.close(descriptor)
    return digest.hexdigest(), at + len(tail)
