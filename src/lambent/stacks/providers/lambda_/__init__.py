"""AWS::Lambda::*: functions and all that belongs to them.

Imports providers.base and provider, stacks.errors and neighbours.service_calls alone.
"""
