"""The framework: what ships inside a function.

It imports msgspec and the standard library, and nothing else of Lambent. Its public names are those of `lambent` and
`lambent.testing`; the modules here are private.
"""
