"""The office: asks for a report every night, and reads what has become of it."""

from lambent import Logger, Router, Tick, invoke_async
from shop.messages import Day, Done

logger = Logger("shop")
router = Router()


@router.schedule("cron(0 3 * * ? *)")
def nightly(tick: Tick) -> None:
    # Lambda keeps the call until it has succeeded, or failed twice: then it goes to a queue (lambent.toml).
    invoke_async("reports", Day(f"{tick.time:%Y-%m-%d}"))


@router.queue("reports")
def read(done: Done) -> None:
    report = done.response_payload
    logger.info("Report", extra={"day": report.day, "orders": report.orders, "cents": report.cents})
