"""Operations on layers and on the policies of their versions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.lambda_.code import CodeOperations
from lambent.aws.lambda_.configuration import timestamp
from lambent.aws.lambda_.errors import invalid_parameter, not_found, translating
from lambent.aws.lambda_.paging import page_of
from lambent.functions.errors import InvalidName, LayerAccessDenied, LayerNotFound, NoPolicy
from lambent.functions.layer import parse_layer
from lambent.functions.layer_policy import (
    document,
    encoded,
    readable,
    statement,
    with_statement,
    without_statement,
)

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.aws.lambda_.downloads import CodeDownloads
    from lambent.functions import FunctionRegistry
    from lambent.functions.layer import LayerReference, LayerVersion

_MAX_PAGE = 50


class LayerOperations(CodeOperations):
    """Publish, get, list and delete; add, remove and get permissions."""

    registry: FunctionRegistry
    downloads: CodeDownloads

    async def publish_layer_version(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new version: the next number of the layer."""
        with translating(context):
            layer = _own(context, request)
            version = await self.registry.layers.publish(
                layer,
                await self.package(context, request["Content"]),
                description=request.get("Description", ""),
                license_info=request.get("LicenseInfo"),
                runtimes=_given(request, "CompatibleRuntimes"),
                architectures=_given(request, "CompatibleArchitectures"),
            )
        return self._described(context, version)

    async def get_layer_version(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A version with a link to its content."""
        with translating(context):
            layer, _ = parse_layer(context.account, context.region, request["LayerName"])
            return self._described(context, self._readable(context, layer, request["VersionNumber"]))

    async def get_layer_version_by_arn(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """The same, by the version's ARN."""
        with translating(context):
            try:
                layer, number = parse_layer(context.account, context.region, request["Arn"])
            except InvalidName:
                # The form of AWS's own layers, which exist there only.
                raise _no_such_resource() from None
            return self._described(context, self._readable(context, layer, number or 0))

    async def list_layers(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the account's layers by name, each with its newest version that is compatible."""
        registry = self.registry.layers
        newest = [
            matching[0]
            for layer in registry.layers(context.account, context.region)
            if (matching := _compatible(registry.versions(layer), request))
        ]
        page, marker = page_of(newest, lambda version: (version.name, 0), request, _MAX_PAGE)
        return {
            "Layers": [
                {
                    "LayerName": version.name,
                    "LayerArn": version.layer.arn,
                    "LatestMatchingVersion": _listed(version),
                }
                for version in page
            ],
            "NextMarker": marker,
        }

    async def list_layer_versions(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of a layer's compatible versions, the newest first; none of a layer that there is not."""
        with translating(context):
            layer = _own(context, request)
        versions = _compatible(self.registry.layers.versions(layer), request)
        # Newest first: the order of the negative numbers.
        page, marker = page_of(versions, lambda version: ("", -version.version), request, _MAX_PAGE)
        return {"LayerVersions": [_listed(version) for version in page], "NextMarker": marker}

    async def delete_layer_version(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Deletes a version; one that is not there is no error. Functions that use it keep it."""
        with translating(context):
            layer, number = _own(context, request, versioned=True), _number(request)
            await self.registry.layers.delete(layer, number)
        return {}

    async def add_layer_version_permission(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Adds a statement to a version's policy; answers with it and the policy's new revision."""
        with translating(context):
            layer, number = _own(context, request, versioned=True), _number(request)

            def change(version: LayerVersion) -> LayerVersion:
                added = statement(
                    version,
                    request["StatementId"],
                    request["Action"],
                    request["Principal"],
                    request.get("OrganizationId"),
                )
                return with_statement(version, added, request.get("RevisionId"), self.registry.limits)

            policy = (await self.registry.layers.change(layer, number, change)).policy
            assert policy is not None
        return {"Statement": encoded(policy.statements[-1]), "RevisionId": policy.revision_id}

    async def remove_layer_version_permission(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Removes a statement."""
        with translating(context):
            layer, number = _own(context, request, versioned=True), _number(request)
            await self.registry.layers.change(
                layer,
                number,
                lambda version: without_statement(version, request["StatementId"], request.get("RevisionId")),
            )
        return {}

    async def get_layer_version_policy(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """The policy of a version, and its revision."""
        with translating(context):
            layer, number = _own(context, request, versioned=True), _number(request)
            policy = self.registry.layers.get(layer, number).policy
            if policy is None:
                raise NoPolicy
        return {"Policy": document(policy), "RevisionId": policy.revision_id}

    def _readable(self, context: RequestContext, layer: LayerReference, number: int) -> LayerVersion:
        if number < 1:
            raise _below_one()
        foreign = layer.account != context.account
        try:
            version = self.registry.layers.get(layer, number)
        except LayerNotFound:
            if foreign:
                raise LayerAccessDenied(layer.version_arn(number)) from None
            raise _no_such_resource() from None
        if not readable(version, context.account):
            raise LayerAccessDenied(version.arn)
        if layer.region != context.region:
            raise _no_such_resource()
        return version

    def _described(self, context: RequestContext, version: LayerVersion) -> dict[str, Any]:
        return {
            "Content": {
                "Location": self.downloads.url(context.endpoint_url, version.code_hash),
                "CodeSha256": version.code_sha256,
                "CodeSize": version.code_size,
            },
            "LayerArn": version.layer.arn,
            **_listed(version),
        }


def _own(context: RequestContext, request: dict[str, Any], *, versioned: bool = False) -> LayerReference:
    """The layer that LayerName names, by name or ARN. Raises LayerAccessDenied for another account's."""
    layer, _ = parse_layer(context.account, context.region, request["LayerName"])
    if layer.account != context.account:
        arn = layer.version_arn(request["VersionNumber"]) if versioned else layer.arn
        raise LayerAccessDenied(arn, context.operation)
    if layer.region != context.region:
        raise _no_such_resource()
    return layer


def _number(request: dict[str, Any]) -> int:
    number: int = request["VersionNumber"]
    if number < 1:
        raise _below_one()
    return number


def _below_one() -> Exception:
    return invalid_parameter("Layer Version Cannot be less than 1")


def _no_such_resource() -> Exception:
    return not_found("The resource you requested does not exist.")


def _given(request: dict[str, Any], member: str) -> tuple[str, ...] | None:
    return tuple(request[member]) if member in request else None


def _compatible(versions: list[LayerVersion], request: dict[str, Any]) -> list[LayerVersion]:
    runtime, architecture = request.get("CompatibleRuntime"), request.get("CompatibleArchitecture")
    return [
        version
        for version in versions
        if (runtime is None or runtime in (version.runtimes or ()))
        and (architecture is None or architecture in (version.architectures or ()))
    ]


def _listed(version: LayerVersion) -> dict[str, Any]:
    return {
        "LayerVersionArn": version.arn,
        "Version": version.version,
        "Description": version.description,
        "CreatedDate": timestamp(version.created_ms),
        "CompatibleRuntimes": None if version.runtimes is None else list(version.runtimes),
        "CompatibleArchitectures": None if version.architectures is None else list(version.architectures),
        "LicenseInfo": version.license_info,
    }
