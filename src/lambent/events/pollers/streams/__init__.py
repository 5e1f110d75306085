"""Event source mappings that read streams: Kinesis data streams and DynamoDB's streams of changes.

Streams are read by the AWS protocol, wherever they are. Imports what lambent.events.pollers may import.
"""

from lambent.events.pollers.streams.poller import StreamPoller, check_stream

__all__ = ["StreamPoller", "check_stream"]
