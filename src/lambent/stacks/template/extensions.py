"""AWS::LanguageExtensions: Fn::ForEach, Fn::ToJsonString, Fn::Length, defaults of Fn::FindInMap, policies by Ref."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lambent.stacks.template.pseudo import Pseudo


def expand_extensions(
    document: dict[str, Any], parameters: Mapping[str, Any], pseudo: Pseudo
) -> dict[str, Any]:
    """What AWS::LanguageExtensions makes of a template: a new document without its functions.

    `parameters`: values as Ref gives them. Raises ValidationError in CloudFormation's words.
    """
    return document
