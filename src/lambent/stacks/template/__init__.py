"""Templates: their text, what their sections say, and what their functions give.

Knows nothing of resources beyond their types, and makes none. May import `stacks.errors`, `neighbours.service_calls`.
"""

from lambent.stacks.template.capabilities import capabilities_needed
from lambent.stacks.template.dynamic import check_secure_references, resolve_dynamic
from lambent.stacks.template.extensions import expand_extensions
from lambent.stacks.template.graph import graph
from lambent.stacks.template.outputs import check_export_name
from lambent.stacks.template.parameters import ParameterValues, UsePrevious, parameter_values
from lambent.stacks.template.pseudo import Pseudo
from lambent.stacks.template.scope import ResourceValues, Scope
from lambent.stacks.template.summary import summary
from lambent.stacks.template.template import Output, Parameter, Resource, Rule, Template
from lambent.stacks.template.text import Parsed, TemplateError, parse
from lambent.stacks.template.unknown import UNKNOWN, Unknown

__all__ = [
    "UNKNOWN",
    "Output",
    "Parameter",
    "ParameterValues",
    "Parsed",
    "Pseudo",
    "Resource",
    "ResourceValues",
    "Rule",
    "Scope",
    "Template",
    "TemplateError",
    "Unknown",
    "UsePrevious",
    "capabilities_needed",
    "check_export_name",
    "check_secure_references",
    "expand_extensions",
    "graph",
    "parameter_values",
    "parse",
    "resolve_dynamic",
    "summary",
]
