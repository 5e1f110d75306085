"""The EventBridge Scheduler service: translates between its wire format and `lambent.events.schedules`."""

from lambent.aws.scheduler.service import SchedulerService

__all__ = ["SchedulerService"]
