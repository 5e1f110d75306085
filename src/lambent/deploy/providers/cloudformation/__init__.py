"""Deploying by CloudFormation: a template, a change set, its execution, and what the stack tells.

Everything speaks to an endpoint through botocore, whoever answers there.
"""

from __future__ import annotations

from lambent.deploy.providers.cloudformation.provider import CloudFormation

__all__ = ["CloudFormation"]
