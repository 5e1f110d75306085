"""Putting packages together, out of pieces: the app's files, the framework, distributions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import msgspec

from lambent.deploy.build.artefacts import Artefact, Part
from lambent.deploy.build.packing import Entry, Pack, fingerprint, pack, write_zip
from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from lambent.deploy.build.environment import Library
    from lambent.deploy.build.progress import Progress

_TASK: Final = "Packing"


class Piece(NamedTuple):
    """Files of one part of a package: their names there, digests, and how to get them compressed."""

    part: str
    version: str
    kind: Literal["code", "framework", "package"]
    files: tuple[tuple[str, bool, bytes], ...]
    paths: tuple[Path, ...] = ()
    packed: Pack | None = None


def library_piece(library: Library, prefix: str = "") -> Piece:
    """A distribution, in a folder of the zip: `prefix` with its slash."""
    files = tuple((prefix + entry.name, entry.executable, entry.digest) for entry in library.pack.entries)
    return Piece(library.name, library.version, "package", files, packed=library.pack)


class Assembly:
    """Packages in `folder`, by their fingerprint. `workshop` is a folder for what is being made.

    `reused` are the names of those that were there before.
    """

    def __init__(self, folder: Path, workshop: Path, progress: Progress, total: int) -> None:
        self._folder = folder
        self._workshop = workshop
        self._progress = progress
        self._total = total
        self._done = 0
        self._made: set[str] = set()
        self._packs: dict[tuple[Path, ...], Pack] = {}
        self.reused: set[str] = set()

    def artefact(self, name: str, pieces: list[Piece]) -> Artefact:
        """The zip of these pieces; where two have a file of the same name, the first one's. Raises BuildError."""
        owners: dict[str, tuple[int, int]] = {}
        for number, piece in enumerate(pieces):
            for index, file in enumerate(piece.files):
                owners.setdefault(file[0], (number, index))
        order = sorted(owners)
        label = fingerprint(pieces[owners[file][0]].files[owners[file][1]] for file in order)
        path, facts = self._folder / f"{label}.zip", self._folder / f"{label}.json"
        try:
            known = msgspec.json.decode(facts.read_bytes(), type=Artefact, dec_hook=_path)
            # The project may have been moved, and a zip that is not of the size that it should have is no zip.
            if path.stat().st_size == known.size:
                for kept in (path, facts):
                    os.utime(kept)  # what is asked for is not swept
                self._done += 1
                if label not in self._made:
                    self.reused.add(name)
                return msgspec.structs.replace(known, path=path)
        except (OSError, msgspec.MsgspecError):
            pass
        self._progress(_TASK, self._done, self._total)
        self._folder.mkdir(exist_ok=True)
        packs = [piece.packed or self._pack(piece) for piece in pieces]
        chosen: list[tuple[str, Entry, Pack]] = []
        counts = [[0, 0, 0] for _ in pieces]
        for within in order:
            number, index = owners[within]
            entry = packs[number].entries[index]
            if entry.digest != pieces[number].files[index][2]:
                raise BuildError(
                    f"the file {within} has changed while it was packed", hint="Save, and try again."
                )
            chosen.append((within, entry, packs[number]))
            for at, amount in enumerate((1, entry.size, entry.packed)):
                counts[number][at] += amount
        temporary = self._workshop / path.name
        sha256, size = write_zip(temporary, chosen)
        artefact = Artefact(
            path=path,
            sha256=sha256,
            fingerprint=label,
            size=size,
            unpacked=sum(entry.size for _, entry, _ in chosen),
            parts=tuple(
                Part(
                    name=piece.part,
                    version=piece.version,
                    kind=piece.kind,
                    files=files,
                    unpacked=unpacked,
                    packed=packed,
                )
                for piece, (files, unpacked, packed) in zip(pieces, counts, strict=True)
            ),
        )
        temporary.replace(path)
        temporary.write_bytes(msgspec.json.encode(artefact, enc_hook=str))
        temporary.replace(facts)
        self._made.add(label)
        self._done += 1
        self._progress(_TASK, self._done, self._total)
        return artefact

    def _pack(self, piece: Piece) -> Pack:
        known = self._packs.get(piece.paths)
        if known is None:
            files = [
                (name, path, executable)
                for (name, executable, _), path in zip(piece.files, piece.paths, strict=True)
            ]
            known = pack(files, self._workshop / f"{len(self._packs)}.pack")
            self._packs[piece.paths] = known
        return known


def _path(kind: type, value: object) -> Path:
    assert kind is Path
    return Path(str(value))
