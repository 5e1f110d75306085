"""What an environment of a function version is made of: variables, limits, paths.

The variables are those of the managed runtimes (AWS-recorded `test_lambda_init_environment` lists them), plus
`AWS_ENDPOINT_URL` so that an SDK inside reaches this platform.
"""

from __future__ import annotations

import copy
import os
import re
from typing import TYPE_CHECKING, Final

import msgspec

from lambent.functions.linked import linked_code
from lambent.observe import ON_DEMAND, PROVISIONED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from lambent.functions import FunctionVersion

_encode = msgspec.json.encode

_RUNTIME: Final = re.compile(r"([a-z]+)\.?(.+?)(?:\.x)?")

# Where the private view shows things; the same paths as in Lambda.
VIEW_PATH: Final = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin"
_COVERED: Final = ("/tmp/", "/opt/")  # noqa: S108 - nothing is made there
_SEARCHED: Final = ("PYTHONPATH", "NODE_PATH")
_PATH: Final = "/usr/local/bin:/usr/bin:/bin"
VIEW_LIBRARIES: Final = (
    "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib"
)


class EnvironmentSpec:
    """Everything that is the same for all environments of one version; `init` adds what is not.

    `layers` is the tree that shows at /opt, for a function with layers. `members` and `variables` are what the
    engine adds to INIT documents, and to variables that the function does not set; `served_by` the runtime that
    the engine stands for.

    `credentials` gives fresh AWS_* variables for one environment. `private_view` tells whether the code will
    be seen at /var/task and the directory at /tmp, or at their real places.
    """

    __slots__ = (
        "_credentials",
        "_document",
        "_function",
        "_private_view",
        "_variables",
        "account",
        "function_name",
        "initialization",
        "json_level",
        "log_group",
        "memory_limit_kib",
        "memory_mb",
        "region",
        "runtime_version",
        "runtime_version_arn",
        "substitute",
        "timeout_ms",
        "version",
    )

    def __init__(
        self,
        function: FunctionVersion,
        *,
        task_root: Path,
        layers: Path | None,
        members: Mapping[str, object],
        variables: Mapping[str, str],
        endpoint_url: str,
        credentials: Callable[[FunctionVersion], Mapping[str, str]],
        private_view: bool,
        served_by: str,
    ) -> None:
        self.account = function.account
        self.region = function.region
        self.function_name = function.name
        self.initialization = ON_DEMAND
        self.version = function.version
        self.log_group = function.log_group
        self.timeout_ms = function.timeout_s * 1000
        self.memory_mb = function.memory_mb
        self.memory_limit_kib = function.memory_mb * 1024
        self._private_view = private_view
        self._function = function
        self._credentials = credentials
        runtime = function.runtime or ""
        # As in "python:3.12.v84", "nodejs:20.v39", "provided:al2023.v50".
        match = _RUNTIME.fullmatch(runtime)
        self.runtime_version = f"{match[1]}:{match[2]}.lambent" if match else ""
        self.runtime_version_arn = function.runtime_version_arn
        self.substitute = served_by if served_by != runtime else ""
        self.json_level = (function.system_log_level or "INFO") if function.log_format == "JSON" else None
        self._variables = _variables(function, variables, task_root, layers, endpoint_url, private_view)
        self._document: dict[str, object] = {
            "handler": function.handler or "",
            "task_root": str(task_root),
            "opt": [str(layers)] if layers else [],
            "shown": _shown(function, self._variables) if private_view else [],
            "log_format": function.log_format,
            "log_level": function.application_log_level,
            "memory_mb": function.memory_mb,
            "arn": function.arn,
            **members,
        }

    def provisioned(self) -> EnvironmentSpec:
        """The same for environments that are started ahead of invocations."""
        spec = copy.copy(self)
        spec.initialization = PROVISIONED
        spec._variables = {**self._variables, "AWS_LAMBDA_INITIALIZATION_TYPE": PROVISIONED}
        return spec

    def init(self, directory: Path, log_stream: str) -> bytes:
        """The INIT frame for an environment with this private directory and log stream."""
        variables = {
            **self._variables,
            **self._credentials(self._function),
            "AWS_LAMBDA_LOG_STREAM_NAME": log_stream,
        }
        if not self._private_view:
            variables["TMPDIR"] = str(directory)
        document = _encode({**self._document, "tmp": str(directory), "env": variables})
        return len(document).to_bytes(4, "big") + document


def _shown(function: FunctionVersion, variables: Mapping[str, str]) -> list[str]:
    """The folders that linked code finds its modules in and that the view's own places would cover."""
    if linked_code(function.code_hash) is None:
        return []
    named = [path for name in _SEARCHED for path in variables.get(name, "").split(":")]
    folders = [os.path.normpath(path) for path in named if path.startswith(_COVERED)]
    return [path for path in dict.fromkeys(folders) if path.startswith(_COVERED) and os.path.isdir(path)]  # noqa: PTH112 - of text


def _variables(
    function: FunctionVersion,
    engine: Mapping[str, str],
    task_root: Path,
    layers: Path | None,
    endpoint_url: str,
    private_view: bool,
) -> dict[str, str]:
    seen_root = "/var/task" if private_view else str(task_root)
    variables = {
        "AWS_ENDPOINT_URL": endpoint_url,
        # A function may set what is above; what is below is reserved by Lambda.
        **(function.environment or {}),
        "_HANDLER": function.handler or "",
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_INITIALIZATION_TYPE": ON_DEMAND,
        "AWS_LAMBDA_LOG_GROUP_NAME": function.log_group,
        "AWS_LAMBDA_RUNTIME_API": "127.0.0.1:9001",
        "AWS_REGION": function.region,
        "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
        "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
        "_AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1",
        "_AWS_XRAY_DAEMON_PORT": "2000",
        "LAMBDA_RUNTIME_DIR": "/var/runtime",
        "LAMBDA_TASK_ROOT": seen_root,
        "PWD": seen_root,
        "SHLVL": "0",
        "TZ": ":UTC",
    }
    if function.log_format == "JSON":
        variables["AWS_LAMBDA_LOG_FORMAT"] = "JSON"
        variables["AWS_LAMBDA_LOG_LEVEL"] = function.application_log_level or "INFO"
    variables.setdefault("LANG", "en_US.UTF-8")
    if private_view:
        variables.setdefault("PATH", VIEW_PATH)
        variables.setdefault("LD_LIBRARY_PATH", VIEW_LIBRARIES)
    else:
        variables.setdefault("PATH", f"{_PATH}:{layers}/bin" if layers else _PATH)
    if layers and not private_view and (layers / "lib").is_dir():
        variables.setdefault("LD_LIBRARY_PATH", f"{task_root}:{task_root}/lib:{layers}/lib")
    return {**engine, **variables}
