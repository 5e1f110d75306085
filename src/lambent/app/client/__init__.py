"""The small AWS client that the framework itself uses: Signature Version 4 on http.client.

For the few operations behind queues, function calls, WebSocket connections, idempotency and parameters, so that a
function that needs nothing else does not load an SDK. It imports the standard library's HTTP and TLS on first use.
"""
