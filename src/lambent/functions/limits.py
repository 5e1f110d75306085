"""Quotas, with Lambda's own figures as defaults."""

from __future__ import annotations

import msgspec


class Limits(msgspec.Struct, frozen=True):
    """Quotas of one account in one region, and those of a single function.

    Figures: "Lambda quotas" of the AWS Lambda developer guide. Sizes in bytes unless the name says otherwise.
    """

    memory_mb: tuple[int, int] = (128, 10_240)
    timeout_s: tuple[int, int] = (1, 900)
    ephemeral_mb: tuple[int, int] = (512, 10_240)
    zipped: int = 52_428_800
    unzipped: int = 262_144_000
    environment: int = 4_096
    layers: int = 5
    tags: int = 50
    policy: int = 20_480
    concurrency: int = 1_000
    minimum_unreserved: int = 100
    code_storage: int = 80_530_636_800
    archive_entries: int = 200_000
