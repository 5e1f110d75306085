"""What differs between what is deployed and what a template asks for, before anything is done about it.

Whether properties are changed in place or by replacement, change sets as CloudFormation tells them, and drift. Works on
templates and records that it is given; asks nobody. Imports stacks.template and stacks.schemas.
"""

from lambent.stacks.changes.change import NO_CHANGES, NO_UPDATES, Difference, ResourceChange
from lambent.stacks.changes.comparison import changes
from lambent.stacks.changes.decision import Decision, Kind, decide
from lambent.stacks.changes.drift import Drift, drift, drifted
from lambent.stacks.changes.sides import Deployed, Side

__all__ = [
    "NO_CHANGES",
    "NO_UPDATES",
    "Decision",
    "Deployed",
    "Difference",
    "Drift",
    "Kind",
    "ResourceChange",
    "Side",
    "changes",
    "decide",
    "drift",
    "drifted",
]
