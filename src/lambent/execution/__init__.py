"""Execution environments: their processes, life cycle, pools and limits.

Imports `functions`, `observe`, `store`, `http` and `runtime` (for the path of the files that run inside) at
most. Knows nothing of quotas, retries or AWS's wire formats: it runs an `Invocation` and calls it back.
"""
