"""Event source mappings at work: what reads queues and streams and calls functions with what it found.

Imports invocation, functions, the queues and deliveries beside it, neighbours for calls of services, store, clock; it
knows nothing of AWS wire formats.
"""
