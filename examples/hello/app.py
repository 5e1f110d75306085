"""A function that greets, and shows what Lambda tells it. Try it with any event."""

import logging
import os
import platform

logger = logging.getLogger()
logger.setLevel("INFO")

# Runs once per execution environment: the next invocations find it counted up.
invocations = 0


def handler(event, context):
    global invocations
    invocations += 1
    name = event.get("name", "world") if isinstance(event, dict) else "world"
    logger.info("greeting %s, invocation %d of this environment", name, invocations)
    return {
        "message": f"{os.environ['GREETING']}, {name}!",
        "event": event,
        "context": {
            "function": f"{context.function_name}:{context.function_version}",
            "request_id": context.aws_request_id,
            "memory_mb": context.memory_limit_in_mb,
            "remaining_ms": context.get_remaining_time_in_millis(),
            "log_group": context.log_group_name,
            "log_stream": context.log_stream_name,
        },
        "python": platform.python_version(),
        "invocations_here": invocations,
    }
