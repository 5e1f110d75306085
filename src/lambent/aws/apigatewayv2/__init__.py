"""API Gateway V2: the control plane of HTTP and WebSocket APIs, over their registry.

May import lambent.gateway.apis and the generic layer of lambent.aws.
"""

from lambent.aws.apigatewayv2.service import ApiGatewayV2Service

__all__ = ["ApiGatewayV2Service"]
