"""From an app's code to what runs: analyse, build, render, plan, apply.

It builds on the framework and on AWS's APIs through boto3 alone: the platform is an endpoint like AWS. See
docs/architecture.md for how the rooms follow each other.
"""
