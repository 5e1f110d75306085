"""Operations on provisioned concurrency."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING, Any, Protocol

from lambent.aws.errors import ServiceError
from lambent.aws.lambda_.errors import invalid_parameter, translating
from lambent.aws.lambda_.functions import named
from lambent.aws.lambda_.paging import page_of
from lambent.functions import LATEST, FunctionRegistry, Reference, provisioned

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.functions import FunctionRecord
    from lambent.invocation.provisioned import Allocation

_MAX_PAGE = 50


class Allocations(Protocol):
    """Who knows how far provisioned concurrency has come."""

    def allocation(self, record: FunctionRecord, qualifier: str) -> Allocation:
        """The figures of a qualifier that has some."""


class ProvisionedOperations:
    """Put, get, list and delete. `allocations` is None where nothing runs functions: nothing is ever allocated."""

    registry: FunctionRegistry
    allocations: Allocations | None

    async def put_provisioned_concurrency_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Asks for environments that are started ahead; answers before they are."""
        with translating(context):
            reference = named(context, request)
            if reference.qualifier == LATEST:
                raise invalid_parameter(
                    "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
                )
            record = await provisioned.put(
                self.registry, reference, request["ProvisionedConcurrentExecutions"]
            )
        return self._configured(record, reference.qualifier or LATEST)

    async def get_provisioned_concurrency_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """What was asked for, and how far it has come."""
        with translating(context):
            reference = _published(context, request)
            record = provisioned.find(self.registry, reference)
        if reference.qualifier not in record.provisioned:
            raise ServiceError(
                "ProvisionedConcurrencyConfigNotFoundException",
                "No Provisioned Concurrency Config found for this function",
            )
        return self._configured(record, reference.qualifier)

    async def delete_provisioned_concurrency_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """Asks for none any more; that there were none is no error."""
        with translating(context):
            await provisioned.delete(self.registry, _published(context, request))
        return {}

    async def list_provisioned_concurrency_configs(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        """A page of what was asked for on versions and aliases of a function."""
        with translating(context):
            record = self.registry.record(named(context, request))
        page, marker = page_of(
            sorted(record.provisioned), lambda qualifier: (qualifier, 0), request, _MAX_PAGE
        )
        return {
            "ProvisionedConcurrencyConfigs": [
                {"FunctionArn": f"{record.arn}:{qualifier}", **self._configured(record, qualifier)}
                for qualifier in page
            ],
            "NextMarker": marker,
        }

    def _configured(self, record: FunctionRecord, qualifier: str) -> dict[str, Any]:
        config = record.provisioned[qualifier]
        figures: dict[str, Any] = {"Allocated": 0, "Available": 0}
        status, reason = "IN_PROGRESS", None
        if self.allocations is not None:
            found = self.allocations.allocation(record, qualifier)
            figures = {"Allocated": found.allocated, "Available": found.available}
            status, reason = found.status, found.reason
        return {
            "RequestedProvisionedConcurrentExecutions": config.requested,
            **{f"{name}ProvisionedConcurrentExecutions": value for name, value in figures.items()},
            "Status": status,
            "StatusReason": reason,
            "LastModified": _timestamp(config.modified_ms),
        }


def _published(context: RequestContext, request: dict[str, Any]) -> Reference:
    reference = named(context, request)
    if reference.qualifier == LATEST:
        raise invalid_parameter("The function resource provided must be an alias or a published version.")
    return reference


def _timestamp(milliseconds: int) -> str:
    """To the second, as this API writes it: 2026-01-31T12:00:00+0000."""
    return f"{datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC):%Y-%m-%dT%H:%M:%S}+0000"
