"""A unit with all that is known of it: its settings, its files, what it imports."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from lambent.deploy.errors import AnalysisError
from lambent.deploy.manifest import Destination, Permission, Unit

if TYPE_CHECKING:
    from lambent.deploy.analysis.drafts import Draft
    from lambent.deploy.project import Project, Stage, UnitSettings

NEWEST_NODE: Final = "nodejs22.x"
PYTHONS: Final = range(9, 15)
"""The minor versions of Python 3 that Lambda has: "Lambda runtimes" in the Lambda guide."""

_RUNTIME: Final = re.compile(r"python3\.\d+|nodejs\d+\.x")
_LIMITS: Final = {
    "memory": (128, 10_240),
    "timeout": (1, 900),
    "storage": (512, 10_240),
    "retries": (0, 2),
    "maximum_age": (60, 21_600),
    "reserved_concurrency": (0, 1_000_000),
    "provisioned_concurrency": (1, 1_000_000),
}
"""Source: CreateFunction, PutFunctionEventInvokeConfig and PutProvisionedConcurrencyConfig of the Lambda API."""

_RETENTION: Final = frozenset(
    {1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653}
)
"""Days that PutRetentionPolicy of CloudWatch Logs takes."""

_DESTINATION: Final = re.compile(r"(queue|topic|function|bus):([^:]+)")


def runtime_of(interpreter: tuple[int, int]) -> str:
    """Lambda's runtime that is nearest to the project's interpreter."""
    return f"python3.{min(max(interpreter[1], PYTHONS[0]), PYTHONS[-1])}"


def unit_of(
    project: Project,
    stage: Stage,
    draft: Draft,
    *,
    interpreter: tuple[int, int],
    files: tuple[str, ...],
    imports: tuple[str, ...],
    direct: bool,
    handlers: str | None = None,
) -> Unit:
    """The unit. Raises AnalysisError for settings that Lambda would not take."""
    settings = project.settings_of(stage, draft.name, draft.language)
    place = f"the unit {draft.name}"
    _check(settings, place)
    environment = {
        **settings.environment,
        **({} if handlers is None else {"LAMBENT_UNIT_HANDLERS": handlers}),
    }
    runtime = settings.runtime or (NEWEST_NODE if draft.language == "node" else runtime_of(interpreter))
    if _RUNTIME.fullmatch(runtime) is None:
        raise AnalysisError(
            f"runtime {runtime!r}: units are of Python or Node.js",
            hint='It is like "python3.13" or "nodejs22.x". Others are deployed with a template.',
            place=place,
        )
    return Unit(
        name=draft.name,
        kind=draft.kind,
        handler=draft.handler,
        language=draft.language,
        runtime=runtime,
        architecture=settings.architecture or "x86_64",
        description=settings.description if settings.description is not None else draft.about[:256],
        memory_mb=_or(settings.memory, 256),
        timeout_s=_or(settings.timeout, 30),
        storage_mb=_or(settings.storage, 512),
        environment=dict(sorted(environment.items())),
        source=draft.source,
        files=files,
        imports=imports,
        packages=settings.packages,
        include=settings.include,
        exclude=settings.exclude,
        routers=draft.routers,
        layers=settings.layers,
        reserved_concurrency=settings.reserved_concurrency,
        provisioned_concurrency=settings.provisioned_concurrency,
        tracing=bool(settings.tracing),
        # Without a limit is 0 in the settings: TOML has no null.
        log_retention_days=_or(settings.log_retention_days, 30) or None,
        url=settings.url,
        on_success=_destination(settings.on_success, "on_success", place),
        on_failure=_destination(settings.on_failure, "on_failure", place),
        retries=settings.retries,
        maximum_age_s=settings.maximum_age,
        direct=direct,
    )


def permissions_of(unit: str, settings: UnitSettings) -> list[Permission]:
    """The statements that the settings ask for. Raises AnalysisError."""
    found = []
    for statement in settings.permissions:
        place = f"the unit {unit}: permissions"
        unknown = statement.keys() - {"actions", "resources"}
        if unknown or "actions" not in statement:
            raise AnalysisError(
                f"{statement!r} has {', '.join(sorted(unknown)) or 'no actions'}",
                hint='A statement is { actions = ["ses:SendEmail"], resources = ["*"] }.',
                place=place,
            )
        actions, resources = (
            _texts(statement["actions"], place),
            _texts(statement.get("resources", "*"), place),
        )
        for action in actions:
            if action != "*" and re.fullmatch(r"[a-zA-Z0-9-]+:[a-zA-Z0-9*?]+", action) is None:
                raise AnalysisError(f"{action!r} is no action: it is like ses:SendEmail", place=place)
        found.append(Permission(unit=unit, actions=actions, resources=resources, where="the settings"))
    return found


def _texts(value: Any, place: str) -> tuple[str, ...]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not values or not all(isinstance(one, str) for one in values):
        raise AnalysisError(f"{value!r} has to be a list of texts", place=place)
    return tuple(sorted(values))


def _or(value: int | None, usual: int) -> int:
    return usual if value is None else value


def _check(settings: UnitSettings, place: str) -> None:
    for member, (least, most) in _LIMITS.items():
        value = getattr(settings, member)
        if value is not None and not least <= value <= most:
            raise AnalysisError(f"{member} is {value}: it must be from {least} to {most}", place=place)
    for layer in settings.layers:
        if (
            re.fullmatch(r"arn:[^:]+:lambda:[^:]*:[^:]*:layer:[^:]+:\d+|\$\{.*|.*\{\{resolve:.*", layer)
            is None
        ):
            raise AnalysisError(
                f"layers: {layer!r} is no ARN of a layer version",
                hint="It is like arn:aws:lambda:eu-west-1:123456789012:layer:name:7.",
                place=place,
            )
    days = settings.log_retention_days
    if days and days not in _RETENTION:
        raise AnalysisError(
            f"log_retention_days is {days}: it must be one of {', '.join(map(str, sorted(_RETENTION)))}, "
            "or 0 for no limit",
            place=place,
        )


def _destination(told: str | None, member: str, place: str) -> Destination | None:
    if told is None:
        return None
    if told.startswith("arn:"):
        return Destination(kind="arn", name=told)
    found = _DESTINATION.fullmatch(told)
    if found is None:
        raise AnalysisError(
            f"{member} is {told!r}: it must be like queue:receipts, topic:alerts, function:audit, bus:default, or "
            "an ARN",
            place=place,
        )
    return Destination(kind=found[1], name=found[2])  # type: ignore[arg-type]  # one of the four
