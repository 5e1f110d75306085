"""The composition root: reads settings, builds every part, starts and stops them in order.

The only floor that knows all others; everything else gets its collaborators handed in. Import `node.run` or
`node.settings`: this package itself imports nothing, so that reading settings stays cheap.
"""
