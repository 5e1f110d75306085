"""Build: a manifest's units as packages (`build`), or as folders that run (`link`).

It reads the project's files and asks uv and esbuild; of lambent it imports `lambent.deploy` alone. Names are imported
when they are first asked for: who links need not know how packages are made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lambent.deploy.build.artefacts import Artefact as Artefact
    from lambent.deploy.build.artefacts import Build as Build
    from lambent.deploy.build.artefacts import Linked as Linked
    from lambent.deploy.build.building import build as build
    from lambent.deploy.build.explanation import Explanation as Explanation
    from lambent.deploy.build.explanation import explain as explain
    from lambent.deploy.build.linking import link as link
    from lambent.deploy.build.sizes import PackageSize as PackageSize
    from lambent.deploy.build.sizes import report as report

_HOMES = {
    "Artefact": "artefacts",
    "Build": "artefacts",
    "Explanation": "explanation",
    "Linked": "artefacts",
    "PackageSize": "sizes",
    "build": "building",
    "explain": "explanation",
    "link": "linking",
    "report": "sizes",
}

__all__ = ["Artefact", "Build", "Explanation", "Linked", "PackageSize", "build", "explain", "link", "report"]


def __getattr__(name: str) -> Any:
    module = _HOMES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{module}"), name)
    return value
