"""Operations on accounts, VPC links, client certificates and documentation."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from lambent.aws.apigateway.members import described, operations, place
from lambent.aws.apigateway.paging import page_of
from lambent.aws.apigatewayv2.errors import translating
from lambent.gateway.apis import BadApiRequest, tags
from lambent.gateway.apis.clock import now
from lambent.gateway.apis.identifiers import new_id
from lambent.gateway.rest_api import documentation, patches
from lambent.gateway.rest_api.certificates import certificate_pem
from lambent.gateway.rest_api.definition import Kept
from lambent.gateway.rest_api.patches import Patches
from lambent.gateway.rest_api.records import Account, ClientCertificate, VpcLink

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.rest_api import RestApiRegistry

_YEAR = dt.timedelta(days=365)
_ACCOUNT = Patches({"/cloudwatchRoleArn": patches.text("cloudwatch_role_arn", remove=True)})
_LINK = Patches({"/name": patches.text("name"), "/description": patches.text("description")})
_CERTIFICATE = Patches({"/description": patches.text("description")})
# As every account has it.
_THROTTLE = {"burstLimit": 5000, "rateLimit": 10_000.0}


class SettingOperations:
    """Create, read, update, delete and list."""

    registry: RestApiRegistry

    # ------------------------------------------------------------ the account

    def _account(self, context: RequestContext) -> Account:
        kept = self.registry.accounts.all.get(f"{context.account}/{context.region}")
        if kept is not None:
            return kept.record  # type: ignore[no-any-return]
        return Account(
            id=f"{context.account}/{context.region}", account=context.account, region=context.region
        )

    async def get_account(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """The account's settings."""
        return _account(self._account(context))

    async def update_account(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed settings."""
        changes = operations(request)
        ledger = self.registry.accounts
        account = self._account(context)
        with translating():
            if account.id not in ledger.all:
                await ledger.insert(account.id, context.account, context.region, Kept(account))

            def changed(kept: Kept) -> tuple[Kept, Account]:
                record = _ACCOUNT.apply(kept.record, changes)
                return replace(kept, record=record), record

            account = await ledger.change(account.id, lambda: ledger.all[account.id], changed)
        return _account(account)

    # ------------------------------------------------------------ VPC links

    async def create_vpc_link(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new link, which is available at once."""
        with translating():
            link = VpcLink(
                id=new_id(6),
                account=context.account,
                region=context.region,
                name=request["name"],
                target_arns=tuple(request["targetArns"]),
                status="AVAILABLE",
                status_message="Your vpc link is ready for use",
                description=request.get("description") or None,
                tags=tags.check(request["tags"]) if request.get("tags") else None,
            )
            await self.registry.vpc_links.insert(link.id, context.account, context.region, Kept(link))
        return _shown(link)

    async def get_vpc_link(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One link."""
        with translating():
            return _shown(
                self.registry.vpc_link(context.account, context.region, request["vpcLinkId"]).record
            )

    async def get_vpc_links(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of the links, by id."""
        found = [
            kept.record
            for kept in self.registry.vpc_links.all.values()
            if (kept.record.account, kept.record.region) == (context.account, context.region)
        ]
        return page_of(found, lambda one: one.id, request, _shown)

    async def update_vpc_link(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed link."""
        changes, link_id = operations(request), request["vpcLinkId"]

        def changed(kept: Kept) -> tuple[Kept, VpcLink]:
            link = _LINK.apply(kept.record, changes)
            return replace(kept, record=link), link

        with translating():
            link = await self.registry.vpc_links.change(
                link_id, lambda: self.registry.vpc_link(context.account, context.region, link_id), changed
            )
        return _shown(link)

    async def delete_vpc_link(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a link that no integration uses."""
        link_id = request["vpcLinkId"]

        def check(kept: Kept) -> None:
            for definition in self.registry.definitions(context.account, context.region):
                for resource in definition.resources.values():
                    for method in resource.methods.values():
                        integration = method.method_integration
                        if integration is not None and integration.connection_id == link_id:
                            raise BadApiRequest(
                                f"Cannot delete vpc link. Vpc link '{link_id}', is referenced in "
                                f"[{method.http_method}:{resource.id}:{definition.api.id}] in form of "
                                f"[Method:Resource:Api]."
                            )

        with translating():
            await self.registry.vpc_links.remove(
                link_id, lambda: self.registry.vpc_link(context.account, context.region, link_id), check
            )

    # ------------------------------------------------------------ client certificates

    async def generate_client_certificate(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the new certificate."""
        moment = now()
        certificate = ClientCertificate(
            client_certificate_id=new_id(6),
            account=context.account,
            region=context.region,
            created_date=moment,
            expiration_date=moment + _YEAR,
            pem_encoded_certificate=certificate_pem(moment, moment + _YEAR),
            description=request.get("description") or None,
            tags=request.get("tags") or None,
        )
        with translating():
            await self.registry.certificates.insert(
                certificate.client_certificate_id, context.account, context.region, Kept(certificate)
            )
        return _shown(certificate)

    async def get_client_certificate(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """One certificate."""
        with translating():
            kept = self.registry.certificate(context.account, context.region, request["clientCertificateId"])
        return _shown(kept.record)

    async def get_client_certificates(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of the certificates, by id."""
        found = [
            kept.record
            for kept in self.registry.certificates.all.values()
            if (kept.record.account, kept.record.region) == (context.account, context.region)
        ]
        return page_of(found, lambda one: one.client_certificate_id, request, _shown)

    async def update_client_certificate(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed certificate."""
        changes, certificate_id = operations(request), request["clientCertificateId"]

        def changed(kept: Kept) -> tuple[Kept, ClientCertificate]:
            certificate = _CERTIFICATE.apply(kept.record, changes)
            return replace(kept, record=certificate), certificate

        with translating():
            certificate = await self.registry.certificates.change(
                certificate_id,
                lambda: self.registry.certificate(context.account, context.region, certificate_id),
                changed,
            )
        return _shown(certificate)

    async def delete_client_certificate(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a certificate."""
        certificate_id = request["clientCertificateId"]
        with translating():
            await self.registry.certificates.remove(
                certificate_id,
                lambda: self.registry.certificate(context.account, context.region, certificate_id),
                lambda kept: None,
            )

    # ------------------------------------------------------------ documentation

    async def create_documentation_part(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the new part."""
        with translating():
            return _shown(
                await self.registry.change(
                    *place(context, request),
                    lambda definition: documentation.create_part(
                        definition, dict(request["location"]), request["properties"]
                    ),
                )
            )

    async def get_documentation_part(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """One part."""
        with translating():
            definition = self.registry.definition(*place(context, request))
            return _shown(documentation.part(definition, request["documentationPartId"]))

    async def get_documentation_parts(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of an API's parts, by id."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        kind, path, name = request.get("type"), request.get("path"), request.get("nameQuery")
        found = [
            one
            for one in definition.parts.values()
            if kind in (None, one.location.get("type"))
            and path in (None, one.location.get("path"))
            and (name is None or name in one.location.get("name", ""))
        ]
        return page_of(found, lambda one: one.id, request, _shown)

    async def update_documentation_part(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed part."""
        changes = operations(request)
        with translating():
            return _shown(
                await self.registry.change(
                    *place(context, request),
                    lambda definition: documentation.update_part(
                        definition, request["documentationPartId"], changes
                    ),
                )
            )

    async def delete_documentation_part(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a part."""
        with translating():
            await self.registry.change(
                *place(context, request),
                lambda definition: documentation.delete_part(definition, request["documentationPartId"]),
            )

    async def create_documentation_version(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the new version, which a stage may have at once."""
        name, stage = request["documentationVersion"], request.get("stageName")

        def changed(definition: Any) -> Any:
            definition, made = documentation.create_version(definition, name, request.get("description"))
            if stage:
                old = definition.stages.get(stage)
                if old is None:
                    raise BadApiRequest("Invalid stage identifier specified")
                stages = {**definition.stages, stage: replace(old, documentation_version=name)}
                definition = replace(definition, stages=stages)
            return definition, made

        with translating():
            return _shown(await self.registry.change(*place(context, request), changed))

    async def get_documentation_version(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """One version."""
        with translating():
            definition = self.registry.definition(*place(context, request))
            return _shown(documentation.version(definition, request["documentationVersion"]))

    async def get_documentation_versions(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of an API's versions, by name."""
        with translating():
            definition = self.registry.definition(*place(context, request))
        return page_of(definition.documentation.values(), lambda one: one.version, request, _shown)

    async def update_documentation_version(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Answers with the changed version."""
        changes = operations(request)
        with translating():
            return _shown(
                await self.registry.change(
                    *place(context, request),
                    lambda definition: documentation.update_version(
                        definition, request["documentationVersion"], changes
                    ),
                )
            )

    async def delete_documentation_version(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Deletes a version that no stage has."""
        with translating():
            await self.registry.change(
                *place(context, request),
                lambda definition: documentation.delete_version(definition, request["documentationVersion"]),
            )


def _account(account: Account) -> dict[str, Any]:
    return {
        "cloudwatchRoleArn": account.cloudwatch_role_arn,
        "throttleSettings": _THROTTLE,
        "features": ["UsagePlans"],
        "apiKeyVersion": "4",
    }


def _shown(record: Any) -> dict[str, Any]:
    found: dict[str, Any] = described(record)
    return found
