"""Templates as text that people read: YAML, in blocks."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_PLAIN: Final = re.compile(r"[A-Za-z$/_][A-Za-z0-9 _./@$(){}+=*%,:;<>~^-]*")
_NOT_TEXT: Final = frozenset(("true", "false", "yes", "no", "on", "off", "y", "n", "null"))
"""What readers of YAML 1.1 take for something else."""
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def yaml_text(document: Any) -> str:
    """A document of JSON's types as YAML 1.1, which CloudFormation and SAM read; with a line's end."""
    return "\n".join(_block(document, "")) + "\n"


def _block(value: Any, indent: str) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, member in value.items():
            yield from _entry(f"{indent}{_scalar(key)}:", member, f"{indent}  ")
    elif isinstance(value, list) and value:
        for member in value:
            lines = list(_block(member, f"{indent}  "))
            lines[0] = f"{indent}- {lines[0].lstrip(' ')}"
            yield from lines
    else:
        yield f"{indent}{_leaf(value)}"


def _entry(start: str, member: Any, indent: str) -> Iterator[str]:
    if isinstance(member, (dict, list)) and member:
        yield start
        yield from _block(member, indent)
    else:
        yield f"{start} {_leaf(member)}"


def _leaf(value: Any) -> str:
    if isinstance(value, str):
        return _scalar(value)
    written = json.dumps(value)  # numbers, booleans, null, and what is empty
    if isinstance(value, float) and "." not in written:
        # YAML 1.1 takes 1e+16 for a text.
        written = written.replace("e", ".0e")
    return written


def _scalar(text: str) -> str:
    plain = (
        _PLAIN.fullmatch(text)
        and text.lower() not in _NOT_TEXT
        and not text.endswith((" ", ":"))
        and ": " not in text
    )
    if plain:
        return text
    quoted = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", quoted)
