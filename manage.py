#!/usr/bin/env python
"""Django's command line for the sample site: ``python manage.py demo`` is the place to start."""

from __future__ import annotations

import os
import sys

from testproject import environment


def main() -> None:
    """Run the command of ``sys.argv`` with the settings of the sample site."""
    environment.load()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "testproject.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
