"""What packages are for: a version of Python on one of Lambda's machines.

Runtimes up to Python 3.11 run on Amazon Linux 2 (glibc 2.26), those after it on Amazon Linux 2023 (glibc 2.34):
https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html. uv has names for some versions of glibc; the next
lower one is taken.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

from lambent.deploy.errors import BuildError

if TYPE_CHECKING:
    from lambent.deploy.manifest import Unit

_AMAZON_LINUX_2023: Final = (3, 12)
_PYTHON: Final = re.compile(r"python(\d+)\.(\d+)")


class Target(NamedTuple):
    """`python` as (3, 13); `architecture` as Lambda calls it."""

    python: tuple[int, int]
    architecture: str

    @property
    def version(self) -> str:
        """ "3.13" """
        return f"{self.python[0]}.{self.python[1]}"

    @property
    def platform(self) -> str:
        """As uv calls it."""
        machine = "aarch64" if self.architecture == "arm64" else "x86_64"
        return f"{machine}-{'manylinux_2_34' if self.python >= _AMAZON_LINUX_2023 else 'manylinux2014'}"

    def __str__(self) -> str:
        glibc = "2.34" if self.python >= _AMAZON_LINUX_2023 else "2.26"
        return f"Python {self.version} on Linux {self.architecture} (glibc {glibc})"


def target_of(unit: Unit) -> Target:
    """Raises BuildError for a runtime that is none of Python's."""
    match = _PYTHON.fullmatch(unit.runtime)
    if match is None:
        raise BuildError(
            f"unit {unit.name}: packages for the runtime {unit.runtime} cannot be chosen",
            hint='Take a Python runtime, for example runtime = "python3.13".',
        )
    return Target((int(match[1]), int(match[2])), unit.architecture)
