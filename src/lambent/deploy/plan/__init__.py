"""What a deployment would change, as data: whoever makes a plan, it is shown, asked about and printed the same way."""

from __future__ import annotations

from lambent.deploy.plan.plan import STATEFUL, Change, Difference, Plan

__all__ = ["STATEFUL", "Change", "Difference", "Plan"]
