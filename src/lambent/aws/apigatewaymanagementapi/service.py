"""The Management API as a service of the dispatcher, which has its model from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from lambent.aws.apigatewaymanagementapi import operations
from lambent.aws.service import Service

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext
    from lambent.gateway.websocket import Clients


class ConnectionsService(Service):
    """Works on `clients`, whichever stage they are connected to."""

    name: ClassVar[str] = "apigatewaymanagementapi"

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    async def post_to_connection(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Send a message to a client."""
        operations.post(
            operations.find(self._clients, request["ConnectionId"], context.account), request["Data"]
        )

    async def get_connection(self, context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        """When a client connected, from where, and when it was last active."""
        return operations.describe(operations.find(self._clients, request["ConnectionId"], context.account))

    async def delete_connection(self, context: RequestContext, request: dict[str, Any]) -> None:
        """Disconnect a client."""
        operations.close(operations.find(self._clients, request["ConnectionId"], context.account))
