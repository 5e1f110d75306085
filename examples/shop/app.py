"""A small shop: orders over HTTP, receipts out of a queue, screens that show new orders, a report every night.

    lambent dev             runs it, with hot reload
    lambent deploy apply    deploys it
    pytest                  tests it

Each router is a function of its own where it is deployed, with what its module imports and nothing else: that is why
they are included by name.
"""

from lambent import App, Logger

app = App("shop", logger=Logger("shop"))
app.include("shop.orders:router")  # HTTP
app.include("shop.receipts:router")  # a queue
app.include("shop.counter:router")  # WebSockets, and the changes of a table
app.include("shop.office:router")  # a schedule, and the queue that it ends in
app.include("shop.reports:router")  # called by the office, without waiting
app.include("shop.door:router")  # who may order
