"""ACM: certificates. moto issues them at once, whoever the domain belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

from lambent.stacks.providers.base import (
    ServiceProvider,
    changed,
    not_served,
    own_pairs,
    pairs,
    tag_changes,
    tags_of,
    told,
    unless,
    untold,
)
from lambent.stacks.providers.provider import Made

if TYPE_CHECKING:
    from lambent.stacks.providers.provider import Properties, Work

_LOGGING: Final = "CertificateTransparencyLoggingPreference"
_TOKEN_LENGTH: Final = 32


class CertificateProvider(ServiceProvider):
    """`AWS::CertificateManager::Certificate`: Ref is its ARN."""

    type: ClassVar[str] = "AWS::CertificateManager::Certificate"

    async def create(self, work: Work) -> Made:
        properties = work.properties
        certificate = work.physical_id
        if not certificate:
            preference = properties.get(_LOGGING)
            made = await work.call(
                "acm",
                "RequestCertificate",
                DomainName=properties["DomainName"],
                SubjectAlternativeNames=properties.get("SubjectAlternativeNames") or None,
                ValidationMethod=properties.get("ValidationMethod"),
                CertificateAuthorityArn=properties.get("CertificateAuthorityArn"),
                KeyAlgorithm=properties.get("KeyAlgorithm"),
                Options={_LOGGING: preference} if preference else None,
                IdempotencyToken="".join(filter(str.isalnum, work.token))[-_TOKEN_LENGTH:],
                Tags=pairs(tags_of(work, system=False)) or None,
            )
            certificate = made["CertificateArn"]
        await work.initiated(certificate)
        return await self.made(work, certificate)

    async def update(self, work: Work) -> Made:
        if changed(work, _LOGGING):
            raise not_served(_LOGGING)
        certificate, tags = work.physical_id, tag_changes(work, system=False)
        if tags.removed:
            keys = [{"Key": key} for key in tags.removed]
            await work.call("acm", "RemoveTagsFromCertificate", CertificateArn=certificate, Tags=keys)
        if tags.put:
            await work.call("acm", "AddTagsToCertificate", CertificateArn=certificate, Tags=pairs(tags.put))
        return await self.made(work, certificate)

    async def delete(self, work: Work) -> None:
        await unless(work.call("acm", "DeleteCertificate", CertificateArn=work.physical_id))

    async def read(self, work: Work) -> Properties | None:
        found = await unless(work.call("acm", "DescribeCertificate", CertificateArn=work.physical_id))
        if found is None:
            return None
        certificate = found["Certificate"]
        tags = await work.call("acm", "ListTagsForCertificate", CertificateArn=work.physical_id)
        others = [
            name for name in certificate["SubjectAlternativeNames"] if name != certificate["DomainName"]
        ]
        return untold(
            work,
            told(
                {
                    "DomainName": certificate["DomainName"],
                    "SubjectAlternativeNames": others,
                    "Tags": own_pairs(tags.get("Tags", [])),
                }
            ),
            "DomainValidationOptions",
            "KeyAlgorithm",
            "ValidationMethod",
            "CertificateAuthorityArn",
            _LOGGING,
        )

    async def made(self, work: Work, physical_id: str) -> Made:
        return Made(physical_id, {"CertificateArn": physical_id, "Id": physical_id})
