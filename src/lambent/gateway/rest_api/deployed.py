"""What a stage serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from lambent.gateway.rest_api.records import RestApi, Snapshot, Stage


class Deployed(msgspec.Struct, frozen=True, eq=False):
    """An API as a stage serves it: immutable, and the same object until the stage or its deployment changes."""

    api: RestApi
    stage: Stage
    snapshot: Snapshot
