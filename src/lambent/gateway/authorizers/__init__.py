"""Who may call a route: JSON Web Tokens, functions that decide, signatures.

`Authorizers.authorize` decides by the route's authorization type. May import what the gateway may.
"""

from lambent.gateway.authorizers.authorizers import Authorizers
from lambent.gateway.authorizers.fetch import Fetch, Fetcher, FetchFailed
from lambent.gateway.authorizers.verdict import OPEN, Verdict

__all__ = ["OPEN", "Authorizers", "Fetch", "FetchFailed", "Fetcher", "Verdict"]
