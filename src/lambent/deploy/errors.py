"""What can go wrong between code and running, each with its mend."""

from __future__ import annotations


class DeployError(Exception):
    """Base of this part's errors: `message` says what is wrong, `hint` what to do, `place` where ("app.py:12")."""

    def __init__(self, message: str, *, hint: str | None = None, place: str | None = None) -> None:
        super().__init__(f"{place}: {message}" if place else message)
        self.message = message
        self.hint = hint
        self.place = place


class ProjectError(DeployError):
    """The project's settings cannot be used."""


class AnalysisError(DeployError):
    """The app cannot be imported, or is put together in a way that cannot be deployed.

    `output` is what the app printed and its traceback, as a person wants to read it.
    """

    def __init__(
        self, message: str, *, hint: str | None = None, place: str | None = None, output: str = ""
    ) -> None:
        super().__init__(message, hint=hint, place=place)
        self.output = output


class BuildError(DeployError):
    """A package cannot be made, or is larger than Lambda takes."""


class RenderError(DeployError):
    """The manifest says something that the rendering has no words for."""


class ProviderError(DeployError):
    """Where it is deployed to has refused, failed or not answered."""
