"""Chartroom as one program: PostgreSQL, Valkey, web and worker as children of one supervisor.

Nothing in this package imports Django: `refusal`, `arguments`, `environment` and `venv` run under the system's
Python before there is a virtual environment, and the supervisor stays small.
"""
