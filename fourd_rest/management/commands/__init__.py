"""``fourd_cleanup``, ``fourd_fold``, ``fourd_touch``."""
