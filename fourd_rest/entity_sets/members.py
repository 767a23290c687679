"""The keys of entity sets: packed in chunks, read back, searched, combined.

A chunk is a JSON array of at most ``CHUNK`` keys. A position gives the number of its chunk, so that the
cost of a page does not depend on the size of the set.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import orjson
from django.apps import apps
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.sql.compiler import SQLCompiler

from fourd_rest.conf import current
from fourd_rest.errors import BAD_LOGIC_OPERATOR, SELECTION_TOO_LARGE, RestError
from fourd_rest.models import EntitySet, EntitySetChunk
from fourd_rest.sql import limits
from fourd_rest.sql.key_membership import Compiled, Membership, Stored, exact, unnested

CHUNK = 1_000
# Characters of chunks that one INSERT carries: databases limit the length of a statement.
_STATEMENT = 2**20
# Chunks that are in memory at once where all are looked through.
_READ = 20


def stored_of(entity_set: EntitySet) -> Stored:
    """How ``entity_set`` holds the keys of its model."""
    return Stored.of(apps.get_model(entity_set.model)._meta.pk)


def pack(stored: Stored, keys: Iterable[Any]) -> tuple[list[str], int]:
    """The texts of the chunks that hold ``keys``, and how many keys those are.

    ``keys`` may be an iterator; only the texts are kept in memory. Raises ``RestError`` 9025 (413)
    beyond ``MAX_ENTITY_SET_SIZE``.
    """
    iterator, packed, size = iter(keys), list[str](), 0
    while chunk := stored.pack_all(islice(iterator, CHUNK)):
        limits.check()
        size += len(chunk)
        _check_size(size)
        packed.append(orjson.dumps(chunk).decode())
    return packed, size


def texts(packed: list[int | str], first: int) -> list[str]:
    """The texts of the chunks from number ``first`` on of all ``packed`` keys. Raises as ``pack``."""
    _check_size(len(packed))
    starts = range(first * CHUNK, len(packed), CHUNK)
    return [orjson.dumps(packed[start : start + CHUNK]).decode() for start in starts]


def _check_size(size: int) -> None:
    limit = current().MAX_ENTITY_SET_SIZE
    if size > limit:
        raise RestError(SELECTION_TOO_LARGE(limit=limit))


def write(entity_set: EntitySet, texts: list[str], *, alias: str, first: int = 0) -> None:
    """Store ``texts`` as the chunks from number ``first`` on. Inside the transaction of the set."""
    batch: list[EntitySetChunk] = []
    length = 0
    for number, text in enumerate(texts, first):
        if batch and length + len(text) > _STATEMENT:
            EntitySetChunk.objects.using(alias).bulk_create(batch)
            batch, length = [], 0
        batch.append(EntitySetChunk(entity_set=entity_set, number=number, members=text))
        length += len(text)
    EntitySetChunk.objects.using(alias).bulk_create(batch)


def chunks(entity_set: EntitySet) -> Iterator[list[Any]]:
    """The packed keys, chunk by chunk."""
    rows = EntitySetChunk.objects.using(entity_set._state.db).filter(entity_set=entity_set)
    for text in rows.order_by("number").values_list("members", flat=True).iterator(_READ):
        yield orjson.loads(text)


def keys(entity_set: EntitySet) -> list[Any]:
    """All keys of the set as Python values, in its order. One statement."""
    stored = stored_of(entity_set)
    return [key for chunk in chunks(entity_set) for key in stored.unpack_all(chunk)]


def position(entity_set: EntitySet, key: Any) -> int:
    """The position of the Python value ``key`` in the set from 0, or -1 (``server-facts.md`` 11)."""
    packed = stored_of(entity_set).pack(key)
    for number, chunk in enumerate(chunks(entity_set)):
        if packed in chunk:
            return number * CHUNK + chunk.index(packed)
    return -1


def combine(first: list[Any], second: list[Any], operator: str) -> list[Any]:
    """``first`` and ``second``, keys of one dataclass, by ``$logicOperator`` in any case.

    ``and`` common members, ``or`` those of the second after the first's, ``except`` the first without
    the second's. The order of the first stays. Raises ``RestError`` 1818 for another operator.
    """
    match operator.lower():
        case "and":
            others = frozenset(second)
            return [key for key in first if key in others]
        case "or":
            others = frozenset(first)
            return [*first, *(key for key in second if key not in others)]
        case "except":
            others = frozenset(second)
            return [key for key in first if key not in others]
    raise RestError(BAD_LOGIC_OPERATOR(operator=operator))


def have_common(first: list[Any], second: list[Any]) -> bool:
    """Whether there is a key in both: what ``$logicOperator=intersect`` asks."""
    return not frozenset(first).isdisjoint(second)


class _MemberOf(Membership):
    """«The key is a member of the set of this ID»; use ``contains``."""

    def as_sql(self, compiler: SQLCompiler, connection: BaseDatabaseWrapper) -> Compiled:
        stored, quote = self.stored, connection.ops.quote_name
        sql, params = compiler.compile(self.lhs)
        options = EntitySetChunk._meta
        column, table = unnested(f"chunk.{quote('members')}", stored, connection)
        members = (
            f"SELECT {column} FROM {quote(options.db_table)} chunk, {table}"  # noqa: S608  (names)
            f" WHERE chunk.{quote('entity_set_id')} = %s"
        )
        return f"{exact(sql, stored, connection)} IN ({members})", (*params, self.rhs)


def contains(entity_set: EntitySet, path: str = "pk") -> Membership:
    """A condition for ``filter`` or ``Q``: the key that ``path`` leads to is a member of the set.

    The database looks the members up, in the statement that it is a part of.
    """
    return _MemberOf(path, entity_set.pk)
