"""The Scheduler service: its operations, gathered from the modules that hold them by topic."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from lambent.aws.scheduler.groups import GroupOperations
from lambent.aws.scheduler.schedules import ScheduleOperations
from lambent.aws.service import Service

if TYPE_CHECKING:
    from lambent.events.schedules import Schedules


class SchedulerService(ScheduleOperations, GroupOperations, Service):
    """Every operation of the model, over one set of schedules."""

    name: ClassVar[str] = "scheduler"

    def __init__(self, schedules: Schedules) -> None:
        self.schedules = schedules
