from __future__ import annotations

import pytest

from lambent.deploy.build.patterns import NEVER, Patterns
from lambent.deploy.errors import BuildError


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("*.html", "a.html", True),
        ("*.html", "deep/er/a.html", True),
        ("*.html", "a.htm", False),
        ("/a.html", "a.html", True),
        ("/a.html", "deep/a.html", False),
        ("deep/*.html", "deep/a.html", True),
        ("deep/*.html", "deep/er/a.html", False),
        ("deep/**/*.html", "deep/er/est/a.html", True),
        ("deep/**/*.html", "deep/a.html", True),
        ("**/a.html", "x/y/a.html", True),
        ("templates/", "templates/a.html", True),
        ("templates/", "x/templates/deep/a.html", True),
        ("templates/", "templates", False),  # a file of that name
        ("templates", "templates/a.html", True),
        ("./templates", "templates/a.html", True),
        ("a?.txt", "ab.txt", True),
        ("a?.txt", "a/b.txt", False),
        ("a[0-9].txt", "a7.txt", True),
        ("a[!0-9].txt", "a7.txt", False),
        ("a[[&].txt", "a&.txt", True),
        ("a[--0].txt", "a..txt", True),
        ("a.txt", "aXtxt", False),
        ("mit leerzeichen ä.txt", "mit leerzeichen ä.txt", True),
        ("# a.txt", "# a.txt", False),
        ("", "a", False),
    ],
)
def test_patterns_are_those_of_gitignore(pattern: str, path: str, fits: bool) -> None:
    assert (Patterns((pattern,)).matching(path) is not None) is fits


def test_a_pattern_that_is_none() -> None:
    with pytest.raises(BuildError, match=r"'a\[z-a\]' is no pattern"):
        Patterns(("a[z-a]",))


def test_the_last_pattern_that_fits_decides() -> None:
    patterns = Patterns(("*.txt", "!keep.txt", "very/keep.txt"))
    assert patterns.matching("a.txt") == "*.txt"
    assert patterns.matching("keep.txt") is None
    assert patterns.matching("very/keep.txt") == "very/keep.txt"


@pytest.mark.parametrize(
    "path",
    [
        ".env",
        ".env.prod",
        "x/.env",
        ".git/config",
        ".venv/bin/python",
        "a/__pycache__/b.pyc",
        ".lambent/dev.json",
        "config/prod.env",
        ".npmrc",
        "x/.netrc",
        "terraform.tfstate",
        "terraform.tfstate.backup",
    ],
)
def test_some_files_are_never_packed(path: str) -> None:
    assert Patterns(NEVER).matching(path) is not None
