"""REST APIs: their control plane and what serves their requests.

Changes are pure functions of an API's definition; the registry makes them durable, a deployment freezes them. Requests
go from the door to `RestApis`. May import what lambent.gateway may.
"""

from lambent.gateway.rest_api.registry import RestApiRegistry
from lambent.gateway.rest_api.serving import RestApis

__all__ = ["RestApiRegistry", "RestApis"]
