"""Providers of `AWS::ApiGatewayV2::*`: HTTP and WebSocket APIs with what belongs to them."""
