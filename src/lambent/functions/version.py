"""One version of a function: an immutable configuration with the code it runs."""

from __future__ import annotations

import hashlib
from typing import Literal, TypeAlias

import msgspec

from lambent.functions.image import Image, ImageConfig  # noqa: TC001 - msgspec reads the annotations
from lambent.functions.names import partition_of

LATEST = "$LATEST"

State: TypeAlias = Literal["Pending", "Active", "Inactive", "Failed"]
UpdateStatus: TypeAlias = Literal["Successful", "Failed", "InProgress"]

# Members that say where a version is in its life, not what it is.
_LIFE = frozenset(
    {
        "version",
        "uid",
        "revision_id",
        "last_modified",
        "state",
        "state_reason",
        "state_reason_code",
        "last_update_status",
        "last_update_reason",
        "last_update_reason_code",
        "source_digest",
    }
)


class Vpc(msgspec.Struct, frozen=True, omit_defaults=True):
    """The network a function was told to use. Kept and shown; functions run on the platform's network.

    `vpc_id` is empty where nobody knows it.
    """

    subnet_ids: tuple[str, ...] = ()
    security_group_ids: tuple[str, ...] = ()
    vpc_id: str = ""
    ipv6: bool = False


class LayerUse(msgspec.Struct, frozen=True):
    """A layer version as a function uses it: kept with the function, so it outlives the layer version.

    `code_hash` is the archive's hash in hex, `code_size` its size in bytes.
    """

    arn: str
    code_hash: str
    code_size: int


class FunctionVersion(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What `$LATEST` or a published number of a function is.

    `uid` is new whenever anything changes that an execution environment depends on: environments are pooled
    by it. `revision_id` changes with everything, state included. `code_sha256` is the archive's hash in
    base64 as AWS shows it, `code_hash` the same in hex: the name of the blob and of the unpacked tree. Of linked code
    they are made of the folder's path (`functions.linked`).
    `code_size` is the archive's, in bytes. A container image has no archive: its `code_hash` is empty and
    `code_sha256` its digest in hex. `last_modified` is in milliseconds since the epoch.
    """

    account: str
    region: str
    name: str
    version: str
    uid: str
    revision_id: str
    last_modified: int
    role: str
    code_sha256: str
    code_hash: str
    code_size: int
    runtime: str | None = None
    handler: str | None = None
    description: str = ""
    memory_mb: int = 128
    timeout_s: int = 3
    ephemeral_mb: int = 512
    environment: dict[str, str] | None = None
    architectures: tuple[str, ...] = ("x86_64",)
    package_type: Literal["Zip", "Image"] = "Zip"
    image: Image | None = None
    image_config: ImageConfig | None = None
    layers: tuple[LayerUse, ...] = ()
    log_group: str = ""
    log_format: Literal["Text", "JSON"] = "Text"
    application_log_level: str | None = None
    system_log_level: str | None = None
    tracing_mode: str = "PassThrough"
    snap_start: Literal["None", "PublishedVersions"] = "None"
    dead_letter_target: str | None = None
    kms_key_arn: str | None = None
    vpc: Vpc | None = None
    state: State = "Pending"
    state_reason: str | None = "The function is being created."
    state_reason_code: str | None = "Creating"
    last_update_status: UpdateStatus | None = None
    last_update_reason: str | None = None
    last_update_reason_code: str | None = None
    source_digest: str | None = None

    @property
    def partition(self) -> str:
        """The partition of the region."""
        return partition_of(self.region)

    @property
    def arn(self) -> str:
        """The function's ARN, without the version."""
        return f"arn:{partition_of(self.region)}:lambda:{self.region}:{self.account}:function:{self.name}"

    @property
    def qualified_arn(self) -> str:
        """The version's ARN: `…:function:name:$LATEST` or `…:function:name:7`."""
        return f"{self.arn}:{self.version}"

    @property
    def runtime_version_arn(self) -> str:
        """The ARN of the runtime's version: AWS names those by a hash, and so does this one."""
        digest = hashlib.sha256(f"lambent:{self.runtime}".encode()).hexdigest()
        return f"arn:{self.partition}:lambda:{self.region}::runtime:{digest}"

    @property
    def layer_hashes(self) -> tuple[str, ...]:
        """The hashes of its layers' code, in order."""
        return tuple(layer.code_hash for layer in self.layers)

    @property
    def settled(self) -> bool:
        """Whether nothing is being prepared for it any more."""
        return self.state != "Pending" and self.last_update_status != "InProgress"

    def digest(self) -> str:
        """A hash of all that makes up the version: equal for equal code and configuration."""
        content = {name: getattr(self, name) for name in self.__struct_fields__ if name not in _LIFE}
        return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
