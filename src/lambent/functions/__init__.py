"""The registry of functions: versions, names, quotas, states, and the code store with unpacked trees.

Imports lambent.store and nothing above it; it knows nothing of AWS wire formats.
"""

from lambent.functions.activation import Activate
from lambent.functions.catalog import Listener
from lambent.functions.code_store import CodeStore
from lambent.functions.errors import (
    ActivationFailed,
    CodeRejected,
    FunctionError,
    FunctionNotFound,
    InvalidConfiguration,
)
from lambent.functions.limits import Limits
from lambent.functions.names import Reference, parse_name
from lambent.functions.record import FunctionRecord, Target
from lambent.functions.registry import FunctionRegistry
from lambent.functions.version import LATEST, FunctionVersion

__all__ = [
    "LATEST",
    "Activate",
    "ActivationFailed",
    "CodeRejected",
    "CodeStore",
    "FunctionError",
    "FunctionNotFound",
    "FunctionRecord",
    "FunctionRegistry",
    "FunctionVersion",
    "InvalidConfiguration",
    "Limits",
    "Listener",
    "Reference",
    "Target",
    "parse_name",
]
