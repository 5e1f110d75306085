"""What can be wrong with a request about schedules.

ScheduleError
├── ScheduleNotFound    no such schedule, or no such group
├── ScheduleConflict    there is one of that name already, or it is being changed by somebody else
└── InvalidSchedule     a setting that is not allowed
"""

from __future__ import annotations


class ScheduleError(Exception):
    """Any refusal. Its text is complete."""


class ScheduleNotFound(ScheduleError):
    """No such schedule, or no such group."""

    @classmethod
    def schedule(cls, name: str) -> ScheduleNotFound:
        """A schedule."""
        return cls(f"Schedule {name} does not exist.")

    @classmethod
    def group(cls, name: str) -> ScheduleNotFound:
        """A group."""
        return cls(f"Schedule group {name} does not exist.")


class ScheduleConflict(ScheduleError):
    """There is one of that name already, or it is being changed by somebody else."""


class InvalidSchedule(ScheduleError):
    """A setting that is not allowed."""
