"""HTTP APIs at work: stages, routes, CORS, throttling, logs, custom domain names.

`HttpApis.handle` answers a request. May import what the gateway may.
"""

from lambent.gateway.http_api.apis import HttpApis
from lambent.gateway.http_api.domains import Domains, Mapped

__all__ = ["Domains", "HttpApis", "Mapped"]
