"""Cloud Control API: single resources by type and identifier, as `sam list endpoints` asks for them.

Reads them with the providers of lambent.stacks.
"""

from lambent.aws.cloudcontrol.service import CloudControlService

__all__ = ["CloudControlService"]
