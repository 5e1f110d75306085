"""AWS wire protocols over the platform's own operations: routing, signatures, parsing, validation,
serialisation.

A service is a class with one method an operation; everything on the wire follows from botocore's service
models. May import every floor below (invocation, execution, functions, observe, store, http) and none above.
"""
