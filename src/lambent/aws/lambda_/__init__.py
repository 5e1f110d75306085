"""The Lambda control plane: one method per operation, over the function registry.

Imports lambent.functions, lambent.http and the generic layer of lambent.aws; invocation is served elsewhere.
"""

from lambent.aws.lambda_.downloads import CodeDownloads
from lambent.aws.lambda_.service import LambdaService

__all__ = ["CodeDownloads", "LambdaService"]
