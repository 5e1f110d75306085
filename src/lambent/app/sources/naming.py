"""What a resource that the code names is called where the app is deployed.

Code says "alerts"; deployed it may be shop-prod-alerts. A handler is for the resource of exactly the name that it says,
or else for the one that the environment variable `LAMBENT_<KIND>_<NAME>` holds by name, ARN or, for queues, URL.
"""

from __future__ import annotations

import os
import re

_OTHERS = re.compile("[^A-Za-z0-9]")


def variable(kind: str, name: str) -> str:
    """The environment variable for a resource: `variable("queue", "new-orders")` is LAMBENT_QUEUE_NEW_ORDERS."""
    return f"LAMBENT_{_OTHERS.sub('_', kind).upper()}_{_OTHERS.sub('_', name).upper()}"


def physical_name(kind: str, name: str) -> str:
    """The deployed name of a resource: what its variable says, else the name itself, which may be an ARN.

    `kind` is "queue", "topic", "bucket", "schedule", … as in the name of the variable.
    """
    told = os.environ.get(variable(kind, name))
    if told:
        return name_in(told)
    return name_in(name) if name.startswith("arn:") else name


def name_in(text: str) -> str:
    """The name of a resource in its ARN or URL; of anything else, itself.

    "arn:aws:sqs:eu-west-1:123456789012:orders" → "orders", and so for topics, buckets, rules, schedules, alarms,
    functions, user pools, log groups, tables and streams (of a table's stream the table's name).
    """
    if text.startswith(("https://", "http://")):
        return text.rstrip("/").rpartition("/")[2]
    if not text.startswith("arn:"):
        return text
    parts = text.split(":", 5)
    if len(parts) < 6:
        return text
    service, resource = parts[2], parts[5]
    if service in ("s3", "sqs", "sns"):
        return resource.partition("/")[0] if service == "s3" else resource.partition(":")[0]
    if service == "logs":
        return resource.removeprefix("log-group:").partition(":")[0]
    if service == "cloudwatch":
        return resource.removeprefix("alarm:")
    if service == "lambda":
        return resource.removeprefix("function:").partition(":")[0]
    if service in ("dynamodb", "kinesis"):
        return resource.split("/")[1] if "/" in resource else resource
    return resource.rpartition("/")[2]
