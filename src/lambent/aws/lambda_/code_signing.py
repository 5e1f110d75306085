"""Operations on code signing configurations, and on the binding of functions to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.aws.lambda_.configuration import timestamp
from lambent.aws.lambda_.errors import translating
from lambent.aws.lambda_.functions import named, unqualified
from lambent.aws.lambda_.paging import page_of
from lambent.aws.lambda_.tags import new_tags
from lambent.functions.transitions import now_ms

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions import FunctionRegistry
    from lambent.functions.code_signing import SigningConfig

_MAX_PAGE = 50


class CodeSigningOperations:
    """Create, get, update, list and delete; put, get and delete of a function; list its functions."""

    registry: FunctionRegistry

    async def create_code_signing_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the new configuration. Without a policy untrusted code is let pass."""
        with translating(context):
            tags = new_tags(context, request, self.registry.limits)
            config = await self.registry.signing.create(
                context.account,
                context.region,
                tuple(request["AllowedPublishers"]["SigningProfileVersionArns"]),
                untrusted=_policy(request) or "Warn",
                description=request.get("Description", ""),
                tags=tags,
            )
        return {"CodeSigningConfig": _described(config)}

    async def get_code_signing_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """One configuration."""
        with translating(context):
            return {"CodeSigningConfig": _described(self._config(context, request))}

    async def update_code_signing_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Replaces the members that are given; answers with the configuration."""
        with translating(context):
            given: dict[str, Any] = {}
            if "Description" in request:
                given["description"] = request["Description"]
            if "AllowedPublishers" in request:
                given["publishers"] = tuple(request["AllowedPublishers"]["SigningProfileVersionArns"])
            if policy := _policy(request):
                given["untrusted"] = policy
            config = await self.registry.signing.change(
                self._config(context, request).arn,
                lambda config: replace(config, modified_ms=now_ms(), **given),
            )
        return {"CodeSigningConfig": _described(config)}

    async def delete_code_signing_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Deletes a configuration that no function is bound to."""
        with translating(context):
            await self.registry.signing.delete(self._config(context, request).arn)
        return {}

    async def list_code_signing_configs(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of the account's configurations, by id."""
        configs = self.registry.signing.configs(context.account, context.region)
        page, marker = page_of(configs, lambda config: (config.id, 0), request, _MAX_PAGE)
        return {"CodeSigningConfigs": [_described(config) for config in page], "NextMarker": marker}

    async def list_functions_by_code_signing_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of the ARNs of the functions that are bound to a configuration, by name."""
        with translating(context):
            arn = self._config(context, request).arn
        bound = [
            record
            for record in self.registry.functions(context.account, context.region)
            if record.settings.code_signing_config == arn
        ]
        page, marker = page_of(bound, lambda record: (record.name, 0), request, _MAX_PAGE)
        return {"FunctionArns": [record.arn for record in page], "NextMarker": marker}

    async def put_function_code_signing_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Binds a function: the code that it has is not looked at, only what is deployed from now on."""
        with translating(context):
            arn = request["CodeSigningConfigArn"]
            # Recorded: of a configuration and a function that are both missing, the configuration is named.
            self.registry.signing.check_known(arn, context.account, context.region)
            reference = unqualified(context, request)
            await self.registry.bind_signing(reference, arn)
        return {"CodeSigningConfigArn": arn, "FunctionName": reference.name}

    async def get_function_code_signing_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """The configuration that a function is bound to; an empty answer without one."""
        with translating(context):
            record = self.registry.record(named(context, request))
            self.registry.signing.check_package_type(record.latest.package_type)
        arn = record.settings.code_signing_config
        return {} if arn is None else {"CodeSigningConfigArn": arn, "FunctionName": record.name}

    async def delete_function_code_signing_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Frees a function from its configuration, if it has one."""
        with translating(context):
            await self.registry.bind_signing(unqualified(context, request), None)
        return {}

    def _config(self, context: RequestContext, request: dict[str, Any]) -> SigningConfig:
        """The configuration named, of this account and region. Raises SigningConfigNotFound."""
        return self.registry.signing.get(request["CodeSigningConfigArn"], context.account, context.region)


def _policy(request: dict[str, Any]) -> Any:
    return (request.get("CodeSigningPolicies") or {}).get("UntrustedArtifactOnDeployment")


def _described(config: SigningConfig) -> dict[str, Any]:
    return {
        "CodeSigningConfigId": config.id,
        "CodeSigningConfigArn": config.arn,
        "Description": config.description,
        "AllowedPublishers": {"SigningProfileVersionArns": list(config.publishers)},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": config.untrusted},
        "LastModified": timestamp(config.modified_ms),
    }
