"""The pytest plugin: a whole platform, and the project's app on it, as fixtures (docs/testing-on-the-platform.md).

It starts the platform in a process of its own and uses the pipeline (`lambent.deploy`) and AWS's APIs like anybody
else. pytest loads `fixtures` alone; the rest is imported when a test asks for it.
"""
