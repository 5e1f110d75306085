"""Resource providers: what makes, changes and removes the resources of each type. One small module a type or family.

A provider asks services and knows nothing of templates, stacks' states, or other resources.
"""
