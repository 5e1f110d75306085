"""Layers: their names and ARNs, and what one version of a layer is."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from lambent.functions.errors import InvalidName
from lambent.functions.names import partition_of

_NAME = re.compile(
    r"(?:arn:[^:]+:lambda:(?P<region>[^:]+):(?P<account>\d{12}):layer:)?(?P<name>[a-zA-Z0-9_-]+)"
    r"(?::(?P<version>[0-9]+))?"
)


class LayerReference(NamedTuple):
    """A layer in an account and region."""

    account: str
    region: str
    name: str

    @property
    def arn(self) -> str:
        """The layer's ARN, without a version."""
        return f"arn:{partition_of(self.region)}:lambda:{self.region}:{self.account}:layer:{self.name}"

    def version_arn(self, version: int) -> str:
        """The ARN of one of its versions."""
        return f"{self.arn}:{version}"


def parse_layer(account: str, region: str, name: str) -> tuple[LayerReference, int | None]:
    """The layer that a name or ARN means for a caller in `account` and `region`, and the version in the ARN.

    Raises InvalidName.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidName(f"'{name}' is neither the name nor an ARN of a layer")
    reference = LayerReference(match["account"] or account, match["region"] or region, match["name"])
    return reference, None if match["version"] is None else int(match["version"])


class LayerPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Who else may use a layer version. `statements` are IAM policy statements as AWS shows them, in order."""

    revision_id: str
    statements: tuple[dict[str, Any], ...]


class LayerVersion(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A published version of a layer; nothing but its policy ever changes.

    `code_sha256` is the archive's hash in base64, `code_hash` the same in hex; `code_size` its bytes.
    `runtimes` and `architectures` are None where the publisher said nothing. `created_ms` is in milliseconds
    since the epoch. `revision` counts changes and guards them in the database.
    """

    account: str
    region: str
    name: str
    version: int
    created_ms: int
    code_hash: str
    code_sha256: str
    code_size: int
    revision: int = 1
    description: str = ""
    license_info: str | None = None
    runtimes: tuple[str, ...] | None = None
    architectures: tuple[str, ...] | None = None
    policy: LayerPolicy | None = None

    @property
    def layer(self) -> LayerReference:
        """The layer that it is a version of."""
        return LayerReference(self.account, self.region, self.name)

    @property
    def arn(self) -> str:
        """The version's ARN."""
        return self.layer.version_arn(self.version)
