"""Build: a manifest's units as packages (`build`), or as folders that run (`link`).

It reads the project's files and asks uv and esbuild; of lambent it imports `lambent.deploy` alone.
"""

from lambent.deploy.build.artefacts import Artefact as Artefact
from lambent.deploy.build.artefacts import Build as Build
from lambent.deploy.build.artefacts import Linked as Linked
from lambent.deploy.build.building import build as build
from lambent.deploy.build.explanation import Explanation as Explanation
from lambent.deploy.build.explanation import explain as explain
from lambent.deploy.build.linking import link as link
from lambent.deploy.build.sizes import PackageSize as PackageSize
from lambent.deploy.build.sizes import report as report

__all__ = ["Artefact", "Build", "Explanation", "Linked", "PackageSize", "build", "explain", "link", "report"]
