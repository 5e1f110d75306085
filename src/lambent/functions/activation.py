"""From Pending to Active: versions are prepared after their creation has been answered."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from lambent.functions.errors import ActivationFailed
from lambent.functions.runtimes import SUPPORTED
from lambent.functions.version import FunctionVersion

Activate: TypeAlias = Callable[[FunctionVersion], Awaitable[None]]
"""Prepares what a version needs to run. Raises ActivationFailed."""

_log = logging.getLogger(__name__)


async def outcome(version: FunctionVersion, activate: Activate | None) -> ActivationFailed | None:
    """Try to make `version` runnable. Returns why it cannot be, or None when it can."""
    try:
        if version.runtime not in SUPPORTED:
            raise ActivationFailed(
                "InvalidRuntime",
                f"The runtime {version.runtime} cannot be run here yet. Those that can: "
                f"{', '.join(SUPPORTED)}.",
            )
        if activate is not None:
            await activate(version)
    except ActivationFailed as failure:
        return failure
    except asyncio.CancelledError:
        raise
    except Exception:  # noqa: BLE001 - whatever it was, the version must not stay Pending for ever
        _log.exception("activation of %s failed unexpectedly", version.qualified_arn)
        return ActivationFailed(
            "InternalError", "The function could not be prepared because of an internal error."
        )
    return None
