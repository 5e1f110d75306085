"""The pytest plugin: a whole platform, and the project's app on it, as fixtures (docs/testing-on-the-platform.md).

It starts the platform in a process of its own and uses the pipeline (`lambent.deploy`) and AWS's APIs like anybody
else. pytest loads `fixtures` alone; the rest is imported when a test asks for it, or its types for annotations.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambent.pytest_plugin.app import DeployedApp as DeployedApp
    from lambent.pytest_plugin.app import FunctionFailed as FunctionFailed
    from lambent.pytest_plugin.platform import Platform as Platform
    from lambent.pytest_plugin.sockets import ConnectionRefused as ConnectionRefused
    from lambent.pytest_plugin.sockets import Socket as Socket

_HOMES = {
    "ConnectionRefused": "sockets",
    "DeployedApp": "app",
    "FunctionFailed": "app",
    "Platform": "platform",
    "Socket": "sockets",
}

__all__ = ["ConnectionRefused", "DeployedApp", "FunctionFailed", "Platform", "Socket"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
