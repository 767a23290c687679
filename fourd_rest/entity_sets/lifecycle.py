"""Entity sets: selections kept under an ID, from creation to clean-up (``requests.md`` 6.4, D-20).

A set is a snapshot of keys in their order; which of them a reader may see is decided at each read. All
processes of the site share it. Every use restarts its timeout, but not every use writes: a set lives for
``_slack`` longer than its timeout, and a write may be left out for as long. So a set lives for at least
its timeout after its last use, and at most a tenth of it or a minute longer.
"""

from __future__ import annotations

import math
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson
from django.db import IntegrityError, OperationalError, connections
from django.db.models import Count, FilteredRelation, Min, Q, Sum
from django.utils import timezone

from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass, registry
from fourd_rest.dataclass.caller import Caller
from fourd_rest.errors import (
    BAD_URL,
    ENTITY_SET_NOT_FOUND,
    ENTITY_SET_OF_ANOTHER,
    ENTITY_SET_QUOTA,
    RestError,
)
from fourd_rest.models import EntitySet, EntitySetChunk
from fourd_rest.request import uris
from fourd_rest.request.keywords import REMOVE_FROM_SET, TIMEOUT
from fourd_rest.sql.database_errors import is_busy
from fourd_rest.sql.key_membership import Stored, key_in
from fourd_rest.sql.transactions import ATTEMPTS, busy, with_retry, write_transaction

from . import members
from .members import CHUNK

_ID = re.compile(r"[0-9A-F]{32}\Z")
_COLUMNS = tuple(field.attname for field in EntitySet._meta.concrete_fields)

# The ``size`` of a page that has all members.
EVERYTHING = CHUNK * 2**31

# What one transaction of a clean-up deletes at most: sets, and members in all of them.
_DROPPED_SETS = 200
_DROPPED_MEMBERS = 200_000


# Creation


def create(
    caller: Caller,
    dataclass: DataClass,
    keys: Iterable[Any],
    *,
    timeout: int | None,
    is_sorted: bool,
    identity: str | uuid.UUID | None = None,
) -> EntitySet:
    """Keep ``keys``, each once and in order, as a set that lives ``timeout`` seconds after each use.

    None stands for ``ENTITY_SET_TIMEOUT``, 0 («never expires») for ``MAX_ENTITY_SET_TIMEOUT``, which
    caps all. Raises ``RestError`` 9023 (429) beyond the quota, 9025 (413) for too many members, 1806
    for a negative timeout.

    ``identity`` is the ID of a set that is to be rebuilt. If somebody else has rebuilt it meanwhile,
    that set is returned unchanged. Raises 1802 or 1803 if the caller may not use it.
    """
    wire_id = uuid.uuid4().hex.upper() if identity is None else _wire_id(str(identity))
    if wire_id is None:
        raise _not_found(str(identity))
    now, alias, lifetime = timezone.now(), dataclass.write_alias(), _lifetime(timeout)
    entity_set = EntitySet(
        id=wire_id,
        model=dataclass.model._meta.label_lower,
        dataclass=dataclass.name,
        owner_id=caller.owner,
        address=caller.address,
        is_sorted=is_sorted,
        timeout=lifetime,
        created=now,
    )
    _check_quota(entity_set, alias, now)
    texts, entity_set.size = members.pack(Stored.of(dataclass.model._meta.pk), keys)
    entity_set.refreshed, entity_set.expires = _countdown(lifetime)

    def store() -> EntitySet:
        with write_transaction(alias):
            if identity is not None:
                there = _make_room(caller, dataclass, wire_id, alias)
                if there is not None:
                    return there
            entity_set.save(using=alias, force_insert=True)
            members.write(entity_set, texts, alias=alias)
        return entity_set

    for _ in range(ATTEMPTS):
        try:
            return with_retry(alias, store)
        except IntegrityError:
            if identity is None:
                raise
            # Somebody else rebuilt it at the same moment. It exists now, or is gone again.
    raise busy()


def _lifetime(timeout: int | None) -> int:
    settings = current()
    longest = settings.MAX_ENTITY_SET_TIMEOUT
    if timeout is None:
        timeout = settings.ENTITY_SET_TIMEOUT
    if timeout < 0:
        raise RestError(BAD_URL(reason=f"{TIMEOUT.name} must not be negative"))
    return min(timeout or longest, longest)


def _check_quota(entity_set: EntitySet, alias: str, now: datetime) -> None:
    """Refuse one more set of this owner on this database, for guests of this address.

    Sets and their members are counted: the last set to be made may go beyond the members.
    Requests at the same time do not see each other and may go beyond the quota by as many as they are.
    """
    mine = EntitySet.objects.using(alias).filter(owner=entity_set.owner_id, expires__gt=now)
    if entity_set.owner_id is None:
        mine = mine.filter(address=entity_set.address)
    kept = mine.aggregate(sets=Count("pk"), members=Sum("size", default=0), first=Min("expires"))
    settings = current()
    if (
        kept["sets"] >= settings.MAX_ENTITY_SETS_PER_OWNER
        or kept["members"] >= settings.MAX_ENTITY_SET_MEMBERS_PER_OWNER
    ):
        seconds = math.ceil((kept["first"] - now).total_seconds())
        raise RestError(ENTITY_SET_QUOTA(), retry_after=seconds)


def _make_room(caller: Caller, dataclass: DataClass, wire_id: str, alias: str) -> EntitySet | None:
    """The set that is to be rebuilt, if it is there. Removes what is left of an expired one."""
    rows = EntitySet.objects.using(alias).filter(pk=wire_id)
    left = rows.select_for_update().first()
    if left is not None and left.expires > timezone.now():
        _check_usable(caller, dataclass, left, wire_id)
        return left
    if left is not None:
        rows.delete()
    return None


# Life


def _slack(timeout: int) -> timedelta:
    """How much longer than asked for a set lives, and how long a renewal may wait."""
    return timedelta(seconds=max(1, min(timeout // 10, 60)))


def _countdown(timeout: int) -> tuple[datetime, datetime]:
    """The moments of a use that happens now and of the expiry that follows."""
    now = timezone.now()
    return now, now + timedelta(seconds=timeout) + _slack(timeout)


def _renew(entity_set: EntitySet) -> None:
    """Restart the countdown, if the last renewal was long enough ago.

    If the database is too busy for it, the read goes on: the next use tries again.
    """
    refreshed, expires = _countdown(entity_set.timeout)
    if refreshed - entity_set.refreshed < _slack(entity_set.timeout):
        return
    alias: str = entity_set._state.db or ""
    rows = EntitySet.objects.using(alias).filter(pk=entity_set.pk, expires__gt=refreshed)
    try:
        rows.update(refreshed=refreshed, expires=expires)
    except OperationalError as error:
        if not is_busy(error) or connections[alias].in_atomic_block:
            raise
        return
    entity_set.refreshed, entity_set.expires = refreshed, expires


# Access


def _wire_id(text: str) -> str | None:
    """The ID that ``text`` stands for, dashes and lower case allowed, or None."""
    text = text.replace("-", "").upper()
    return text if _ID.match(text) else None


def _not_found(set_id: str) -> RestError:
    return RestError(ENTITY_SET_NOT_FOUND(id=set_id))


def _check_usable(caller: Caller, dataclass: DataClass, found: EntitySet, set_id: str) -> None:
    """Raise unless ``found`` is there, for ``caller`` to use, and of ``dataclass``.

    Only its user may use a user's set; anybody who knows the ID may use a guest's. 1803, a set of
    another dataclass, is raised only for callers who may know of that dataclass.
    """
    if found.expires <= timezone.now() or found.owner_id not in (None, caller.owner):
        raise _not_found(set_id)
    if (found.model, found.dataclass) == (dataclass.model._meta.label_lower, dataclass.name):
        return
    other = registry.get(found.dataclass)
    if other is None or other.model._meta.label_lower != found.model:
        raise _not_found(set_id)
    if not caller.knows(other):
        raise _not_found(set_id)
    raise RestError(ENTITY_SET_OF_ANOTHER(id=set_id, dataclass=dataclass.name))


def _aliases() -> set[str]:
    """The databases that sets are on."""
    return {exposed.write_alias() for exposed in registry}


def _missing(caller: Caller, dataclass: DataClass, wire_id: str, set_id: str) -> RestError:
    """What to raise for a set that is not on the database of ``dataclass``."""
    for alias in sorted(_aliases() - {dataclass.write_alias()}):
        found = EntitySet.objects.using(alias).filter(pk=wire_id).first()
        if found is not None:
            _check_usable(caller, dataclass, found, set_id)
    return _not_found(set_id)


def find(caller: Caller, dataclass: DataClass, set_id: str) -> EntitySet:
    """The set of this ID, renewed. One statement, at times one more that renews.

    ``set_id`` comes from the client: any text. Raises ``RestError`` 1802 (404) for an ID that is
    unknown, malformed, expired or of somebody else's set, 1803 (404) for a set of another dataclass
    that the caller may know of.
    """
    return page(caller, dataclass, set_id, 0, 0)[0]


def page(
    caller: Caller, dataclass: DataClass, set_id: str, skip: int, size: int
) -> tuple[EntitySet, list[Any]]:
    """The set of this ID, and the Python keys of ``size`` members from position ``skip`` on, or fewer.

    Reads no more of the set than the chunks of that page. Statements and errors as those of ``find``.
    """
    wire_id, alias = _wire_id(set_id), dataclass.write_alias()
    if wire_id is None:
        raise _not_found(set_id)
    skip = max(0, skip)
    first = skip // CHUNK
    found = EntitySet.objects.using(alias).filter(pk=wire_id)
    rows: list[Any]
    if size > 0:
        chunks = Q(chunks__number__range=(first, (skip + size - 1) // CHUNK))
        found = found.annotate(wanted=FilteredRelation("chunks", condition=chunks))
        rows = list(found.order_by("wanted__number").values_list(*_COLUMNS, "wanted__members"))
    else:
        rows = list(found.values_list(*_COLUMNS))
    if not rows:
        raise _missing(caller, dataclass, wire_id, set_id)
    entity_set = EntitySet.from_db(alias, _COLUMNS, rows[0][: len(_COLUMNS)])
    _check_usable(caller, dataclass, entity_set, set_id)
    _renew(entity_set)
    if size <= 0:
        return entity_set, []
    packed = [key for row in rows if row[-1] is not None for key in orjson.loads(row[-1])]
    start = skip - first * CHUNK
    return entity_set, members.stored_of(entity_set).unpack_all(packed[start : start + size])


def uri(caller: Caller, dataclass: DataClass, entity_set: EntitySet) -> str:
    """Where clients find the set: relative, with the prefix of the mount (D-02)."""
    return caller.prefix + uris.of_set(dataclass.name, entity_set.pk)


# Change


def edit(
    entity_set: EntitySet, *, add: Sequence[Any] | None = None, remove: int | None = None
) -> EntitySet:
    """The set, under the same ID, without the member at position ``remove`` and with the keys ``add``.

    ``$removeFromSet`` and ``$addToSet`` (``server-facts.md`` 11). Members that are there already are not
    added again; the others come last, and the set counts as sorted no longer. Raises ``RestError``
    1802 if the set is gone meanwhile, 1806 for a position outside, 9025 for too many members. Costs
    O(set).
    """
    alias: str = entity_set._state.db or ""
    return with_retry(alias, lambda: _edit(entity_set.pk, alias, add or (), remove))


def _edit(wire_id: str, alias: str, add: Sequence[Any], remove: int | None) -> EntitySet:
    with write_transaction(alias):
        rows = EntitySet.objects.using(alias).select_for_update()
        entity_set = rows.filter(pk=wire_id, expires__gt=timezone.now()).first()
        if entity_set is None:
            raise _not_found(wire_id)
        stored = members.stored_of(entity_set)
        packed = [key for chunk in members.chunks(entity_set) for key in chunk]
        changed = len(packed)  # the position of the first change
        if remove is not None:
            if not 0 <= remove < len(packed):
                raise RestError(
                    BAD_URL(reason=f"{REMOVE_FROM_SET.name} is no position in the entity set")
                )
            del packed[remove]
            changed = remove
        known = frozenset(packed)
        added = [key for key in dict.fromkeys(stored.pack_all(add)) if key not in known]
        packed += added
        first = changed // CHUNK
        texts = members.texts(packed, first)
        kept = EntitySetChunk.objects.using(alias).filter(entity_set=entity_set)
        kept.filter(number__gte=first).delete()
        members.write(entity_set, texts, alias=alias, first=first)
        entity_set.size = len(packed)
        entity_set.is_sorted = entity_set.is_sorted and not added
        entity_set.refreshed, entity_set.expires = _countdown(entity_set.timeout)
        entity_set.save(using=alias)
    return entity_set


# End


def release(caller: Caller, ids: Iterable[Any]) -> None:
    """Remove the sets of these IDs. Malformed and unknown IDs and sets of others are skipped."""
    wire_ids = {found for text in ids if isinstance(text, str) and (found := _wire_id(text))}
    mine = Q(owner=None)
    if caller.owner is not None:
        mine |= Q(owner=caller.owner)
    for alias in sorted(_aliases()) if wire_ids else ():
        _drop(alias, Q(key_in(wire_ids)) & mine)


def sweep() -> int:
    """Remove the expired sets of all databases; returns their number. Safe at any time."""
    now = timezone.now()
    return sum(_drop(alias, Q(expires__lte=now)) for alias in sorted(_aliases()))


def _drop(alias: str, chosen: Q) -> int:
    """Delete sets in transactions of bounded size."""
    rows, count = EntitySet.objects.using(alias).filter(chosen), 0
    for batch in _batches(list(rows.values_list("pk", "size"))):

        def delete(batch: list[str] = batch) -> int:
            with write_transaction(alias):
                # Locked, and looked at again: one of them may have been rebuilt meanwhile.
                locked = rows.filter(pk__in=batch).select_for_update().values_list("pk", flat=True)
                still = list(locked)
                EntitySet.objects.using(alias).filter(pk__in=still).delete()
            return len(still)

        count += with_retry(alias, delete)
    return count


def _batches(sets: list[tuple[str, int]]) -> Iterator[list[str]]:
    batch: list[str] = []
    members = 0
    for wire_id, size in sets:
        if batch and (len(batch) >= _DROPPED_SETS or members + size > _DROPPED_MEMBERS):
            yield batch
            batch, members = [], 0
        batch.append(wire_id)
        members += size
    if batch:
        yield batch
