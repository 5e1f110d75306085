"""The AWS services of a node, each made when it is first asked: a platform is seldom asked for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.aws.service import LaterService
from lambent.node.later import Later

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from lambent.aws.credentials import Credentials
    from lambent.aws.lambda_.downloads import CodeDownloads
    from lambent.aws.service import Service
    from lambent.functions import FunctionRegistry
    from lambent.invocation.invoker import Invoker
    from lambent.neighbours.neighbours import Neighbours
    from lambent.neighbours.service_calls import AskService
    from lambent.node.events import Events
    from lambent.node.gateway import Gateway
    from lambent.node.settings import Settings
    from lambent.node.stacks import StackParts
    from lambent.observe import LogStore


class Services:
    """How each service is made of the node's parts; `ask` is how Cloud Control asks other services, `stacks` gives
    the parts of stacks.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        registry: FunctionRegistry,
        downloads: CodeDownloads,
        credentials: Credentials,
        invoker: Invoker,
        neighbours: Neighbours,
        events: Events,
        logs: LogStore,
        gateway: Gateway,
        stacks: Callable[[], Awaitable[StackParts]],
        ask: AskService,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._downloads = downloads
        self._credentials = credentials
        self._invoker = invoker
        self._neighbours = neighbours
        self._events = events
        self._logs = logs
        self._gateway = gateway
        self._stacks = stacks
        self._ask = ask

    def later(self) -> list[LaterService]:
        """All of them but SQS, whose queues other parts use too."""
        makers: dict[str, Callable[[], Awaitable[Service]]] = {
            "lambda": self._lambda,
            "logs": self._log_groups,
            "sts": self._sts,
            "events": self._buses,
            "scheduler": self._scheduler,
            "apigatewayv2": self._apis,
            "apigatewaymanagementapi": self._connections,
            "apigateway": self._rest_apis,
            "cloudcontrol": self._cloud_control,
            "codedeploy": self._deployments,
            "cloudformation": self._cloudformation,
        }
        return [LaterService(name, Later(make).get) for name, make in makers.items()]

    async def _lambda(self) -> Service:
        from lambent.aws.lambda_.service import LambdaService
        from lambent.neighbours.networks import Networks
        from lambent.neighbours.objects import Objects

        return LambdaService(
            self._registry,
            self._downloads,
            self._events.mappings,
            self._invoker.provisioning,
            Objects(self._neighbours),
            self._events.async_queue,
            Networks(self._neighbours),
            linked_code=self._settings.linked_code,
        )

    async def _log_groups(self) -> Service:
        from lambent.aws.logs.service import LogsService

        return LogsService(self._logs, self._events.log_subscriptions.refusal)

    async def _sts(self) -> Service:
        from lambent.aws.sts import StsService

        return StsService(self._credentials, self._settings.account)

    async def _buses(self) -> Service:
        from lambent.aws.events import EventsService

        return EventsService(self._events.buses)

    async def _scheduler(self) -> Service:
        from lambent.aws.scheduler import SchedulerService

        return SchedulerService(self._events.schedules)

    async def _apis(self) -> Service:
        from lambent.aws.apigatewayv2 import ApiGatewayV2Service

        return ApiGatewayV2Service(self._gateway.apis)

    async def _connections(self) -> Service:
        from lambent.aws.apigatewaymanagementapi import ConnectionsService

        return ConnectionsService(self._gateway.clients)

    async def _rest_apis(self) -> Service:
        from lambent.aws.apigateway import ApiGatewayService

        rest = await self._gateway.rest.get()
        return ApiGatewayService(rest.registry, rest.usage)

    async def _cloud_control(self) -> Service:
        from lambent.aws.cloudcontrol import CloudControlService

        return CloudControlService((await self._stacks()).catalogue, self._ask, self._events.clock)

    async def _deployments(self) -> Service:
        from lambent.aws.codedeploy import CodeDeployService

        return CodeDeployService((await self._stacks()).deployments)

    async def _cloudformation(self) -> Service:
        from lambent.aws.cloudformation import CloudFormationService

        parts = await self._stacks()
        return CloudFormationService(parts.stacks, parts.transforms, parts.fetcher)
