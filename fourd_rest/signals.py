"""Signals for the site, sent after the commit with ``request`` and ``user``.

``sender`` is the model, ``UploadedBlob`` for ``upload_received``. What a receiver raises is logged and
changes no answer.

=================== ================================================================
signal              further arguments
=================== ================================================================
``upload_received`` ``blob``
``blob_attached``   ``key``, ``attribute`` (its wire name), ``blob_id``
``entity_saved``    ``instance``, ``created``
``entity_deleted``  ``instance``, ``key``
=================== ================================================================
"""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.dispatch import Signal

from .dataclass.caller import Caller

upload_received = Signal()
blob_attached = Signal()
entity_saved = Signal()
entity_deleted = Signal()


def after_commit(signal: Signal, caller: Caller, alias: str, sender: type[Any], **details: Any) -> None:
    """Send ``signal`` once the transaction on ``alias`` is committed; never if it is rolled back."""
    if signal.has_listeners(sender):
        send = partial(now, signal, caller, sender, **details)
        transaction.on_commit(send, using=alias)


def now(signal: Signal, caller: Caller, sender: type[Any], **details: Any) -> None:
    """Send ``signal`` at once, when nothing is left to commit."""
    request = caller.request
    signal.send_robust(sender=sender, request=request, user=request.user, **details)
