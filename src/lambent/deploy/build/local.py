"""Distributions that are built from a folder or an archive of sources, as those of the same repository are."""

from __future__ import annotations

import hashlib
import os
import re
from typing import TYPE_CHECKING

from lambent.deploy.build.contents import Contents
from lambent.deploy.build.interpreter import folder_of
from lambent.deploy.build.selection import select
from lambent.deploy.manifest import Unit

if TYPE_CHECKING:
    from pathlib import Path

    from lambent.deploy.build.requirements import Requirement


def from_source(requirement: Requirement) -> bool:
    """Whether it names something that is not a wheel."""
    url = requirement.line.partition("@")[2].strip()
    return bool(url) and not url.partition("#")[0].endswith(".whl")


def folder_in(line: str) -> Path | None:
    """The folder that a requirement is built from."""
    url = line.partition("@")[2].strip()
    folder = folder_of(url.partition("#")[0].partition(" ")[0]) if url else None
    return folder if folder is not None and folder.is_dir() else None


def fingerprint_of(folder: Path) -> str:
    """Of a folder that a distribution is built from: it changes when a file of it does."""
    contents = Contents()
    unit = Unit(name=folder.name, kind="handler", handler="", runtime="")
    digest = hashlib.sha256()
    for name, chosen in select(folder, unit, contents).items():
        digest.update(b"\0%s\0%s" % (os.fsencode(name), contents.file(chosen.path).digest))
    return digest.hexdigest()


def wheel_is_pure(info: Path) -> bool:
    """Whether a `.dist-info` tells of machine code
    (https://packaging.python.org/en/latest/specifications/binary-distribution-format/)."""
    try:
        text = (info / "WHEEL").read_text(encoding="utf-8")
    except OSError:
        return False
    tags = re.findall(r"(?m)^Tag:\s*(\S+)", text)
    return bool(tags) and all(tag.endswith("-none-any") for tag in tags)
