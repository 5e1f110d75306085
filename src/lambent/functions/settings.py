"""What a caller may set on a function, the rules for it, and how it becomes a configuration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec
from msgspec import UNSET, UnsetType

from lambent.functions.errors import InvalidConfiguration, LimitExceeded, TooManyTags
from lambent.functions.runtimes import SNAP_START, check_runtime

if TYPE_CHECKING:
    from lambent.functions.image import ImageConfig
    from lambent.functions.limits import Limits
    from lambent.functions.version import FunctionVersion, LayerUse, Vpc

# "Defined runtime environment variables", reserved ones, of the AWS Lambda developer guide.
RESERVED_VARIABLES = frozenset(
    {
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_METADATA_API",
        "AWS_LAMBDA_METADATA_TOKEN",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SECRET_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
    }
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The members a caller sent; those left UNSET keep their value, or take the default on creation.

    `environment`, `layers` and `vpc` replace what was there as a whole, the logging members one by one.
    """

    runtime: str | UnsetType = UNSET
    handler: str | UnsetType = UNSET
    role: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    memory_mb: int | UnsetType = UNSET
    timeout_s: int | UnsetType = UNSET
    ephemeral_mb: int | UnsetType = UNSET
    environment: dict[str, str] | UnsetType | None = UNSET
    architectures: tuple[str, ...] | UnsetType = UNSET
    layers: tuple[str, ...] | UnsetType = UNSET
    log_group: str | UnsetType = UNSET
    log_format: Literal["Text", "JSON"] | UnsetType = UNSET
    application_log_level: str | UnsetType = UNSET
    system_log_level: str | UnsetType = UNSET
    tracing_mode: str | UnsetType = UNSET
    snap_start: Literal["None", "PublishedVersions"] | UnsetType = UNSET
    dead_letter_target: str | UnsetType | None = UNSET
    kms_key_arn: str | UnsetType | None = UNSET
    vpc: Vpc | UnsetType | None = UNSET
    image_config: ImageConfig | UnsetType | None = UNSET

    def given(self) -> dict[str, Any]:
        """The members that were sent, by name."""
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {name: value for name, value in values if value is not UNSET}


def check_settings(settings: Settings, limits: Limits) -> None:
    """Raise LimitExceeded or InvalidConfiguration for what cannot be set, whatever the function is now.

    Layers are the business of LayerRegistry.
    """
    _check_range("memorySize", settings.memory_mb, limits.memory_mb)
    _check_range("timeout", settings.timeout_s, limits.timeout_s)
    _check_range("ephemeralStorage.size", settings.ephemeral_mb, limits.ephemeral_mb)
    if settings.environment:
        check_environment(settings.environment, limits)
    if settings.runtime is not UNSET:
        check_runtime(settings.runtime)


def _check_range(member: str, value: int | UnsetType, allowed: tuple[int, int]) -> None:
    if value is UNSET or allowed[0] <= value <= allowed[1]:
        return
    bound = (
        f"less than or equal to {allowed[1]}"
        if value > allowed[1]
        else f"greater than or equal to {allowed[0]}"
    )
    raise LimitExceeded(
        f"1 validation error detected: Value '{value}' at '{member}' failed to satisfy constraint: "
        f"Member must have value {bound}"
    )


def check_environment(environment: dict[str, str], limits: Limits) -> None:
    """Raise InvalidConfiguration for reserved names and for more than the permitted bytes.

    Measured as Lambda does: the bytes of the variables as compact JSON (4,096 pass, 4,097 do not).
    """
    reserved = [name for name in environment if name in RESERVED_VARIABLES]
    if reserved:
        raise InvalidConfiguration(
            "Lambda was unable to configure your environment variables because the "
            "environment variables you have provided contains reserved keys "
            "that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    measured = msgspec.json.encode(environment)
    if len(measured) > limits.environment:
        raise InvalidConfiguration(
            "Lambda was unable to configure your environment variables because the "
            f"environment variables you have provided exceeded the {limits.environment // 1024}KB limit. "
            f"String measured: {measured.decode()}"
        )


def check_tags(tags: dict[str, str], limits: Limits) -> None:
    """Raise TooManyTags for more than a function can carry; those of AWS's own are not counted."""
    if sum(not key.startswith("aws:") for key in tags) > limits.tags:
        raise TooManyTags


def configured(
    version: FunctionVersion, settings: Settings, layers: tuple[LayerUse, ...] | UnsetType = UNSET
) -> FunctionVersion:
    """`version` with the settings applied, `layers` being what its layers have turned out to be.

    Raises InvalidConfiguration for what does not go together.
    """
    given = settings.given() | {"layers": version.layers if layers is UNSET else layers}
    changed: FunctionVersion = msgspec.structs.replace(version, **given)
    if changed.package_type == "Zip" and not (changed.runtime and changed.handler):
        raise InvalidConfiguration(
            "Runtime and Handler are mandatory parameters for functions created with deployment packages."
        )
    if changed.package_type == "Zip" and changed.image_config:
        raise InvalidConfiguration(
            "Please don't provide ImageConfig when the intended function PackageType is Zip."
        )
    if changed.package_type == "Image" and (changed.runtime or changed.handler or changed.layers):
        raise InvalidConfiguration(
            "Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."
        )
    if changed.snap_start != "None" and changed.runtime not in SNAP_START:
        raise InvalidConfiguration(f"{changed.runtime} is not supported for SnapStart enabled functions.")
    if changed.log_format == "JSON":
        return msgspec.structs.replace(
            changed,
            application_log_level=changed.application_log_level or "INFO",
            system_log_level=changed.system_log_level or "INFO",
        )
    if settings.application_log_level is not UNSET or settings.system_log_level is not UNSET:
        raise InvalidConfiguration("To set a log level, the log format must be JSON.")
    return msgspec.structs.replace(changed, application_log_level=None, system_log_level=None)
