"""API Gateway: the control plane of REST APIs, over their registry.

May import lambent.gateway and the generic layer of lambent.aws.
"""

from lambent.aws.apigateway.service import ApiGatewayService

__all__ = ["ApiGatewayService"]
