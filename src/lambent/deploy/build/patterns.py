"""Patterns of files, as in a .gitignore.

`*` and `?` stay within a name, `**` goes through folders, `[a-z]` is a set; a pattern with a slash at its front or
within is for the path from the source's root, any other for names in every folder; one that ends with a slash is for
folders, with all that is in them; `!` takes back what a pattern before it has said. (https://git-scm.com/docs/gitignore)
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from collections.abc import Iterable

NEVER: Final = (
    "*.env",
    ".env.*",
    ".git/",
    ".gitignore",
    ".gitattributes",
    ".hg/",
    ".svn/",
    ".venv/",
    "venv/",
    "node_modules/",
    ".lambent/",
    ".aws-sam/",
    ".serverless/",
    ".aws/",
    ".ssh/",
    ".netrc",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".terraform/",
    "*.tfstate",
    "*.tfstate.*",
    "__pycache__/",
    "*.py[co]",
    "*.egg-info/",
    ".mypy_cache/",
    ".ruff_cache/",
    ".pytest_cache/",
    ".hypothesis/",
    ".tox/",
    ".nox/",
    ".coverage",
    ".idea/",
    ".vscode/",
    ".DS_Store",
    ".direnv/",
    ".envrc",
)
"""What is never packed unless a pattern of `include` names it."""


class Patterns:
    """A list of patterns; the last one that fits decides. Raises BuildError for one that is none."""

    def __init__(self, patterns: Iterable[str]) -> None:
        self._rules = tuple(rule for text in patterns if (rule := _rule(text)) is not None)

    def __bool__(self) -> bool:
        return bool(self._rules)

    def matching(self, path: str, *, folder: bool = False) -> str | None:
        """The pattern that fits `path` (with slashes, from the source's root), as it was written.

        A file fits where a folder above it does. None where none fits, or where the last that does takes it back.
        """
        found = None
        for text, expression, folders_only, back in self._rules:
            match = expression.match(path)
            # What follows a match is a path below it: then the match is a folder.
            if match is None or (folders_only and match.end() == len(path) and not folder):
                continue
            found = None if back else text
        return found


@lru_cache(maxsize=1024)
def _rule(text: str) -> tuple[str, re.Pattern[str], bool, bool] | None:
    pattern = text.strip()
    back = pattern.startswith("!")
    pattern = pattern.removeprefix("!").removeprefix("./")
    folders_only = pattern.endswith("/")
    pattern = pattern.rstrip("/")
    if not pattern or pattern.startswith("#"):
        return None
    anchored = "/" in pattern
    expression = ("" if anchored else "(?:.*/)?") + _expression(pattern.removeprefix("/"))
    try:
        return text, re.compile(expression + r"(?=/|\Z)", re.DOTALL), folders_only, back
    except re.error:
        raise BuildError(
            f"{text!r} is no pattern of files: there is a set in it that begins after its end",
            hint="Sets are like [a-z]. Patterns are as in a .gitignore.",
        ) from None


def _expression(pattern: str) -> str:
    out = []
    at = 0
    while at < len(pattern):
        rest = pattern[at:]
        if rest.startswith("**/"):
            out.append("(?:.*/)?")
            at += 3
        elif rest.startswith("**"):
            out.append(".*")
            at += 2
        elif rest[0] == "*":
            out.append("[^/]*")
            at += 1
        elif rest[0] == "?":
            out.append("[^/]")
            at += 1
        elif rest[0] == "[" and (end := pattern.find("]", at + 2)) > 0:
            # What Python's sets know beyond those of patterns: escapes, sets in sets, and operations with them.
            inner = re.sub(r"([\\\[&|~])", r"\\\1", pattern[at + 1 : end])
            out.append(f"[^{inner[1:]}]" if inner[0] in "!^" else f"[{inner}]")
            at = end + 1
        else:
            out.append(re.escape(rest[0]))
            at += 1
    return "".join(out)
