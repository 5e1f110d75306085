"""Request members to settings, and versions to the configurations that Lambda answers with."""

from __future__ import annotations

import base64
import binascii
import datetime
from typing import TYPE_CHECKING, Any

from msgspec import UNSET

from lambent.aws.lambda_.errors import invalid_parameter
from lambent.functions.image import ImageConfig
from lambent.functions.settings import Settings
from lambent.functions.version import LATEST, Vpc

if TYPE_CHECKING:
    from lambent.functions import FunctionRecord, FunctionVersion

# Members whose meaning this platform cannot give a function; accepting them would be a promise not kept.
_UNAVAILABLE = (
    "FileSystemConfigs",
    "TenancyConfig",
    "CapacityProviderConfig",
    "DurableConfig",
    "RuntimeConfig",
    "AcceleratorConfig",
    "PublishTo",
)


def check_available(request: dict[str, Any]) -> None:
    """Raise ServiceError for members that are not supported."""
    for member in _UNAVAILABLE:
        if request.get(member):
            raise invalid_parameter(f"{member} is not supported by this platform.")


def settings_of(request: dict[str, Any]) -> Settings:
    """The settings among the members of CreateFunction and UpdateFunctionConfiguration."""
    logging = request.get("LoggingConfig") or {}
    environment = request.get("Environment")
    return Settings(
        runtime=request.get("Runtime", UNSET),
        handler=request.get("Handler", UNSET),
        role=request.get("Role", UNSET),
        description=request.get("Description", UNSET),
        memory_mb=request.get("MemorySize", UNSET),
        timeout_s=request.get("Timeout", UNSET),
        ephemeral_mb=(request.get("EphemeralStorage") or {}).get("Size", UNSET),
        environment=UNSET if environment is None else dict(environment.get("Variables") or {}),
        architectures=tuple(request["Architectures"]) if "Architectures" in request else UNSET,
        layers=tuple(request["Layers"]) if "Layers" in request else UNSET,
        log_group=logging.get("LogGroup", UNSET),
        log_format=logging.get("LogFormat", UNSET),
        application_log_level=logging.get("ApplicationLogLevel", UNSET),
        system_log_level=logging.get("SystemLogLevel", UNSET),
        tracing_mode=(request.get("TracingConfig") or {}).get("Mode", UNSET),
        snap_start=(request.get("SnapStart") or {}).get("ApplyOn", UNSET),
        dead_letter_target=_dead_letter(request),
        kms_key_arn=(request["KMSKeyArn"] or None) if "KMSKeyArn" in request else UNSET,
        vpc=_vpc(request),
        image_config=_image_config(request),
    )


def _dead_letter(request: dict[str, Any]) -> Any:
    """An empty target takes the one that is there away, none at all leaves it (recorded: `test_dead_letter_queue`)."""
    config = request.get("DeadLetterConfig") or {}
    return (config["TargetArn"] or None) if "TargetArn" in config else UNSET


def _image_config(request: dict[str, Any]) -> Any:
    if "ImageConfig" not in request:
        return UNSET
    given = request["ImageConfig"] or {}
    config = ImageConfig(
        entry_point=tuple(given.get("EntryPoint") or ()),
        command=tuple(given.get("Command") or ()),
        working_directory=given.get("WorkingDirectory") or "",
    )
    return None if config == ImageConfig() else config


def _vpc(request: dict[str, Any]) -> Any:
    if "VpcConfig" not in request:
        return UNSET
    given = request["VpcConfig"] or {}
    subnets, groups = tuple(given.get("SubnetIds") or ()), tuple(given.get("SecurityGroupIds") or ())
    if bool(subnets) != bool(groups):
        raise invalid_parameter("SecurityGroupIds and SubnetIds must coexist or be both empty list.")
    return Vpc(subnet_ids=subnets, security_group_ids=groups, ipv6=bool(given.get("Ipv6AllowedForDualStack")))


def described(version: FunctionVersion, *, qualified: bool) -> dict[str, Any]:
    """A configuration as Create, Get, Update and Publish answer with it; members that are None stay off the wire.

    `qualified`: whether FunctionArn ends in the version.
    """
    return {
        **listed(version, qualified=qualified),
        "State": version.state,
        "StateReason": version.state_reason,
        "StateReasonCode": version.state_reason_code,
        "LastUpdateStatus": version.last_update_status,
        "LastUpdateStatusReason": version.last_update_reason,
        "LastUpdateStatusReasonCode": version.last_update_reason_code,
        "RuntimeVersionConfig": _runtime_version(version),
    }


def listed(version: FunctionVersion, *, qualified: bool) -> dict[str, Any]:
    """A configuration as ListFunctions and ListVersionsByFunction show it: without states."""
    return {
        "FunctionName": version.name,
        "FunctionArn": version.qualified_arn if qualified else version.arn,
        "Runtime": version.runtime,
        "Role": version.role,
        "Handler": version.handler,
        "CodeSize": version.code_size,
        "Description": version.description,
        "Timeout": version.timeout_s,
        "MemorySize": version.memory_mb,
        "LastModified": timestamp(version.last_modified),
        "CodeSha256": version.code_sha256,
        "Version": version.version,
        "VpcConfig": _vpc_answer(version.vpc),
        "DeadLetterConfig": {"TargetArn": version.dead_letter_target} if version.dead_letter_target else None,
        "Environment": None if version.environment is None else {"Variables": version.environment},
        "KMSKeyArn": version.kms_key_arn,
        "TracingConfig": {"Mode": version.tracing_mode},
        "Layers": [{"Arn": layer.arn, "CodeSize": layer.code_size} for layer in version.layers] or None,
        "RevisionId": version.revision_id,
        "PackageType": version.package_type,
        "ImageConfigResponse": _image_answer(version.image_config),
        "Architectures": list(version.architectures),
        "EphemeralStorage": {"Size": version.ephemeral_mb},
        "SnapStart": {
            "ApplyOn": version.snap_start,
            "OptimizationStatus": "On" if _optimized(version) else "Off",
        },
        "LoggingConfig": {
            "LogFormat": version.log_format,
            "ApplicationLogLevel": version.application_log_level,
            "SystemLogLevel": version.system_log_level,
            "LogGroup": version.log_group,
        },
    }


def _optimized(version: FunctionVersion) -> bool:
    """Published versions start from a snapshot, once it is taken; $LATEST never does."""
    return version.snap_start != "None" and version.version != LATEST and version.state == "Active"


def _runtime_version(version: FunctionVersion) -> dict[str, str] | None:
    return None if version.runtime is None else {"RuntimeVersionArn": version.runtime_version_arn}


def _image_answer(config: ImageConfig | None) -> dict[str, Any] | None:
    if config is None:
        return None
    members = {
        "EntryPoint": list(config.entry_point),
        "Command": list(config.command),
        "WorkingDirectory": config.working_directory,
    }
    return {"ImageConfig": {name: value for name, value in members.items() if value}}


def _vpc_answer(vpc: Vpc | None) -> dict[str, Any] | None:
    if vpc is None:
        return None
    return {
        "SubnetIds": list(vpc.subnet_ids),
        "SecurityGroupIds": list(vpc.security_group_ids),
        "VpcId": vpc.vpc_id,
        "Ipv6AllowedForDualStack": vpc.ipv6,
    }


def timestamp(milliseconds: int) -> str:
    """Milliseconds since the epoch as Lambda writes them: 2026-01-31T12:00:00.000+0000."""
    moment = datetime.datetime.fromtimestamp(milliseconds / 1000, datetime.UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}+0000"


def sort_key(record: FunctionRecord, version: FunctionVersion) -> tuple[str, int]:
    """The order of listings: by name, $LATEST first, then by number."""
    return record.name, int(version.version) if version.version.isdigit() else 0


def encode_marker(key: tuple[str, int]) -> str:
    """An opaque marker for the last item of a page."""
    return base64.urlsafe_b64encode(f"{key[1]}:{key[0]}".encode()).decode("ascii")


def decode_marker(marker: str) -> tuple[str, int]:
    """What `encode_marker` was given. Raises ServiceError for a marker that it has not made."""
    try:
        number, _, name = base64.b64decode(marker, altchars=b"-_", validate=True).decode().partition(":")
        return name, int(number)
    except (binascii.Error, ValueError):
        raise invalid_parameter("Invalid value for the Marker parameter.") from None
