"""Unpacking a deployment package that nobody has looked at.

Nothing in the archive is believed: sizes are counted while bytes are written, names are taken apart and may
neither be absolute nor climb, links must stay inside, and anything but files, folders and links is refused.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING

from lambent.functions.errors import CodeRejected
from lambent.store import NO_SPACE, StorageFull, StoreError

if TYPE_CHECKING:
    from lambent.functions.limits import Limits

_UNUSABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."
_EMPTY = "Uploaded file must be a non-empty zip"
_ENCRYPTED = 0x1
_UNIX = 3
_CHUNK = 256 * 1024
_LINK_LIMIT = 4096
_NOT_THE_ARCHIVE = {
    errno.EIO,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
}


def unpack_archive(archive: bytes | Path, target: Path, limits: Limits) -> int:
    """Unpack into `target`, an empty folder, and make the tree read-only. Returns the bytes unpacked.

    Executable bits are kept. Of entries with the same name the last counts. Raises CodeRejected, with
    Lambda's wording, for an archive that is damaged, unsafe, empty or too large; StorageFull; and StoreError
    for what is wrong with the machine.
    """
    if not archive:
        raise CodeRejected(_EMPTY)
    try:
        with zipfile.ZipFile(io.BytesIO(archive) if isinstance(archive, bytes) else archive) as opened:
            return _Unpacking(opened, target, limits).run()
    except CodeRejected:
        raise
    except OSError as error:
        if error.errno in NO_SPACE:
            raise StorageFull("no space left to unpack a deployment package") from error
        if error.errno in _NOT_THE_ARCHIVE:
            raise StoreError(f"a deployment package could not be unpacked: {error}") from error
        raise CodeRejected(_UNUSABLE, str(error)) from error
    except (
        zipfile.BadZipFile,
        zlib.error,
        struct.error,
        EOFError,
        ValueError,
        RuntimeError,
        NotImplementedError,
    ) as e:
        # What zipfile raises for damage of every kind, passwords and methods it does not know.
        raise CodeRejected(_UNUSABLE, f"{type(e).__name__}: {e}") from e


class _Unpacking:
    def __init__(self, archive: zipfile.ZipFile, target: Path, limits: Limits) -> None:
        self._archive = archive
        self._target = target
        self._limits = limits
        self._written = 0
        self._links: dict[PurePosixPath, str] = {}
        self._folders: set[PurePosixPath] = {PurePosixPath()}
        self._files: set[PurePosixPath] = set()

    def run(self) -> int:
        entries = self._archive.infolist()
        if not entries:
            raise CodeRejected(_EMPTY)
        if len(entries) > self._limits.archive_entries:
            raise CodeRejected(_UNUSABLE, f"{len(entries)} entries")
        for entry in entries:
            self._entry(entry)
        # Links come last: until then no path can lead through one.
        for path, link in self._links.items():
            (self._target / path).symlink_to(link)
        self._check_links()
        self._seal()
        return self._written

    def _entry(self, entry: zipfile.ZipInfo) -> None:
        path = _safe_path(entry.filename)
        if entry.flag_bits & _ENCRYPTED:
            raise CodeRejected(_UNUSABLE, f"{entry.filename!r} is encrypted")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            # Others can ask for gigabytes of memory before the first byte comes out.
            raise CodeRejected(_UNUSABLE, f"{entry.filename!r} is compressed in way {entry.compress_type}")
        mode = entry.external_attr >> 16 if entry.create_system == _UNIX else 0
        kind = stat.S_IFMT(mode)
        if entry.is_dir() or kind == stat.S_IFDIR:
            self._folder(path)
        elif kind == stat.S_IFLNK:
            self._take_name(path)
            self._links[path] = self._link_target(entry, path)
        elif kind in (0, stat.S_IFREG):
            self._take_name(path)
            self._file(entry, path, mode)
        else:
            raise CodeRejected(_UNUSABLE, f"{entry.filename!r} is neither a file, a folder nor a link")

    def _take_name(self, path: PurePosixPath) -> None:
        """Free the name of an earlier file or link, and see that the folders above it are there."""
        if path in self._folders:
            raise CodeRejected(_UNUSABLE, f"{path} is both a folder and a file")
        if path in self._files:
            (self._target / path).unlink()
            self._files.discard(path)
        self._links.pop(path, None)
        self._folder(path.parent)

    def _folder(self, path: PurePosixPath) -> None:
        if path in self._folders:
            return
        if path in self._files or path in self._links:
            raise CodeRejected(_UNUSABLE, f"{path} is both a folder and a file")
        self._folder(path.parent)
        (self._target / path).mkdir()
        self._folders.add(path)

    def _file(self, entry: zipfile.ZipInfo, path: PurePosixPath, mode: int) -> None:
        # Readable by all, writable by none, as under /var/task; what was executable stays so.
        permissions = 0o444 | (0o111 if mode & 0o111 else 0)
        fd = os.open(self._target / path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(fd, "wb") as file, self._archive.open(entry) as source:
            self._files.add(path)
            while chunk := source.read(_CHUNK):
                self._count(len(chunk))
                file.write(chunk)
            os.fchmod(fd, permissions)

    def _link_target(self, entry: zipfile.ZipInfo, path: PurePosixPath) -> str:
        with self._archive.open(entry) as source:
            raw = _at_most(source, _LINK_LIMIT)
        self._count(len(raw))
        target = os.fsdecode(raw)
        if not target or "\0" in target or target.startswith("/"):
            raise CodeRejected(_UNUSABLE, f"link {path} leads to {target!r}")
        return target

    def _count(self, size: int) -> None:
        self._written += size
        if self._written >= self._limits.unzipped:
            raise CodeRejected(f"Unzipped size must be smaller than {self._limits.unzipped} bytes")

    def _check_links(self) -> None:
        root = os.path.realpath(self._target)
        for path, link in self._links.items():
            # Resolved on disk, through every other link, since two harmless links can climb together.
            resolved = os.path.realpath(os.path.join(root, path))  # noqa: PTH118 - realpath takes and gives text
            if resolved != root and not resolved.startswith(root + os.sep):
                raise CodeRejected(_UNUSABLE, f"link {path} leads out of the package, to {link!r}")

    def _seal(self) -> None:
        for path in sorted(self._folders, key=lambda folder: len(folder.parts), reverse=True):
            (self._target / path).chmod(0o555)


def _safe_path(name: str) -> PurePosixPath:
    """The path inside the package. Raises CodeRejected for one that leads, or might lead, elsewhere."""
    if not name or "\0" in name or name.startswith("/") or ".." in name.split("/"):
        raise CodeRejected(_UNUSABLE, f"unsafe name {name!r}")
    path = PurePosixPath(name)
    if len(os.fsencode(name)) > _LINK_LIMIT:
        raise CodeRejected(_UNUSABLE, f"a name of {len(name)} characters")
    return path


def _at_most(source: IO[bytes], size: int) -> bytes:
    data = source.read(size + 1)
    if len(data) > size:
        raise CodeRejected(_UNUSABLE, "a link with too long a target")
    return data
