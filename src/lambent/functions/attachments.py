"""What belongs to a function besides its versions: aliases, policies, URLs and settings by qualifier.

Each kind is an immutable struct, held by the function's record in a dictionary by name and kept in the table
`function_attachments` under the same revision guard as the function itself: a change that touches a version
and an alias is one change.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

import msgspec


class Alias(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A name for a version. `weights` gives shares (0 to 1) of its invocations to other versions."""

    name: str
    version: str
    revision_id: str
    description: str = ""
    weights: dict[str, float] = {}


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """The resource policy of a function (by name "") or of one of its qualifiers.

    `statements` are IAM policy statements as AWS shows them, in order; `version` is that of their language and
    `id` the name that the document gives itself, if it does.
    """

    revision_id: str
    statements: tuple[dict[str, Any], ...] = ()
    version: str = "2012-10-17"
    id: str | None = "default"


class Cors(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Cross-origin settings of a function URL; None where nothing was set."""

    allow_credentials: bool | None = None
    allow_headers: tuple[str, ...] | None = None
    allow_methods: tuple[str, ...] | None = None
    allow_origins: tuple[str, ...] | None = None
    expose_headers: tuple[str, ...] | None = None
    max_age_s: int | None = None


class FunctionUrl(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The URL of a function (by name "") or of an alias. Times in milliseconds since the epoch.

    `invoke_mode` is None as long as nobody has set one: BUFFERED.
    """

    url_id: str
    auth_type: Literal["NONE", "AWS_IAM"]
    created_ms: int
    modified_ms: int
    invoke_mode: Literal["BUFFERED", "RESPONSE_STREAM"] | None = None
    cors: Cors | None = None


class EventInvokeConfig(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """How asynchronous invocations of a qualifier ("$LATEST" without one) are tried again, and where they end."""

    modified_ms: int
    maximum_age_s: int | None = None
    maximum_attempts: int | None = None
    on_success: str | None = None
    on_failure: str | None = None


class ProvisionedConcurrency(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Environments that are asked for ahead of invocations of an alias or version.

    Only the request is kept: how many there are is a matter of the node that runs them.
    """

    requested: int
    modified_ms: int


class RuntimeManagement(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """When the runtime of a version ("$LATEST" without one) is updated."""

    update_on: Literal["Auto", "Manual", "FunctionUpdate"] = "Auto"
    runtime_version_arn: str | None = None


class Options(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Settings of the function as a whole (by name "")."""

    code_signing_config: str | None = None
    recursive_loop: Literal["Allow", "Terminate"] = "Terminate"


Attachment: TypeAlias = (
    Alias | Policy | FunctionUrl | EventInvokeConfig | ProvisionedConcurrency | RuntimeManagement | Options
)

KINDS: dict[str, type[Attachment]] = {
    "aliases": Alias,
    "policies": Policy,
    "urls": FunctionUrl,
    "event_invoke": EventInvokeConfig,
    "provisioned": ProvisionedConcurrency,
    "runtime_management": RuntimeManagement,
    "options": Options,
}
"""The structs by the field of FunctionRecord that holds them, which is also their name in the table."""
