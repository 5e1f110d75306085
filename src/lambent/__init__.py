"""Lambent: serverless for Python, end to end.

`import lambent` is what a function ships: it stays free of the platform's dependencies.
"""

__version__ = "0.1.0"

__all__ = ["__version__"]
