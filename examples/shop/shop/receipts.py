"""Receipts, out of a queue. A message that cannot be handled comes again, and is in the dead-letter queue at last."""

from lambent import Logger, Router
from shop.messages import Receipt

logger = Logger("shop")
router = Router()


@router.queue("receipts")
def send_receipt(receipt: Receipt) -> None:
    if "@" not in receipt.email:
        raise ValueError(f"{receipt.email!r} is no address")
    logger.info("Receipt sent", extra={"order": receipt.order})
