"""How updates of maps are meant: what is given is laid over what is there.

Known from the provider of a widely used tool (hashicorp/terraform-provider-aws, internal/service/apigatewayv2), which
removes stage variables and request parameters by setting them to "", response parameters by setting them to {}.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping

V = TypeVar("V")


def merged(old: Mapping[str, V] | None, given: Mapping[str, V]) -> dict[str, V]:
    """`given` laid over `old`; keys with an empty value are gone."""
    both = {**(old or {}), **given}
    return {key: value for key, value in both.items() if value}


def cleared(members: dict[str, Any]) -> dict[str, Any]:
    """`members` of an update, where an empty string stands for nothing."""
    return {key: None if value == "" else value for key, value in members.items()}
