"""AWS::Lambda::Function (AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-function.html)."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar, Final

from lambent.neighbours.service_calls import ServiceFailure
from lambent.stacks.errors import ResourceFailure
from lambent.stacks.providers.lambda_.answers import (
    CONFLICT,
    MISSING,
    call_unless,
    retag,
    settled,
)
from lambent.stacks.providers.lambda_.code import code_of
from lambent.stacks.providers.provider import Made, Properties, Provider, Work

# Members of the configuration, and what they are where the template has none. None: they cannot be taken away.
_DEFAULTS: Final[dict[str, Any]] = {
    "CapacityProviderConfig": None,
    "DeadLetterConfig": {"TargetArn": ""},
    "Description": "",
    "DurableConfig": None,
    "Environment": {"Variables": {}},
    "EphemeralStorage": {"Size": 512},
    "FileSystemConfigs": [],
    "Handler": None,
    "ImageConfig": {},
    "KmsKeyArn": "",
    "Layers": [],
    "LoggingConfig": {},
    "MemorySize": 128,
    "Role": None,
    "Runtime": None,
    "SnapStart": {"ApplyOn": "None"},
    "Timeout": 3,
    "TracingConfig": {"Mode": "PassThrough"},
    "VpcConfig": {"SubnetIds": [], "SecurityGroupIds": []},
}
_AS_THEY_ARE: Final = (
    "DeadLetterConfig",
    "DurableConfig",
    "FileSystemConfigs",
    "Handler",
    "Runtime",
    "TenancyConfig",
)
"""Members that a configuration has as properties do, where it has them."""

_CREATION_ONLY: Final = ("CodeSigningConfigArn", "PackageType", "TenancyConfig")
_LEVELS: Final = {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
_SPELLED: Final = {"KmsKeyArn": "KMSKeyArn"}


class FunctionProvider(Provider):
    """Ref is the function's name."""

    type: ClassVar[str] = "AWS::Lambda::Function"

    async def create(self, work: Work) -> Made:
        wanted = work.properties
        name = wanted.get("FunctionName") or work.name(64)
        package = await code_of(wanted)
        try:
            answer = await work.call(
                "lambda",
                "CreateFunction",
                FunctionName=name,
                Code=package,
                Architectures=wanted.get("Architectures"),
                Tags=work.merged_tags(wanted.get("Tags")) or None,
                **{member: wanted.get(member) for member in _CREATION_ONLY},
                **{_SPELLED.get(member, member): wanted.get(member) for member in _DEFAULTS},
                **_published(wanted),
            )
        except ServiceFailure as failure:
            answer = await self._begun(work, name) if work.again and failure.code == CONFLICT else {}
            if not answer:
                raise
        made = _made(answer)
        await work.initiated(made.physical_id, made.attributes)
        await self._settings(work, made.physical_id)
        return _made(await settled(work, made.physical_id))

    async def _begun(self, work: Work, name: str) -> dict[str, Any]:
        """The function that is there, where it is what a step that was cut would have made."""
        found = await work.call("lambda", "GetFunctionConfiguration", FunctionName=name)
        if work.physical_id or work.properties.get("FunctionName") is None:
            return found
        wanted = work.properties
        same = all(
            found.get(member) == wanted[member]
            for member in ("Role", "Runtime", "Handler")
            if member in wanted
        ) and all(
            found.get(member) == wanted.get(member, _DEFAULTS[member])
            for member in ("MemorySize", "Timeout", "Description")
        )
        return found if same else {}

    async def update(self, work: Work) -> Made:
        name, old, new = work.physical_id, work.old, work.properties
        tagging = asyncio.ensure_future(retag(work, await self._arn(work)))
        try:
            # Inline code is in another file for another language.
            inline = "ZipFile" in new["Code"] and old.get("Runtime") != new.get("Runtime")
            if work.again or inline or _differs(old, new, "Code", "Architectures"):
                await self._code(work, name)
            changed = {member for member in _DEFAULTS if work.again or old.get(member) != new.get(member)}
            if changed:
                await self._configuration(work, name, changed)
            await self._settings(work, name)
        finally:
            await asyncio.wait([tagging])
        tagging.result()
        return _made(await settled(work, name))

    async def _arn(self, work: Work) -> str:
        arn: str = (
            work.attributes.get("Arn")
            or (await work.call("lambda", "GetFunctionConfiguration", FunctionName=work.physical_id))[
                "FunctionArn"
            ]
        )
        return arn

    async def _code(self, work: Work, name: str) -> None:
        await settled(work, name)
        architectures = work.properties.get("Architectures") or (
            ["x86_64"] if work.old.get("Architectures") else None
        )
        package = await code_of(work.properties)
        await work.call(
            "lambda", "UpdateFunctionCode", FunctionName=name, Architectures=architectures, **package
        )

    async def _configuration(self, work: Work, name: str, changed: set[str]) -> None:
        await settled(work, name)
        wanted = work.properties
        members = {}
        for member in changed:
            value = wanted.get(member, _DEFAULTS[member])
            if member == "LoggingConfig":
                levels = _LEVELS if value.get("LogFormat") == "JSON" else {}
                value = {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}", **levels, **value}
            if member in ("FileSystemConfigs", "ImageConfig") and not value and not work.old.get(member):
                continue
            if value is not None:
                members[_SPELLED.get(member, member)] = value
        await work.call("lambda", "UpdateFunctionConfiguration", FunctionName=name, **members)

    async def _settings(self, work: Work, name: str) -> None:
        """What has operations of its own."""
        old, new = work.old, work.properties
        for member, put in _SETTINGS.items():
            if work.again or old.get(member) != new.get(member):
                await put(work, name, new.get(member))

    async def delete(self, work: Work) -> None:
        await call_unless(work, MISSING, "DeleteFunction", FunctionName=work.physical_id)

    async def read(self, work: Work) -> Properties | None:
        found = await call_unless(work, MISSING, "GetFunction", FunctionName=work.physical_id)
        if found is None:
            return None
        live = _properties(found["Configuration"])
        live["Tags"] = [
            {"Key": key, "Value": value} for key, value in sorted((found.get("Tags") or {}).items())
        ]
        reserved = (found.get("Concurrency") or {}).get("ReservedConcurrentExecutions")
        if reserved is not None:
            live["ReservedConcurrentExecutions"] = reserved
        for member, operation, key in _READ:
            if member in work.properties:
                answer = await work.call("lambda", operation, FunctionName=work.physical_id)
                live[member] = answer.get(key)
        if "RuntimeManagementConfig" in work.properties:
            answer = await work.call("lambda", "GetRuntimeManagementConfig", FunctionName=work.physical_id)
            live["RuntimeManagementConfig"] = _given(answer, ("UpdateRuntimeOn", "RuntimeVersionArn"))
        return live

    async def adopt(self, work: Work, identifier: dict[str, str]) -> Made:
        name = identifier["FunctionName"]
        found = await call_unless(work, MISSING, "GetFunctionConfiguration", FunctionName=name)
        if found is None:
            raise ResourceFailure(f"Function not found: {name}", "NotFound")
        return _made(found)


# What reads those settings that have operations of their own.
_READ: Final = (
    ("RecursiveLoop", "GetFunctionRecursionConfig", "RecursiveLoop"),
    ("CodeSigningConfigArn", "GetFunctionCodeSigningConfig", "CodeSigningConfigArn"),
)


async def _put_concurrency(work: Work, name: str, value: Any) -> None:
    if value is None:
        await work.call("lambda", "DeleteFunctionConcurrency", FunctionName=name)
    else:
        await work.call(
            "lambda", "PutFunctionConcurrency", FunctionName=name, ReservedConcurrentExecutions=value
        )


async def _put_code_signing(work: Work, name: str, value: Any) -> None:
    if value:
        await work.call(
            "lambda", "PutFunctionCodeSigningConfig", FunctionName=name, CodeSigningConfigArn=value
        )
    else:
        await work.call("lambda", "DeleteFunctionCodeSigningConfig", FunctionName=name)


async def _put_runtime_management(work: Work, name: str, value: Any) -> None:
    await work.call(
        "lambda",
        "PutRuntimeManagementConfig",
        FunctionName=name,
        **{"UpdateRuntimeOn": "Auto", **(value or {})},
    )


async def _put_recursion(work: Work, name: str, value: Any) -> None:
    await work.call(
        "lambda", "PutFunctionRecursionConfig", FunctionName=name, RecursiveLoop=value or "Terminate"
    )


async def _put_scaling(work: Work, name: str, value: Any) -> None:
    if value:
        await work.call(
            "lambda",
            "PutFunctionScalingConfig",
            FunctionName=name,
            Qualifier="$LATEST.PUBLISHED",
            FunctionScalingConfig=value,
        )


_SETTINGS: Final = {
    "ReservedConcurrentExecutions": _put_concurrency,
    "CodeSigningConfigArn": _put_code_signing,
    "RuntimeManagementConfig": _put_runtime_management,
    "RecursiveLoop": _put_recursion,
    "FunctionScalingConfig": _put_scaling,
}


def _differs(old: Properties, new: Properties, *members: str) -> bool:
    return any(old.get(member) != new.get(member) for member in members)


def _published(wanted: Properties) -> dict[str, Any]:
    return {"PublishTo": "LATEST_PUBLISHED"} if wanted.get("PublishToLatestPublished") else {}


def _given(value: dict[str, Any], members: tuple[str, ...]) -> dict[str, Any]:
    return {member: value[member] for member in members if value.get(member) is not None}


def _properties(found: dict[str, Any]) -> Properties:
    """A configuration in the template's words; what is as it is without being asked for is there as well."""
    live: Properties = {
        "FunctionName": found["FunctionName"],
        "Role": found["Role"],
        "PackageType": found.get("PackageType", "Zip"),
        "Architectures": found.get("Architectures"),
        "Description": found.get("Description", ""),
        "MemorySize": found["MemorySize"],
        "Timeout": found["Timeout"],
        "EphemeralStorage": found["EphemeralStorage"],
        "TracingConfig": found["TracingConfig"],
        "LoggingConfig": found.get("LoggingConfig"),
        **_given(found, _AS_THEY_ARE),
    }
    snap = (found.get("SnapStart") or {}).get("ApplyOn")
    if snap:
        live["SnapStart"] = {"ApplyOn": snap}
    if found.get("KMSKeyArn"):
        live["KmsKeyArn"] = found["KMSKeyArn"]
    if found.get("Layers"):
        live["Layers"] = [layer["Arn"] for layer in found["Layers"]]
    if "Variables" in (found.get("Environment") or {}):
        live["Environment"] = {"Variables": found["Environment"]["Variables"]}
    vpc = found.get("VpcConfig") or {}
    if vpc.get("SubnetIds"):
        live["VpcConfig"] = _given(vpc, ("SubnetIds", "SecurityGroupIds", "Ipv6AllowedForDualStack"))
    image = (found.get("ImageConfigResponse") or {}).get("ImageConfig")
    if image:
        live["ImageConfig"] = image
    return live


def _made(found: dict[str, Any]) -> Made:
    """The resource that a configuration describes; its ARN is the unqualified one."""
    snap = found.get("SnapStart") or {}
    answer = {
        "ApplyOn": snap.get("ApplyOn", "None"),
        "OptimizationStatus": snap.get("OptimizationStatus", "Off"),
    }
    return Made(
        found["FunctionName"],
        {
            "Arn": ":".join(found["FunctionArn"].split(":")[:7]),
            "SnapStartResponse": answer,
            **{f"SnapStartResponse.{member}": value for member, value in answer.items()},
        },
    )
