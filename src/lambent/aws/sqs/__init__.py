"""Amazon SQS on the wire: every operation of its model, in the JSON and the query protocol.

Imports `aws` and the floors below; what queues do is in `lambent.events.queues`.
"""

from lambent.aws.sqs.endpoint import SqsEndpoint
from lambent.aws.sqs.service import SqsService

__all__ = ["SqsEndpoint", "SqsService"]
