"""How a service's methods are found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lambent.aws.service import Service

if TYPE_CHECKING:
    from lambent.aws.context import RequestContext


class _Functions(Service):
    name = "lambda"

    async def get_function_url_config(
        self, context: RequestContext, request: dict[str, Any]
    ) -> dict[str, Any]:
        return request


def test_methods_by_operation() -> None:
    service = _Functions()
    assert service.method("GetFunctionUrlConfig") == service.get_function_url_config
    assert service.method("GetFunction") is None
