"""CloudWatch Logs on the log store: groups, streams, events, filter patterns.

May import the generic layer of lambent.aws and lambent.observe.
"""
