"""Receivers of the site that slow down what is saved by REST."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.checks import CheckMessage, Info, register

from fourd_rest.dataclass import registry
from fourd_rest.write.batch import is_plain_beside_signals, receivers

from .options import option_faults


@register("fourd_rest")
def check_receivers(**kwargs: Any) -> list[CheckMessage]:
    """Receivers that name no sender (I003): they must be called for every entity that is saved."""
    listening = sorted({_name(receiver) for receiver in receivers(None)})
    slowed = sorted(
        dataclass.name
        for dataclass in registry.everything()
        if dataclass.left_out is None
        and not any(option_faults(dataclass))
        and is_plain_beside_signals(dataclass)
    )
    if not listening or not slowed:
        return []
    return [
        Info(
            f"Arrays of updates are saved entity by entity because of {', '.join(listening)}: "
            f"{', '.join(slowed)}",
            hint="Each listens to the saves of every model. Connect it to the senders that it is for, "
            "and all others are saved in a fixed number of statements.",
            id="fourd_rest.I003",
        )
    ]


def _name(receiver: Callable[..., Any]) -> str:
    """Where the code of ``receiver`` is; an instance with ``__call__`` is told by its class."""
    named = receiver if hasattr(receiver, "__qualname__") else type(receiver)
    return f"{named.__module__}.{named.__qualname__}"
