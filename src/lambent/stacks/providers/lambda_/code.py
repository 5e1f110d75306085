"""Where a function's code is: in S3, in an image, or in the template itself.

Code in the template (`ZipFile`) becomes a file named `index` for Node.js and Python, and the module of that language
that answers custom resources is put beside it where the code imports it
(AWSCloudFormation/latest/TemplateReference/aws-properties-lambda-function-code.html,
AWSCloudFormation/latest/TemplateReference/cfn-lambda-function-code-cfnresponsemodule.html).
"""

from __future__ import annotations

import asyncio
import functools
import io
import re
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lambent.stacks.errors import ResourceFailure

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties

MAX_INLINE: Final = 4_194_304
"""Characters of code in a template."""

_ELSEWHERE: Final = (
    "S3Bucket",
    "S3Key",
    "S3ObjectVersion",
    "S3ObjectStorageMode",
    "SourceKMSKeyArn",
    "ImageUri",
)
_MODULES: Final = Path(__file__).parent / "modules"
_PYTHON_ASKS: Final = re.compile(r"\bcfnresponse\b")
_NODE_ASKS: Final = re.compile(r"\bcfn-response\b")


async def code_of(wanted: Properties) -> dict[str, Any]:
    """The members of CreateFunction's Code, and of UpdateFunctionCode. Raises ResourceFailure."""
    code = wanted["Code"]
    if "ZipFile" not in code:
        return {member: code[member] for member in _ELSEWHERE if code.get(member)}
    # Up to 4 MB of text to compress.
    return {"ZipFile": await asyncio.to_thread(inline_package, code["ZipFile"], wanted.get("Runtime") or "")}


@functools.lru_cache(64)
def inline_package(source: str, runtime: str) -> bytes:
    """The package of code in a template; the same bytes for the same code. Raises ResourceFailure."""
    if len(source) > MAX_INLINE:
        raise ResourceFailure(
            f"1 validation error detected: Value at 'Code.ZipFile' failed to satisfy constraint: Member must have "
            f"length less than or equal to {MAX_INLINE}",
            "InvalidRequest",
        )
    if runtime.startswith("python"):
        files = {"index.py": source}
        if _PYTHON_ASKS.search(source):
            files["cfnresponse.py"] = _module("cfnresponse.py")
    elif runtime.startswith("nodejs"):
        files = {"index.js": source}
        if _NODE_ASKS.search(source):
            files["node_modules/cfn-response.js"] = _module("cfn-response.js")
    else:
        raise ResourceFailure(
            "ZipFile can only be used when Runtime is set to either of nodejs or python versions.",
            "InvalidRequest",
        )
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name)  # of 1980: the same code has the same hash
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, content)
    return target.getvalue()


@functools.cache
def _module(name: str) -> str:
    return (_MODULES / name).read_text()
