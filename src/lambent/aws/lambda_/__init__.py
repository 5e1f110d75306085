"""The Lambda control plane: one method per operation, over the function registry.

Imports lambent.functions, lambent.http and the generic layer of lambent.aws; invocation is served elsewhere.
"""
