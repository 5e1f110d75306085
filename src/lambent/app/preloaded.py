"""What most apps use of the framework: for processes that load it ahead and then fork.

Nothing imports this on the way to a function in the cloud.
"""

from __future__ import annotations

from typing import Final

MODULES: Final = (
    "datetime",
    "decimal",
    "uuid",
    "msgspec",
    "msgspec.inspect",
    "lambent.app.app",
    "lambent.app.client.service",
    "lambent.app.connections",
    "lambent.app.functions",
    "lambent.app.log_line",
    "lambent.app.logger",
    "lambent.app.metrics",
    "lambent.app.middleware.cors",
    "lambent.app.queues",
    "lambent.app.registrar",
    "lambent.app.schedules",
    "lambent.app.sources.authorizer",
    "lambent.app.sources.bucket",
    "lambent.app.sources.bus",
    "lambent.app.sources.channel",
    "lambent.app.sources.direct",
    "lambent.app.sources.queue",
    "lambent.app.sources.stream",
    "lambent.app.sources.table_stream",
    "lambent.app.sources.topic",
    "lambent.app.table",
)
"""Modules by name; those of the standard library too that handlers tend to use."""
