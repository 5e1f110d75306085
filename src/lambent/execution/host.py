"""A zygote whose children are supervisors: for runtimes that are programs of their own (Node, provided.*, Java …).

What a supervisor does with the frames on an environment's socket is described in
`lambent/runtime/host/supervisor.py`; `ahead` and `Command` make what it understands.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from lambent.execution.interpreters import Interpreter
from lambent.execution.zygote import Zygote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_encode = msgspec.json.encode

_LANG: Final = Path("/var/lang")
_RUNTIME: Final = Path("/var/runtime")

# AWS's bootstrap looks for the wrapper in these words before it hands over to it.
_WRAPPER: Final = (
    '[ -f "$0" ] || { echo "$0: does not exist"; exit 127; }; '
    '[ -x "$0" ] || { echo "$0: is not an executable"; exit 126; }; '
    'exec "$0" "$@"'
)


class Command(NamedTuple):
    """A program as a supervisor starts it; as JSON it is the member "command" of an INIT frame.

    `argv` begins with the path. With `frames` it speaks the frames itself (Node): it has the environment's socket
    at descriptor 3 and INIT on 4; otherwise its exit and its output are all that is heard of it.
    """

    argv: Sequence[str]
    env: Mapping[str, str]
    frames: bool = False

    def document(self) -> dict[str, Any]:
        """For the INIT document: `{..., "command": command.document()}`."""
        return self._asdict()


def wrapped(argv: Sequence[str], variables: Mapping[str, str]) -> Sequence[str]:
    """`argv` as AWS_LAMBDA_EXEC_WRAPPER wants it started; one that is none is told of as in the managed runtimes."""
    wrapper = variables.get("AWS_LAMBDA_EXEC_WRAPPER")
    return ["/bin/sh", "-c", _WRAPPER, wrapper, *argv] if wrapper else argv


def ahead(command: Command) -> bytes:
    """The frame that has a supervisor start a program before it is known which function it is for."""
    document = _encode({"ahead": command.document()})
    return len(document).to_bytes(4, "big") + document


class Host(Zygote):
    """The host of one language's environments; the platform's own interpreter runs it.

    `prefix`: what functions see at /var/lang, or None. `files`: our folder for this language, seen at
    /var/runtime/lambent-<its name>, or None. `libraries`: a directory whose entries they see in /var/runtime.
    """

    def __init__(
        self,
        *,
        prefix: Path | None = None,
        files: Path | None = None,
        libraries: Path | None = None,
        private_view: bool = True,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        own = Interpreter(tuple(sys.version_info[:3]), Path(sys.executable), prefix or Path())
        super().__init__(own, private_view=private_view, variables=variables)
        self._program = [sys.executable, prefix or "", libraries or "", files or ""]
        self._places = [(prefix, _LANG), (files, _RUNTIME / f"lambent-{files.name}" if files else _RUNTIME)]

    def seen(self, path: Path) -> str:
        """Where programs see a path of the language's prefix or of our files. After `start`."""
        if self.private_view:
            for shown, place in self._places:
                if shown is not None and path.is_relative_to(shown):
                    return str(place / path.relative_to(shown))
        return str(path)
