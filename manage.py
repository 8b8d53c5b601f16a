#!/usr/bin/env python
"""Django's command line. `./chartroom manage COMMAND` calls it with the settings of a data folder."""

import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    import config.celery  # noqa: F401  (makes shared_task find the broker)

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
