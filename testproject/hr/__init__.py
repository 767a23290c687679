"""People, companies and invoices: the app of the sample site."""

from __future__ import annotations
