"""Custom domain names: which stage of which API a host and a path lead to.

"Use API mappings to map API stages to a custom domain name" of the developer guide: of the mappings whose key the path
begins with, segment by segment, the longest; one without a key takes the rest. A name `*.example.com` stands for all
names with one label in its place that are not registered themselves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from lambent.gateway.apis.registry import ApiRegistry


class Mapped(NamedTuple):
    """Where a request leads. `path` is what follows the mapping's `key`, as it was sent."""

    api_id: str
    stage: str
    key: str
    path: str


class Domains:
    """All custom domain names of a registry."""

    def __init__(self, registry: ApiRegistry) -> None:
        self._registry = registry

    def name_of(self, host: str) -> str | None:
        """The domain name that a host, in lower case and without its port, belongs to."""
        if self._registry.domain(host) is not None:
            return host
        wildcard = f"*.{host.partition('.')[2]}"
        return wildcard if self._registry.domain(wildcard) is not None else None

    def mapped(self, name: str, path: str) -> Mapped | None:
        """What a path below a domain name leads to; None where no mapping takes it. `name` is from `name_of`."""
        for mapping in self._registry.mappings(name):
            key = mapping.api_mapping_key
            if not key:
                return Mapped(mapping.api_id, mapping.stage, "", path)
            if path.startswith(key, 1) and path[len(key) + 1 : len(key) + 2] in ("", "/"):
                return Mapped(mapping.api_id, mapping.stage, key, path[len(key) + 1 :] or "/")
        return None
