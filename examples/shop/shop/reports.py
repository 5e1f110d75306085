"""Reports of a day. Who wants one does not wait for it: its result goes to the queue `reports`."""

from lambent import Router
from shop.messages import Day, Report
from shop.tables import orders

router = Router()


@router.invocation()
def report(day: Day) -> Report:
    found = [order.cents for order in orders.scan()]
    return Report(day.day, len(found), sum(found))
