"""`lambent dev`: an app on an embedded platform, on one port, with its code as it is in the project right now.

It stands above the platform (`node`), which it embeds, and the pipeline (`deploy`), which brings the app there.
"""
