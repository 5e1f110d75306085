"""What each access to a resource of the app permits on AWS.

Analysis finds the accesses of which the words are that code needs, rendering makes statements of them: one table, so
that nothing is asked for that is not granted.
"""

from __future__ import annotations

from typing import Final

LISTS: Final = "s3:ListBucket"
"""The one action on a bucket itself: the others are on its objects."""

ACTIONS: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    "bucket": {
        "put": ("s3:AbortMultipartUpload", "s3:PutObject"),
        "read": ("s3:GetObject", LISTS),
        "write": ("s3:AbortMultipartUpload", "s3:DeleteObject", "s3:PutObject"),
    },
    "table": {
        "read": (
            "dynamodb:BatchGetItem",
            "dynamodb:ConditionCheckItem",
            "dynamodb:DescribeTable",
            "dynamodb:GetItem",
            "dynamodb:Query",
            "dynamodb:Scan",
        ),
        "write": (
            "dynamodb:BatchWriteItem",
            "dynamodb:DeleteItem",
            "dynamodb:PutItem",
            "dynamodb:UpdateItem",
        ),
    },
    "queue": {
        "receive": (
            "sqs:ChangeMessageVisibility",
            "sqs:DeleteMessage",
            "sqs:GetQueueAttributes",
            "sqs:ReceiveMessage",
        ),
        "send": ("sqs:SendMessage",),
    },
    "topic": {"publish": ("sns:Publish",)},
    "stream": {
        "put": ("kinesis:PutRecord", "kinesis:PutRecords"),
        "read": (
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
        ),
        "write": ("kinesis:PutRecord", "kinesis:PutRecords"),
    },
    "function": {"call": ("lambda:InvokeFunction",)},
    "bus": {"emit": ("events:PutEvents",)},
}
"""By the kind of a resource and the access. Where two permit the same, the narrower comes first."""
