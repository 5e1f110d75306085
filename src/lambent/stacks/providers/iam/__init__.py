"""AWS::IAM::*: roles, users and groups with their policies, keys, profiles and identity providers.

Imports providers.base and provider, stacks.errors and neighbours.service_calls alone. Tags of CloudFormation's own
(`aws:cloudformation:`) are not put on these resources, as their schemas say (`cloudFormationSystemTags`: false).
"""
