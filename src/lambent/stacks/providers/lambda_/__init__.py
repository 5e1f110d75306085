"""AWS::Lambda::*: functions and all that belongs to them.

Imports providers.provider, stacks.errors and neighbours.service_calls alone.
"""
