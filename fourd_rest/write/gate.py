"""The one place where a row is about to be written.

Saves, nested ones, lists, dry runs, deletes and files that are put or emptied all come by here, in this
order (``docs/architecture.md``, «Stamps and transactions»: stamp first, then row):

1. ``admit``: the right, before anything is locked or told of the row (D-21);
2. ``swap``, ``claim`` or ``lock_many``: its stamp;
3. ``locked``: the row as it is now;
4. ``about_to_write``: the rules on it;
5. ``validate``: what the model says of the values that it has been given;
6. ``announce``: what the site is told once all is committed.

A delete and a file that is put ask for the right by ``permissions`` themselves, since they read the row
anyhow; a file that is put passes 4 once before its bytes are read, and again with the row locked.

What a row must pass from now on is one more function in ``RULES``. A rule judges and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

from django.db import connections, models

from fourd_rest import signals
from fourd_rest.dataclass import DataClass, permissions
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.permissions import Action
from fourd_rest.errors import PERMISSION
from fourd_rest.read.reader import Rows
from fourd_rest.stamps import mover
from fourd_rest.stamps.columns import LAST_STAMP
from fourd_rest.uploads.attach import FileCopy

from . import cascades
from .refusal import Refusal
from .validation import clean

# 1. The right.


def admit(
    caller: Caller,
    dataclass: DataClass,
    action: Action,
    find: Callable[[], models.Model | None] = lambda: None,
) -> models.Model | None:
    """Let who holds the right on all entities pass, or on the one that ``find`` finds.

    Returns what was found, None where nothing had to be. An unknown entity is refused like a forbidden
    one. Raises ``RestError`` 1558 to 1560 (401), 1800 (404) for who may not know of the dataclass.
    """
    if permissions.may(caller, dataclass, action):
        return None
    instance = find()
    permissions.check_entity(caller, dataclass, action, instance)
    return instance


# 2. The stamp. Inside the transaction that writes the row, before any other statement on it.


def swap(dataclass: DataClass, key: Any, stamp: int, *, alias: str, now: datetime) -> bool:
    """Move the stamp of the entity of ``key`` on from ``stamp``; false if it has another one.

    Holds the entity until the commit.
    """
    if not 0 < stamp < LAST_STAMP:
        return False
    return mover.compare_and_swap(dataclass, key, stamp, alias=alias, now=now)


def claim(dataclass: DataClass, keys: Iterable[Any], *, alias: str) -> list[bool]:
    """Move the stamps of entities that are to be deleted; false for which there is certainly none.

    Of all before the first row is read: what was deleted while we waited is seen to be gone, whatever
    the isolation of the transaction.
    """
    return [mover.claim(dataclass, key, alias=alias) for key in keys]


# 3. The row.


def locked(rows: Rows, key: Any) -> models.Model | None:
    """The row of ``key`` as it is now, locked where the database can; None if it is out of reach."""
    instance = rows.locked(key)
    if instance is None or (rows.dataclass.restricts_rows and not rows.query(key).exists()):
        return None
    return instance


def lock_many(
    caller: Caller, dataclass: DataClass, keys: list[Any], *, alias: str
) -> tuple[dict[Any, int], dict[Any, models.Model]]:
    """Lock all stamps, then all rows: what ``mover.lock`` returns, and rows within reach by key.

    The stamps are moved by whoever writes the rows.
    """
    stamps = mover.lock(dataclass, keys, alias=alias)
    no_key = connections[alias].features.has_select_for_no_key_update
    rows = dataclass.model._base_manager.using(alias).filter(pk__in=keys)
    found = {row.pk: row for row in rows.order_by("pk").select_for_update(no_key=no_key)}
    if found and dataclass.restricts_rows:
        # Of those that have left the caller's reach meanwhile each is told by itself.
        seen = dataclass.entities(caller.request).using(alias).order_by()
        within = set(seen.filter(pk__in=list(found)).values_list("pk", flat=True))
        found = {key: row for key, row in found.items() if key in within}
    return stamps, found


# 4. The rules.

Rule: TypeAlias = Callable[[Caller, DataClass, models.Model, Action, str], None]


def about_to_write(
    caller: Caller,
    dataclass: DataClass,
    instance: models.Model,
    action: Action,
    *,
    alias: str,
    is_allowed: bool = False,
) -> None:
    """Ask all rules of ``instance``, a row of the database ``alias``, before anything is done to it.

    A new one is still empty. ``is_allowed``: ``admit`` has said so of all rows, and of a new one, or of
    a dataclass that judges no single rows, there is nothing more to say. Raises ``Refusal``.
    """
    if not is_allowed and not permissions.may(caller, dataclass, action, instance):
        raise Refusal(action.row(dataclass=dataclass.name), status=PERMISSION)
    for rule in RULES:
        rule(caller, dataclass, instance, action, alias)


def _require_rights_along(
    caller: Caller, dataclass: DataClass, instance: models.Model, action: Action, alias: str
) -> None:
    """The right to delete what would go along with a deleted row (D-57)."""
    if action is not Action.DELETE:
        return
    obstacle = cascades.obstacle(caller, dataclass, instance, alias)
    if obstacle is not None:
        raise Refusal(obstacle)


# Asked in this order of every row, once the right on it is held. A rule raises ``Refusal``, with the
# errors that the client gets.
RULES: tuple[Rule, ...] = (_require_rights_along,)


# 5. Validation.


def validate(instance: models.Model, changed: set[str] | None, unknown: set[str] | None = None) -> None:
    """Have the model judge the fields named in ``changed``, all of a new instance (None).

    Those in ``unknown`` have no value yet. Raises ``ValidationError``, and whatever the site's own code
    raises.
    """
    clean(instance, changed, unknown)


# 6. What the site is told.


def announce(
    caller: Caller,
    dataclass: DataClass,
    instance: models.Model,
    action: Action,
    *,
    alias: str,
    key: Any,
    placed: Sequence[FileCopy] = (),
) -> None:
    """Have the signals of what was done to ``instance`` sent once it is committed.

    ``key`` is the entity's own, also after it is deleted; ``placed`` are the files that it was given.
    """
    model = dataclass.model
    for item in placed:
        signals.after_commit(
            signals.blob_attached,
            caller,
            alias,
            model,
            key=key,
            attribute=item.attribute.name,
            blob_id=item.intent.blob_id,
        )
    if action is Action.DELETE:
        signals.after_commit(signals.entity_deleted, caller, alias, model, instance=instance, key=key)
        return
    created = action is Action.ADD
    signals.after_commit(signals.entity_saved, caller, alias, model, instance=instance, created=created)
