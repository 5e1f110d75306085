"""Resource schemas: what CloudFormation's registry says of resource types, as data in the package.

`data/*.json` is made by `tools/schemas.py`; a service's file is read when one of its types is first asked for. Imports
nothing of stacks but its errors.
"""

from __future__ import annotations

from lambent.stacks.schemas.schema import Replaces, Schema, schema_of, types_of

__all__ = ["Replaces", "Schema", "schema_of", "types_of"]
