"""Which runtimes there are, which are no longer accepted, and which this platform can run."""

from __future__ import annotations

from lambent.functions.errors import InvalidConfiguration

# The order in which Lambda lists them in its error message (recorded 2025-11).
ACCEPTED = (
    "nodejs20.x",
    "python3.14",
    "provided.al2023",
    "python3.12",
    "python3.13",
    "nodejs24.x",
    "nodejs22.x",
    "java25",
    "python3.10",
    "python3.11",
    "java21",
    "ruby3.3",
    "ruby3.4",
    "ruby3.2",
    "python3.8",
    "python3.9",
    "java17",
    "nodejs16.x",
    "dotnet10",
    "dotnet8",
    "java11",
    "dotnet6",
    "nodejs18.x",
    "provided.al2",
    "java8.al2",
)

# Known to Lambda's model, refused for new functions and updates.
DEPRECATED = frozenset(
    {
        "dotnetcore1.0",
        "dotnetcore2.0",
        "dotnetcore2.1",
        "dotnetcore3.1",
        "go1.x",
        "java8",
        "nodejs",
        "nodejs4.3",
        "nodejs4.3-edge",
        "nodejs6.10",
        "nodejs8.10",
        "nodejs10.x",
        "nodejs12.x",
        "nodejs14.x",
        "provided",
        "python2.7",
        "python3.6",
        "python3.7",
        "ruby2.5",
        "ruby2.7",
    }
)

SNAP_START = frozenset(
    {
        "java11",
        "java17",
        "java21",
        "java25",
        "python3.12",
        "python3.13",
        "python3.14",
        "dotnet8",
        "dotnet10",
    }
)


def check_runtime(runtime: str) -> None:
    """Raise InvalidConfiguration for a runtime that Lambda does not take (any more)."""
    if runtime in DEPRECATED:
        raise InvalidConfiguration(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating "
            "AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    if runtime not in ACCEPTED:
        raise InvalidConfiguration(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(ACCEPTED)}] or be a valid ARN"
        )
