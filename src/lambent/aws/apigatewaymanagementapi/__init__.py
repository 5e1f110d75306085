"""The API Gateway Management API: what functions do with the clients of WebSocket APIs."""

from lambent.aws.apigatewaymanagementapi.endpoint import ConnectionsEndpoint
from lambent.aws.apigatewaymanagementapi.service import ConnectionsService

__all__ = ["ConnectionsEndpoint", "ConnectionsService"]
