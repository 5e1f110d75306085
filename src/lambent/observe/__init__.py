"""Logs and usage of functions: what they wrote, how often they ran, what that would cost.

Appending is memory only and cheap enough for the data path; a flush stores chunks a few times a second.
May import lambent.store, nothing else of the platform.
"""

from .errors import (
    FilterNotFound,
    LogGroupExists,
    LogGroupNotFound,
    LogStreamExists,
    LogStreamNotFound,
    ObserveError,
    TooManyFilters,
)
from .log_filters import SubscriptionFilter, events_by_stream
from .log_policies import LogPolicies, LogPolicy
from .log_reader import NO_END, LogEvent, LogPage, LogQuery
from .log_store import LogStore, StreamInfo, open_log_store
from .log_stream import ON_DEMAND, PROVISIONED, LogGroup, LogStream
from .records import render
from .statements import SealedChunk
from .usage import FunctionUsage, UsageMeter

__all__ = [
    "NO_END",
    "ON_DEMAND",
    "PROVISIONED",
    "FilterNotFound",
    "FunctionUsage",
    "LogEvent",
    "LogGroup",
    "LogGroupExists",
    "LogGroupNotFound",
    "LogPage",
    "LogPolicies",
    "LogPolicy",
    "LogQuery",
    "LogStore",
    "LogStream",
    "LogStreamExists",
    "LogStreamNotFound",
    "ObserveError",
    "SealedChunk",
    "StreamInfo",
    "SubscriptionFilter",
    "TooManyFilters",
    "UsageMeter",
    "events_by_stream",
    "open_log_store",
    "render",
]
