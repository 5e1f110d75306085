"""Operations on functions and their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.lambda_.code import CodeOperations
from lambent.aws.lambda_.configuration import (
    check_available,
    decode_marker,
    described,
    encode_marker,
    listed,
    settings_of,
    sort_key,
)
from lambent.aws.lambda_.errors import invalid_parameter, translating
from lambent.aws.lambda_.networks import NetworkOperations
from lambent.aws.lambda_.tags import new_tags
from lambent.functions import FunctionRecord, FunctionRegistry, FunctionVersion, Reference, parse_name
from lambent.functions.names import is_alias

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lambent.aws.context import RequestContext
    from lambent.aws.lambda_.downloads import CodeDownloads

_FUNCTIONS_ONLY = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
    "Please specify either a function name or an unqualified function ARN."
)
_MAX_PAGE = 50
_MAX_NAME = 64


def named(context: RequestContext, request: dict[str, Any]) -> Reference:
    """The function that FunctionName and Qualifier name. Raises the registry's errors for names."""
    return parse_name(context.account, context.region, request["FunctionName"], request.get("Qualifier"))


def unqualified(context: RequestContext, request: dict[str, Any]) -> Reference:
    """As `named`, for operations that know no versions: any qualifier is refused."""
    reference = named(context, request)
    if reference.qualifier is not None:
        raise invalid_parameter(_FUNCTIONS_ONLY)
    return reference


class FunctionOperations(CodeOperations, NetworkOperations):
    """Create, read, update, publish and delete."""

    registry: FunctionRegistry
    downloads: CodeDownloads

    async def create_function(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new function, Pending; with version 1 of it when Publish is set."""
        with translating(context):
            reference = named(context, request)._replace(qualifier=None)
            if len(reference.name) > _MAX_NAME:
                raise invalid_parameter(
                    f"1 validation error detected: Value '{reference.name}' at 'functionName' failed to satisfy "
                    f"constraint: Member must have length less than or equal to {_MAX_NAME}"
                )
            check_available(request)
            tags = new_tags(context, request, self.registry.limits)
            version = await self.registry.create(
                reference,
                await self.code(context, request["Code"], request.get("PackageType", "Zip"), "creating"),
                await self.located(context, settings_of(request)),
                code_signing_config=request.get("CodeSigningConfigArn"),
                tags=tags,
                publish=bool(request.get("Publish")),
            )
        # Recorded: the ARN is unqualified even when the answer describes version 1.
        return described(version, qualified=False)

    async def get_function(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The configuration, a link to the code, tags and reserved concurrency."""
        with translating(context):
            reference = named(context, request)
            record, version = self.registry.version(reference)
        reserved = record.reserved_concurrency
        return {
            "Configuration": _named_as(reference, version),
            "Code": self._code_location(context, version),
            "Tags": record.tags or None,
            "Concurrency": None if reserved is None else {"ReservedConcurrentExecutions": reserved},
        }

    def _code_location(self, context: RequestContext, version: FunctionVersion) -> dict[str, str]:
        if version.image is not None:
            return {
                "RepositoryType": "ECR",
                "ImageUri": version.image.uri,
                "ResolvedImageUri": version.image.resolved,
            }
        return {
            "RepositoryType": "S3",
            "Location": self.downloads.url(context.endpoint_url, version.code_hash),
        }

    async def get_function_configuration(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """The configuration alone."""
        with translating(context):
            reference = named(context, request)
            _, version = self.registry.version(reference)
        return _named_as(reference, version)

    async def list_functions(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of functions by name; of all their versions with FunctionVersion=ALL."""
        every = request.get("FunctionVersion") == "ALL"
        pairs = [
            (record, version)
            for record in self.registry.functions(context.account, context.region)
            for version in (record.all_versions if every else (record.latest,))
        ]
        page, marker = _page(pairs, request)
        return {"Functions": [listed(version, qualified=every) for version in page], "NextMarker": marker}

    async def list_versions_by_function(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of a function's versions, $LATEST first."""
        with translating(context):
            record = self.registry.record(named(context, request))
        page, marker = _page([(record, version) for version in record.all_versions], request)
        return {"Versions": [listed(version, qualified=True) for version in page], "NextMarker": marker}

    async def update_function_code(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with $LATEST, its update in progress; with the new version when Publish is set."""
        publish, dry_run = bool(request.get("Publish")), bool(request.get("DryRun"))
        with translating(context):
            reference = _latest_of(context, request)
            check_available(request)
            # Looked for before its code is: that may be a long way off.
            package_type = self.registry.record(reference).latest.package_type
            architectures = request.get("Architectures")
            version = await self.registry.update_code(
                reference,
                await self.code(context, request, package_type, "updating"),
                architectures=tuple(architectures) if architectures else None,
                publish=publish,
                revision_id=request.get("RevisionId"),
                dry_run=dry_run,
            )
        return described(version, qualified=publish and not dry_run)

    async def update_function_configuration(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with $LATEST, its update in progress."""
        with translating(context):
            reference = _latest_of(context, request)
            check_available(request)
            version = await self.registry.update_configuration(
                reference,
                await self.located(context, settings_of(request)),
                revision_id=request.get("RevisionId"),
            )
        return described(version, qualified=False)

    async def publish_version(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new version, or with the last one when nothing has changed since."""
        with translating(context):
            reference = _latest_of(context, request)
            check_available(request)
            version = await self.registry.publish(
                reference,
                description=request.get("Description"),
                code_sha256=request.get("CodeSha256"),
                revision_id=request.get("RevisionId"),
            )
        return described(version, qualified=True)

    async def delete_function(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Deletes a function, or the one version that is named."""
        with translating(context):
            reference = named(context, request)
            if reference.qualifier is not None and is_alias(reference.qualifier):
                raise invalid_parameter("Deletion of aliases is not currently supported.")
            await self.registry.delete(reference)
        return {"StatusCode": 204}


def _named_as(reference: Reference, version: FunctionVersion) -> dict[str, Any]:
    """A configuration under the ARN by which it was asked for: that of a version or an alias, where one was named."""
    return {**described(version, qualified=False), "FunctionArn": reference.arn}


def _latest_of(context: RequestContext, request: dict[str, Any]) -> Reference:
    reference = named(context, request)
    if reference.qualifier not in (None, "$LATEST"):
        raise invalid_parameter(_FUNCTIONS_ONLY)
    return reference._replace(qualifier=None)


def _page(
    pairs: Iterable[tuple[FunctionRecord, FunctionVersion]], request: dict[str, Any]
) -> tuple[list[FunctionVersion], str | None]:
    """One page of versions in listing order, and the marker of the next page if there is one."""
    size = min(request.get("MaxItems") or _MAX_PAGE, _MAX_PAGE)
    after = decode_marker(request["Marker"]) if request.get("Marker") else None
    keyed = [(sort_key(record, version), version) for record, version in pairs]
    rest = [entry for entry in keyed if after is None or entry[0] > after]
    page = rest[:size]
    marker = encode_marker(page[-1][0]) if len(rest) > size else None
    return [version for _, version in page], marker
