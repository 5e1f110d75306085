"""The composition root: reads settings, builds every part, starts and stops them in order.

The only floor that knows all others; everything else gets its collaborators handed in.
"""

from lambent.node.run import run

__all__ = ["run"]
