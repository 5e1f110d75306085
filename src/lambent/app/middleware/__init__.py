"""Layers for what most functions need. They go around all handlers, those of one router, or one handler.

The order that works, outermost first, as in `App(middleware=[...])`:

    RequestLog          sees the answer as it is sent
    SecurityHeaders     so that what the layers below answer has them, too
    CORS                as above: a browser shows scripts no error without its headers
    Compression         what the handler answers, and long errors
    Deadline            what takes too long is answered with 504 by the layers above
    Errors              the app's own exceptions become answers
    Bearer, ApiKey, AuthorizerContext
                        nearest to the handlers; for some of them only, on their routers

RequestLog, SecurityHeaders, CORS and Compression turn exceptions into answers where they are: layers outside of them
see a Response, whose `error` is what was raised. Preflights and paths that do not exist reach the app's layers only.
All of them work around synchronous and asynchronous handlers, and none of them needs a thread.
"""
