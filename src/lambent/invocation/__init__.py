"""Invocation: concurrency accounting, sync and async invocation, retries, the log lines around a run.

Imports `execution`, `functions`, `observe`, `store`. Knows nothing of HTTP or AWS's wire formats: payloads
are bytes in and bytes out, refusals are this floor's errors.
"""
