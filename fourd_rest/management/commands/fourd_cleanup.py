"""``manage.py fourd_cleanup``: the sweep, for cron."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from fourd_rest import sweep


class Command(BaseCommand):
    """Runs ``sweep.run`` and prints what it removed."""

    help = (
        "Removes expired and broken uploads, copies whose entity was never saved, converted pictures "
        "that nobody asks for any more, expired entity sets, and rows past their retention. Safe while "
        "the site is serving."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep once."""
        swept = sweep.run()
        self.stdout.write(
            f"{swept.expired} expired, {swept.broken} broken, {swept.copies} abandoned copies, "
            f"{swept.rows} old rows, {swept.stamps} old stamps, {swept.conversions} converted pictures, "
            f"{swept.entity_sets} entity sets"
        )
