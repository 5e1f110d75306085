"""The Lambda service: its operations, gathered from the modules that hold them by topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lambent.aws.lambda_ import other_accounts
from lambent.aws.lambda_.account import AccountOperations
from lambent.aws.lambda_.aliases import AliasOperations
from lambent.aws.lambda_.code_signing import CodeSigningOperations
from lambent.aws.lambda_.concurrency import ConcurrencyOperations
from lambent.aws.lambda_.event_invoke import EventInvokeOperations
from lambent.aws.lambda_.event_source_mappings import EventSourceMappingOperations
from lambent.aws.lambda_.functions import FunctionOperations
from lambent.aws.lambda_.invoke_async import InvokeAsyncOperations
from lambent.aws.lambda_.layers import LayerOperations
from lambent.aws.lambda_.permissions import PermissionOperations
from lambent.aws.lambda_.provisioned import ProvisionedOperations
from lambent.aws.lambda_.resource_policies import ResourcePolicyOperations
from lambent.aws.lambda_.runtime_settings import RuntimeSettingsOperations
from lambent.aws.lambda_.tags import TagOperations
from lambent.aws.lambda_.urls import UrlOperations
from lambent.aws.service import Method, Service

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.aws.lambda_.downloads import CodeDownloads
    from lambent.aws.lambda_.provisioned import Allocations
    from lambent.events import MappingRegistry
    from lambent.functions import FunctionRegistry
    from lambent.invocation.async_queue import AsyncQueue
    from lambent.neighbours.networks import Networks
    from lambent.neighbours.objects import Objects


class LambdaService(
    FunctionOperations,
    AliasOperations,
    LayerOperations,
    CodeSigningOperations,
    ConcurrencyOperations,
    ProvisionedOperations,
    PermissionOperations,
    ResourcePolicyOperations,
    TagOperations,
    AccountOperations,
    UrlOperations,
    EventInvokeOperations,
    RuntimeSettingsOperations,
    EventSourceMappingOperations,
    InvokeAsyncOperations,
    Service,
):
    """The control plane over one registry of functions and one of mappings.

    `downloads` answers the links that GetFunction gives,
    `allocations` knows how far provisioned concurrency has come, `objects` has the code that is in S3, `queue` takes
    events of InvokeAsync, `networks` knows subnets and security groups. `linked_code`: see `CodeOperations`.
    """

    name: ClassVar[str] = "lambda"

    def __init__(
        self,
        registry: FunctionRegistry,
        downloads: CodeDownloads,
        mappings: MappingRegistry,
        allocations: Allocations | None = None,
        objects: Objects | None = None,
        queue: AsyncQueue | None = None,
        networks: Networks | None = None,
        *,
        linked_code: bool = False,
    ) -> None:
        self.registry = registry
        self.downloads = downloads
        self.mappings = mappings
        self.allocations = allocations
        self.objects = objects
        self.queue = queue
        self.networks = networks
        self.linked_code = linked_code

    def method(self, operation: str) -> Method | None:
        """The method of an operation; done in the name of the function's owner where he permits it."""
        found = super().method(operation)
        if found is None or operation not in other_accounts.OPERATIONS:
            return found
        method = found

        async def crossing(context: RequestContext, request: dict[str, Any]) -> dict[str, Any] | None:
            return await method(other_accounts.acting_for_owner(self.registry, context, request), request)

        return crossing
