"""Why the front door cannot do what was asked.

GatewayError
├── NoFunction    an integration, authorizer or URL leads to a function that is not there
├── NotPermitted  the function's resource policy does not let the API call it
└── BadAnswer     what a function returned is no answer
"""

from __future__ import annotations


class GatewayError(Exception):
    """Base of this floor's errors; the message is for the log, never for the client."""


class NoFunction(GatewayError):
    """There is no such function."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"there is no function {arn}")
        self.arn = arn


class NotPermitted(GatewayError):
    """The function may not be called from there."""

    def __init__(self, arn: str, source_arn: str) -> None:
        super().__init__(
            f"{arn} does not let API Gateway call it: aws lambda add-permission --function-name {arn} "
            f"--statement-id apigateway --action lambda:InvokeFunction --principal apigateway.amazonaws.com "
            f"--source-arn '{source_arn}'"
        )
        self.arn = arn
        self.source_arn = source_arn


class BadAnswer(GatewayError):
    """A function returned something that cannot be sent; the message says what is wrong with it."""
