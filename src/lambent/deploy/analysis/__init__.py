"""From a project to its manifest: the app is imported in a process of its own, and its files are read.

Imports the framework, for what it knows of names and schedules, and nothing of the platform. The app's own code runs
in `child` only, with the project's interpreter.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lambent.deploy.analysis.analyser import Analyser

if TYPE_CHECKING:
    from lambent.deploy.manifest import Manifest
    from lambent.deploy.project import Project, Stage

__all__ = ["Analyser", "analyse"]


def analyse(project: Project, stage: Stage) -> Manifest:
    """What the app of a project consists of and needs, with the settings of a stage. Raises AnalysisError."""
    analyser = Analyser(project, warm=False)
    try:
        return analyser.analyse(stage)
    finally:
        analyser.close()
