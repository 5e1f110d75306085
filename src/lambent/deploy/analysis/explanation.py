"""What went wrong when an app was imported, for who wrote it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lambent.deploy.errors import AnalysisError

if TYPE_CHECKING:
    from lambent.deploy.project import Project


def explained(project: Project, folder: str, answer: dict[str, Any]) -> AnalysisError:
    """The error that an answer of the importer tells: one line, its place, the mend, and what there is to see."""
    error = answer["error"]
    file, line = error.get("place") or (None, None)
    place = _place(project, file, line)
    shown = "\n".join(one for one in (answer.get("output", "").rstrip(), _trace(error)) if one)
    # The framework names handlers with their files in full.
    error = {**error, "message": error["message"].replace(f"{project.root}/", "")}
    message, hint = _worded(project, {**error, "folder": project.root / folder})
    message = message.replace(f" ({place})", "")
    return AnalysisError(message, hint=hint, place=place, output=shown)


def _trace(error: dict[str, Any]) -> str:
    """What a person learns more from than from the message: the line of wrong syntax, and who has called whom."""
    kind = error["kind"]
    several = kind not in ("variable", "mistake") and error.get("frames", 0) > 1
    return str(error.get("traceback", "")) if kind == "syntax" or several else ""


def _place(project: Project, file: str | None, line: int | None) -> str | None:
    if not file:
        return None
    path = Path(file)
    told = path.relative_to(project.root).as_posix() if path.is_relative_to(project.root) else file
    return f"{told}:{line}" if line else told


def _worded(project: Project, error: dict[str, Any]) -> tuple[str, str | None]:
    """The message and the hint."""
    kind, message = error["kind"], error["message"]
    settings = project.file.name if project.file is not None else "lambent.toml"
    if kind == "syntax":
        return f"{error['type']}: {message}", None
    if kind == "variable":
        name = error["name"]
        hint = f'Set it in [app] environment in {settings}: environment = {{ {name} = "…" }}; or read it in a handler.'
        return f"reads the variable {name} at import, and it is not set", hint
    if kind == "module":
        return _module_worded(project, error)
    if kind == "attribute":
        there = ", ".join(error["there"][:10])
        return message, f"It has {there}." if there else "Nothing in it could be called."
    if kind == "old":
        return message, f"{project.python} -m pip install --upgrade lambent"
    if kind == "app":
        return message, 'handler below [app] names the App: "app.app" is app = App("shop") in app.py.'
    if kind == "exit":
        hint = 'What is a program belongs below if __name__ == "__main__".'
        return f"ends the process when it is imported: sys.exit({message})", hint
    if kind == "ended":
        return f"the process that imports the app {message}", None
    if kind == "raised":
        told = f": {message}" if message else ""
        return f"{error['type']} when it is imported{told}", None
    return message, None


def _module_worded(project: Project, error: dict[str, Any]) -> tuple[str, str | None]:
    name = error["name"]
    top = name.partition(".")[0]
    wanted = (error.get("handler") or "").replace("/", ".").rpartition(".")[0]
    if f"{wanted}.".startswith(f"{name}.") and not error.get("place", [None])[0]:
        hint = (
            "handler is a module and a name in it, as they are imported from there; path, beside it in the settings, "
            "says another folder."
        )
        return f"there is no module {name}: it was looked for in {error['folder']}", hint
    if top == "lambent":
        return f"there is no module {name}", f"{project.python} -m pip install lambent"
    hint = f"Install it for the project's interpreter: {project.python} -m pip install {top}"
    return f"imports {name}, and there is no such module", hint
