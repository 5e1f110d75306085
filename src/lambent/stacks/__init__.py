"""Stacks: CloudFormation and SAM templates become resources, through the services' own operations.

Knows nothing of AWS wire formats: services are asked by a callable that is given to it. May import the floors from
gateway down.
"""
