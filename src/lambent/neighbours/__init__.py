"""Services that are not Lambent's own: moto in a process of its own, or real endpoints from the settings.

A low floor: it may import `http` and `store`. It passes requests on and knows nothing of how AWS's protocols are
read; who calls, and how a failure is worded, is for `aws`. Import its modules: this package itself imports
nothing, so that reading settings stays cheap.
"""
