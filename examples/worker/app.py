"""Work out of a queue, and what the clock asks for.

lambent dev                                     runs it, with hot reload
lambent send jobs '{"id": 1, "text": "tea"}'    gives it work
lambent fire every_hour                         does not wait for the hour
lambent deploy apply                            deploys it
pytest                                          tests it
"""

import msgspec

from lambent import App, Logger, Queue

logger = Logger("worker")
app = App("worker", logger=logger)
results = Queue("results")


class Job(msgspec.Struct):
    id: int
    text: str


class Result(msgspec.Struct):
    id: int
    words: int


@app.queue("jobs")
def work(job: Job) -> None:
    """One message. What raises comes again by itself, and is in the dead-letter queue at last."""
    if not job.text:
        raise ValueError(f"job {job.id} is empty")
    results.send(Result(job.id, len(job.text.split())))
    logger.info("Job done", extra={"job": job.id})


@app.schedule("rate(1 hour)")
def every_hour() -> None:
    logger.info("An hour has passed")
