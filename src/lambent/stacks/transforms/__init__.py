"""Transforms: what makes one template of another before its resources are looked at, and templates at URLs.

AWS::Serverless (SAM) by AWS's own translator in a process of its own, AWS::Include, AWS::LanguageExtensions in its
place, and macros that call functions. Services are asked by a callable; imports `stacks.template` and below.
"""

from lambent.stacks.transforms.fetcher import Fetcher
from lambent.stacks.transforms.macros import Macro
from lambent.stacks.transforms.transforms import Transforms

__all__ = ["Fetcher", "Macro", "Transforms"]
