"""What a client posted for one entity, judged against what is stored (D-06 to D-16, D-42).

Nothing is saved here. ``Judge`` makes of it a ``Change``, the attributes that really change, or refuses
the entity.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any

from fourd_rest.conf import current
from fourd_rest.dataclass import Attribute, DataClass
from fourd_rest.dataclass.attributes import FileAttribute, ToMany, ToOne, Valued
from fourd_rest.dataclass.caller import Caller
from fourd_rest.dataclass.members import own_key
from fourd_rest.dataclass.values import object_from_wire, wire_text
from fourd_rest.errors import (
    ATTRIBUTE_NOT_FOUND,
    ENTITY_NOT_FOUND,
    READ_ONLY,
    WRONG_VALUE,
    ErrorItem,
    RestError,
)
from fourd_rest.read.projection import Entity
from fourd_rest.sql.prepared import Prepared
from fourd_rest.uploads import attach

from .draft import Change
from .refusal import Refusal

_STAMP_TEXT = re.compile(r"-?\d{1,18}\Z", re.ASCII)
# What a new entity gets where the client says nothing, if nobody can tell before: no value equals it.
FILLED: Any = object()
# What read answers and update answers hold beside attributes; clients post it back.
_ECHOED = frozenset({"uri"})
# Stands for a stored value that the client may not view: it equals nothing.
_UNSEEN = object()


def expected_stamp(posted: Mapping[str, Any], *, may_override: bool = False) -> int | None:
    """The stamp that the client holds; None where the check is to be skipped (D-09).

    A missing one skips it if the setting ``STAMP_OPTIONAL`` says so, a negative one if the dataclass
    does (``may_override``).

    Raises ``ValueError`` for what is no stamp at all.
    """
    stamp = posted.get("__STAMP")
    if isinstance(stamp, str) and _STAMP_TEXT.match(stamp.strip()):
        stamp = int(stamp)
    if stamp is None or stamp == "" or (stamp == 0 and not isinstance(stamp, bool)):
        return None if current().STAMP_OPTIONAL else 1
    if isinstance(stamp, Decimal) and stamp.adjusted() < 18 and stamp == stamp.to_integral_value():
        stamp = int(stamp)
    if isinstance(stamp, bool) or not isinstance(stamp, int):
        raise ValueError
    return None if stamp < 0 and may_override else stamp


def posted_key(dataclass: DataClass, posted: Mapping[str, Any]) -> Any:
    """The key of the entity to modify, None for a new one. Raises ``ValueError``."""
    key = posted.get("__KEY")
    return None if key is None or key == "" else dataclass.key_from_wire(key)


class Judge:
    """Turns posted attributes of ``dataclass`` into a ``Change``.

    ``alias`` is the database that will be written; related entities are looked up there.
    """

    def __init__(self, caller: Caller, dataclass: DataClass, alias: str) -> None:
        self.caller = caller
        self.dataclass = dataclass
        self.alias = alias

    def change(self, posted: Mapping[str, Any], stored: Entity | None, key: Any) -> Change:
        """What of ``posted`` differs from ``stored``, the entity as the client reads it.

        ``key`` is None for a new entity; ``stored`` is then what it would be without a word from the
        client. ``stored`` is None for a client that may not view the entity: whatever it posts but the
        key is taken for a change then, or the answer would tell which values are right (D-55).
        Raises ``Refusal`` with one error for every attribute that cannot be taken.
        """
        change = Change()
        errors: list[ErrorItem] = []
        for name, value in posted.items():
            if name.startswith("__"):
                continue
            attribute = self.caller.attribute(self.dataclass, name)
            if attribute is None:
                if name not in _ECHOED:
                    errors.append(ATTRIBUTE_NOT_FOUND(attribute=name, dataclass=self.dataclass.name))
                continue
            try:
                self._take(change, attribute, value, self._stored(stored, attribute, key), key)
            except Refusal as refusal:
                errors.extend(refusal.items)
            except RestError as error:
                errors.extend(error.items)
        if errors:
            raise Refusal(*errors)
        return change

    def _stored(self, stored: Entity | None, attribute: Attribute, key: Any) -> Any:
        """What a read would show of ``attribute``, or ``_UNSEEN``."""
        if stored is not None:
            return stored.get(attribute.name)
        if attribute is not self.dataclass.key_attribute:
            return _UNSEEN
        if isinstance(attribute, ToOne):
            return {"__deferred": {"__KEY": attribute.target.key_to_wire(key)}}
        return attribute.to_wire(key) if isinstance(attribute, Valued) else key

    def _take(self, change: Change, attribute: Attribute, value: Any, stored: Any, key: Any) -> None:
        if isinstance(value, str) and attribute.means_null(value):
            value = None
        if isinstance(attribute, FileAttribute):
            self._take_file(change, attribute, value, stored)
        elif isinstance(attribute, Valued):
            self._take_scalar(change, attribute, value, stored, is_new=key is None)
        elif isinstance(attribute, ToOne):
            self._take_relation(change, attribute, value, stored, key)
        # What a read shows of a to-many relation is an object: ignored (``server-facts.md`` 9).
        elif isinstance(attribute, ToMany) and not isinstance(value, dict):
            self._take_links(change, attribute, value, key, is_seen=stored is not _UNSEEN)

    def _take_scalar(
        self, change: Change, attribute: Valued, value: Any, stored: Any, *, is_new: bool
    ) -> None:
        if type(value) is type(stored):
            if not isinstance(value, (dict, list)):
                if value == stored:
                    return  # the wire texts are equal without looking further
            elif _is_same_object(value, stored):
                return  # whatever a field of the site's own would make of it
        python = self._scalar(attribute, value)
        try:
            is_known = stored is not _UNSEEN and stored is not FILLED
            if is_known and wire_text(attribute.to_wire(python)) == wire_text(stored):
                return
        except Exception as error:
            # A field of the site's own may raise anything for a value that it took a moment ago.
            raise Refusal(self._item(WRONG_VALUE, attribute)) from error
        self._require_free(attribute, is_new=is_new)
        if self.dataclass.aliases:
            self._require_one_value(change, attribute, python)
        change.values[attribute] = python

    def _require_one_value(self, change: Change, attribute: Valued, value: Any) -> None:
        """Refuse two values for one column, one by its own name and one by an alias (as in D-73)."""
        if not attribute.is_stored:
            return
        for other, known in change.values.items():
            if other.own_field is attribute.own_field and known != value:
                raise Refusal(self._item(WRONG_VALUE, attribute))

    def _scalar(self, attribute: Valued, value: Any) -> Any:
        if value is not None:
            try:
                value = attribute.value.from_wire(value)
            except Exception as error:
                raise Refusal(self._item(WRONG_VALUE, attribute)) from error
        field = attribute.own_field
        if value is None and field is not None and not field.null and field.empty_strings_allowed:
            return ""  # D-42
        return value

    def is_fixed(self, attribute: Attribute, *, is_new: bool) -> bool:
        """Whether only the value that is there may be posted (D-11, D-56)."""
        return attribute.read_only or (not is_new and attribute.name in self.dataclass.identity_names)

    def _require_free(self, attribute: Attribute, *, is_new: bool) -> None:
        if self.is_fixed(attribute, is_new=is_new):
            raise Refusal(self._item(READ_ONLY, attribute))

    def _take_relation(
        self, change: Change, attribute: ToOne[DataClass], value: Any, stored: Any, key: Any
    ) -> None:
        target = attribute.target
        is_new = key is None
        linked = self._linked_key(attribute, stored, key)
        if _is_nested(value):
            if linked is None or _wire_key(target, value.get("__KEY")) != linked:
                # Another entity, a new one maybe, would take the place of the one that is linked.
                self._require_free(attribute, is_new=is_new)
            change.nested[attribute] = value
            return
        wanted = self._related_key(attribute, value)
        if wanted is None:
            if stored is None:
                return
            self._require_free(attribute, is_new=is_new)
            change.values[attribute] = None
            return
        try:
            related = target.key_from_wire(wanted)
        except ValueError as error:
            raise Refusal(self._item(WRONG_VALUE, attribute)) from error
        if target.key_to_wire(related) == linked:
            return
        self._require_free(attribute, is_new=is_new)
        change.values[attribute] = self._foreign_key(attribute, related)

    def _linked_key(self, attribute: ToOne[DataClass], stored: Any, key: Any) -> str | None:
        """The key of the entity that ``attribute`` leads to now, as far as the client knows it."""
        if isinstance(stored, dict):
            linked: str = stored["__deferred"]["__KEY"]
            return linked
        model = self.dataclass.model
        if key is None or not attribute.names_key:
            return None
        if attribute.own_field in (model._meta.pk, own_key(model)):
            # Of an entity that he may not see he knows the key all the same: it is this one's own.
            return attribute.target.key_to_wire(key)
        return None

    def _related_key(self, attribute: Attribute, value: Any) -> Any:
        """The key in any of the forms of D-13, None for «no related entity»."""
        if not isinstance(value, dict):
            return value
        if _is_deferred(value):
            value = value["__deferred"]
        if "__KEY" not in value:
            raise Refusal(self._item(WRONG_VALUE, attribute))
        key = value["__KEY"]
        return None if isinstance(key, str) and attribute.means_null(key) else key

    def _take_links(
        self, change: Change, attribute: ToMany[DataClass], value: Any, key: Any, *, is_seen: bool
    ) -> None:
        """Many-to-many: the list of all related keys. Those the caller cannot see stay linked."""
        self._require_writable(attribute)
        target = attribute.target
        if not isinstance(value, list):
            raise Refusal(self._item(WRONG_VALUE, attribute))
        wanted = set()
        for item in value:
            try:
                wanted.add(target.key_from_wire(item.get("__KEY") if isinstance(item, dict) else item))
            except ValueError as error:
                raise Refusal(self._item(WRONG_VALUE, attribute)) from error
        linked = set()
        if key is not None:
            manager = getattr(self.dataclass.model(pk=key), attribute.source)
            linked = set(manager.using(self.alias).values_list("pk", flat=True))
        seen: set[Any] = set()
        if self.caller.views(target):
            entities = target.entities(self.caller.request).using(self.alias).order_by()
            seen = set(entities.filter(pk__in=wanted | linked).values_list("pk", flat=True))
        for unknown in sorted(wanted - seen):
            raise Refusal(ENTITY_NOT_FOUND(key=target.key_to_wire(unknown), dataclass=target.name))
        if wanted != linked & seen or not is_seen:
            change.links[attribute] = wanted | (linked - seen)

    def foreign_key(self, attribute: ToOne[DataClass], key: Any, *, is_made: bool = False) -> Any:
        """What the foreign key column of ``attribute`` gets for the entity of ``key``.

        ``is_made``: the caller has added the entity a moment ago, which he need not be able to view.
        """
        target, column = attribute.target, attribute.referred
        if not is_made or self.caller.views(target):
            return self._foreign_key(attribute, key)
        rows = target.model._base_manager.using(self.alias)
        return target.with_key(rows, key).values_list(column, flat=True).first()

    def _foreign_key(self, attribute: ToOne[DataClass], key: Any) -> Any:
        """What the foreign key column gets. A target the caller cannot see is an unknown one."""
        target, column, request = attribute.target, attribute.referred, self.caller.request
        found: Any = None
        if self.caller.views(target):
            if target.restricts_rows:
                entities = target.with_key(target.entities(request).using(self.alias), key)
                found = entities.order_by().values_list(column).first()
            else:
                found = _every(target, column).get(key, self.alias)
        if found is None or found[0] is None:
            raise Refusal(ENTITY_NOT_FOUND(key=target.key_to_wire(key), dataclass=target.name))
        return found[0]

    def _take_file(self, change: Change, attribute: FileAttribute, value: Any, stored: Any) -> None:
        if _is_deferred(value):
            return
        if value is None:
            if stored is None:
                return
            self._require_writable(attribute)
            change.files[attribute] = None
            return
        if not isinstance(value, dict) or "ID" not in value:
            raise Refusal(self._item(WRONG_VALUE, attribute))
        self._require_writable(attribute)
        change.files[attribute] = attach.find(self.caller, value["ID"], attribute)

    def _require_writable(self, attribute: Attribute) -> None:
        self._require_free(attribute, is_new=True)

    def _item(self, row: Any, attribute: Attribute) -> ErrorItem:
        item: ErrorItem = row(attribute=attribute.name, dataclass=self.dataclass.name)
        return item


@cache
def _every(target: DataClass, column: str) -> Prepared:
    """``column`` of the entities of ``target``, which restricts none."""
    rows = target.model._default_manager.get_queryset()
    return Prepared(target, rows.order_by().values_list(column))


def _is_same_object(value: Any, stored: Any) -> bool:
    try:
        return wire_text(object_from_wire(value)) == wire_text(stored)
    except ValueError:
        return False


def _is_nested(value: Any) -> bool:
    """Whether a related entity was posted with attributes of its own (D-13)."""
    if not isinstance(value, dict) or _is_deferred(value):
        return False
    return any(not name.startswith("__") and name not in _ECHOED for name in value)


def _wire_key(target: DataClass, value: Any) -> str | None:
    """The key that ``value`` is, None if it is none."""
    try:
        return target.key_to_wire(target.key_from_wire(value))
    except ValueError:
        return None


def _is_deferred(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("__deferred"), dict)
