"""What a read selects beside the row: its stamp, and the time of its last save."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import CharField, DateTimeField, Expression, F, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Replace, Upper
from django.db.models.sql.compiler import SQLCompiler

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.options import KEY_LENGTH
from fourd_rest.models import EntityStamp

# Of a new entity, and of one without a row in the side table (D-32).
FIRST_STAMP = 1
# The last one that the column holds: an entity with it cannot be saved by REST any more.
LAST_STAMP = 2**31 - 1


@dataclass(frozen=True, slots=True)
class StampColumns:
    """What to select to read stamp and time of the last save in the statement that reads the row.

    The time is a ``datetime`` or as D-24 writes it.
    """

    annotations: dict[str, Any]
    stamp: str
    modified: str | None


class _Written(Expression):
    """A moment: on PostgreSQL as D-24 writes it, elsewhere a ``datetime``.

    Django reads each of PostgreSQL's moments in Python, which takes a twentieth of a page of a hundred.
    """

    def __init__(self, moment: Any) -> None:
        super().__init__(output_field=DateTimeField())
        self.moment = moment

    def get_source_expressions(self) -> list[Any]:
        return [self.moment]

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        (self.moment,) = exprs

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **extra: Any
    ) -> tuple[str, Any]:
        sql, params = compiler.compile(self.moment)
        if connection.vendor != "postgresql" or not settings.USE_TZ:
            return sql, params
        return f"to_char({sql} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')", params


def stamp_columns(dataclass: DataClass) -> StampColumns:
    """The columns of ``dataclass``' stamps: of its own rows, or of the side table."""
    if dataclass.stamp_column is not None:
        if dataclass.timestamp_column is None:
            return StampColumns({}, dataclass.stamp_column, None)
        written = {"_fourd_modified": _Written(F(dataclass.timestamp_column))}
        return StampColumns(written, dataclass.stamp_column, "_fourd_modified")
    row = EntityStamp.objects.filter(dataclass=dataclass.stamp_label, key=_key_expression(dataclass))
    return StampColumns(
        {
            "_fourd_stamp": Subquery(row.values("stamp")[:1]),
            "_fourd_modified": _Written(Subquery(row.values("modified")[:1])),
        },
        "_fourd_stamp",
        "_fourd_modified",
    )


def _key_expression(dataclass: DataClass) -> Any:
    """SQL for the key as the side table holds it, equal to ``DataClass.key_to_wire`` in Python."""
    key: Any = OuterRef("pk")
    if dataclass.key_type.name == "string":
        return key
    text = Cast(key, CharField(max_length=KEY_LENGTH))
    if dataclass.key_type.name == "uuid":
        return Upper(Replace(text, Value("-"), Value("")))
    return text
