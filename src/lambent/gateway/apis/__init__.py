"""The control plane of HTTP and WebSocket APIs: what they are, how they change, what each stage serves.

Changes are pure functions of an API's definition; the registry makes them durable. May import what lambent.gateway may.
"""

from lambent.gateway.apis.definition import Content, Definition
from lambent.gateway.apis.deployed import Deployed
from lambent.gateway.apis.errors import ApiConflict, ApiError, ApiForbidden, ApiNotFound, BadApiRequest
from lambent.gateway.apis.registry import ApiRegistry

__all__ = [
    "ApiConflict",
    "ApiError",
    "ApiForbidden",
    "ApiNotFound",
    "ApiRegistry",
    "BadApiRequest",
    "Content",
    "Definition",
    "Deployed",
]
