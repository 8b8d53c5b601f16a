"""Chartroom's configuration. Importing it makes `shared_task` find our Celery application."""
