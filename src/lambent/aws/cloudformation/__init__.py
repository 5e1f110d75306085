"""CloudFormation: stacks and change sets, for the clients that people use.

Translates between CloudFormation's API and lambent.stacks.
"""

from lambent.aws.cloudformation.service import CloudFormationService

__all__ = ["CloudFormationService"]
