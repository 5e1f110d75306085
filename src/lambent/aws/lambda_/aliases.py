"""Operations on aliases."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.lambda_.errors import translating
from lambent.aws.lambda_.functions import named
from lambent.aws.lambda_.paging import page_of
from lambent.functions import FunctionNotFound, FunctionRecord, FunctionRegistry, Reference, alias
from lambent.functions.errors import AliasNotFound

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions.attachments import Alias

_MAX_PAGE = 50


class AliasOperations:
    """Create, read, update and delete."""

    registry: FunctionRegistry

    async def create_alias(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the new alias."""
        name, version = request["Name"], request["FunctionVersion"]
        with translating(context):
            reference = _function(context, request)
            weights = _weights(request) or {}
            alias.check_weights(version, weights)
            try:
                record = await self.registry.change(
                    reference,
                    lambda record: alias.created(
                        record, name, version, request.get("Description", ""), weights
                    ),
                )
            except FunctionNotFound as error:
                # Recorded: a function that is not there is told with the version that was wanted of it.
                raise FunctionNotFound(_qualified(error.arn, reference, version)) from error
        return _described(record, record.aliases[name])

    async def get_alias(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """One alias."""
        with translating(context):
            reference = _function(context, request)
            missing = AliasNotFound(f"{reference.arn}:{request['Name']}")
            try:
                record = self.registry.record(reference)
            except FunctionNotFound:
                raise missing from None
            found = record.aliases.get(request["Name"])
            if found is None:
                raise missing
        return _described(record, found)

    async def list_aliases(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """A page of a function's aliases by name; of those that point to FunctionVersion, if it is given."""
        with translating(context):
            record = self.registry.record(_function(context, request))
        version = request.get("FunctionVersion")
        aliases = [
            record.aliases[name]
            for name in sorted(record.aliases)
            if version is None or record.aliases[name].version == version
        ]
        page, marker = page_of(aliases, lambda one: (one.name, 0), request, _MAX_PAGE)
        return {"Aliases": [_described(record, one) for one in page], "NextMarker": marker}

    async def update_alias(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Answers with the changed alias."""
        name = request["Name"]
        with translating(context):
            record = await self.registry.change(
                _function(context, request),
                lambda record: alias.updated(
                    record,
                    name,
                    version=request.get("FunctionVersion"),
                    description=request.get("Description"),
                    weights=_weights(request),
                    revision_id=request.get("RevisionId"),
                ),
            )
        return _described(record, record.aliases[name])

    async def delete_alias(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """Deletes an alias; one that is not there is no error."""
        with translating(context):
            await self.registry.change(
                _function(context, request), lambda record: alias.deleted(record, request["Name"])
            )
        return {}


def _function(context: RequestContext, request: dict[str, Any]) -> Reference:
    return named(context, {"FunctionName": request["FunctionName"]})._replace(qualifier=None)


def _weights(request: dict[str, Any]) -> dict[str, float] | None:
    if "RoutingConfig" not in request:
        return None
    return dict((request["RoutingConfig"] or {}).get("AdditionalVersionWeights") or {})


def _qualified(arn: str, reference: Reference, version: str) -> str:
    return f"{arn}:{version}" if arn == reference.arn else arn


def _described(record: FunctionRecord, one: Alias) -> dict[str, Any]:
    return {
        "AliasArn": f"{record.arn}:{one.name}",
        "Name": one.name,
        "FunctionVersion": one.version,
        "Description": one.description,
        "RoutingConfig": {"AdditionalVersionWeights": one.weights} if one.weights else None,
        "RevisionId": one.revision_id,
    }
