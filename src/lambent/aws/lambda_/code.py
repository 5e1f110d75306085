"""The deployment package that a request carries or names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambent.aws.errors import ServiceError
from lambent.aws.lambda_.errors import invalid_parameter
from lambent.functions.errors import CodeTooLarge
from lambent.functions.image import image_at
from lambent.functions.linked import BUCKET, LinkedCode
from lambent.neighbours.errors import NeighbourError, ObjectRefused, ObjectTooLarge

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions import FunctionRegistry
    from lambent.functions.image import Image
    from lambent.neighbours.objects import Objects

_MAX_REQUEST = 70_167_211
_ELSEWHERE = ("S3Bucket", "S3Key", "S3ObjectVersion")


class CodeOperations:
    """What the operations that take code have in common."""

    registry: FunctionRegistry
    objects: Objects | None
    """Where code in S3 is read; None refuses it."""
    linked_code: bool
    """Whether folders of this machine are taken in place of packages (`functions.linked`)."""

    async def code(
        self, context: RequestContext, code: dict[str, Any], package_type: str, doing: str
    ) -> bytes | LinkedCode | Image:
        """The package or the image that a function is to consist of; `doing` is "creating" or "updating".

        Raises ServiceError, CodeTooLarge.
        """
        if package_type == "Image":
            if not code.get("ImageUri"):
                raise invalid_parameter(
                    f"Please provide ImageUri when {doing} a function with packageType Image."
                )
            return image_at(code["ImageUri"])
        if code.get("ImageUri"):
            raise invalid_parameter(
                f"Please don't provide ImageUri when {doing} a function with packageType Zip."
            )
        return await self.package(context, code)

    async def package(self, context: RequestContext, code: dict[str, Any]) -> bytes | LinkedCode:
        """The package in `code`, or in S3 where that says it is, or linked code. Raises ServiceError, CodeTooLarge."""
        if "ZipFile" in code:
            if any(code.get(member) for member in _ELSEWHERE):
                raise invalid_parameter(
                    "Please do not provide other FunctionCode parameters when providing a ZipFile."
                )
            return self._sent(code["ZipFile"], context.operation)
        if not code.get("S3Bucket") or not code.get("S3Key"):
            raise invalid_parameter("Please provide a source for function code.")
        linked = self._linked(code["S3Bucket"], code["S3Key"])
        if linked is not None:
            return linked
        if self.objects is None:
            raise invalid_parameter("Code from S3 is not available: send the code as ZipFile.")
        return await self._fetched(self.objects, context, code)

    def _linked(self, bucket: str, key: str) -> LinkedCode | None:
        """The folder that stands for an object; None where there is a real bucket of that name."""
        if bucket != BUCKET or not (self.linked_code or key.startswith("/")):
            return None
        if not self.linked_code:
            raise invalid_parameter(
                f"S3Bucket {BUCKET} stands for linked code, which this platform does not take: start it with"
                " linked_code = true in its settings (LAMBENT_LINKED_CODE=true), or send the code as ZipFile."
            )
        folder = Path(key)
        if not folder.is_absolute() or "\0" in key or not folder.is_dir():
            raise invalid_parameter(
                f"With S3Bucket {BUCKET} the S3Key must be the absolute path of a folder here: {key} is none."
            )
        return LinkedCode(folder)

    def _sent(self, package: bytes, operation: str) -> bytes:
        # It came as base64: this much of the request at least was code.
        if (len(package) + 2) // 3 * 4 > _MAX_REQUEST:
            raise ServiceError(
                "RequestEntityTooLargeException",
                f"Request must be smaller than {_MAX_REQUEST} bytes for the {operation} operation",
                status=413,
            )
        zipped = self.registry.limits.zipped
        if len(package) > zipped:
            # Code in S3 may be larger: only what is sent has this limit.
            raise CodeTooLarge(f"Zipped size must be smaller than {zipped} bytes")
        return package

    async def _fetched(self, objects: Objects, context: RequestContext, code: dict[str, Any]) -> bytes:
        # An archive that is larger than its content may be need not be read.
        limit = self.registry.limits.unzipped
        try:
            return await objects.get(
                code["S3Bucket"],
                code["S3Key"],
                code.get("S3ObjectVersion") or None,
                account=context.account,
                region=context.region,
                limit=limit,
            )
        except ObjectRefused as error:
            # TestLambdaFunction::test_lambda_code_location_s3_errors
            raise invalid_parameter(
                f"Error occurred while GetObject. S3 Error Code: {error.code}. S3 Error Message: {error.message}"
            ) from error
        except ObjectTooLarge as error:
            raise invalid_parameter(f"Unzipped size must be smaller than {limit} bytes") from error
        except NeighbourError as error:
            raise ServiceError("ServiceException", f"The code could not be read from S3: {error}") from error
