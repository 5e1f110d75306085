"""Event patterns: AWS's language that says which events somebody wants.

Rules of event buses and filters of event source mappings are patterns. `Pattern` decides about one event,
`RuleIndex` finds the patterns of thousands that match one. Imports nothing of lambent.
"""

from __future__ import annotations

from lambent.events.patterns.errors import InvalidPattern
from lambent.events.patterns.pattern import Pattern
from lambent.events.patterns.rule_index import RuleIndex

__all__ = ["InvalidPattern", "Pattern", "RuleIndex"]
