"""The order of rows, the same on every database: where nulls stand, and the default order (D-18)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Field, OrderBy
from django.db.models.expressions import Col
from django.db.models.sql.constants import LOUTER

from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.querysets import selects


class NullOrder(OrderBy):
    """Nulls first if ascending, last if descending (D-18).

    SQLite and MariaDB do so by themselves. PostgreSQL is told so, but not for a column that is never
    null: the index of the column would not be used.
    """

    def __init__(self, expression: Any, descending: bool = False, **kwargs: Any) -> None:
        super().__init__(
            expression, descending, nulls_first=not descending or None, nulls_last=descending or None
        )

    def as_sql(
        self, compiler: Any, connection: BaseDatabaseWrapper, *args: Any, **extra: Any
    ) -> tuple[str, Any]:
        """Without ``NULLS FIRST`` or ``LAST`` where the database sorts so by itself."""
        if connection.vendor in ("sqlite", "mysql") or _is_never_null(self.expression, compiler.query):
            bare = OrderBy(self.expression, descending=self.descending)
            return bare.as_sql(compiler, connection, *args, **extra)
        return super().as_sql(compiler, connection, *args, **extra)


def null_order(expression: Any, descending: bool = False) -> OrderBy:
    """``expression`` for ``order_by``: an expression or the name of a field."""
    return NullOrder(F(expression) if isinstance(expression, str) else expression, descending)


def _is_never_null(expression: Any, query: Any) -> bool:
    if not isinstance(expression, Col) or not isinstance(expression.target, Field):
        return False
    table = query.alias_map.get(expression.alias)
    return (
        table is not None and not expression.target.null and getattr(table, "join_type", None) != LOUTER
    )


@lru_cache(maxsize=500)
def default_order(dataclass: DataClass) -> tuple[Any, ...]:
    """The order of a collection that no client sorted: the dataclass' own, as the database compares."""
    return tuple(_with_nulls(dataclass, item) for item in dataclass.default_order)


def _with_nulls(dataclass: DataClass, item: Any) -> Any:
    if not isinstance(item, str) or item == "?":
        return item
    name = item.removeprefix("-")
    try:
        field: Any = dataclass.model._meta.get_field(name)
    except FieldDoesNotExist:
        return item
    if field.is_relation or not field.null:
        return item
    if dataclass.restricts_rows and not selects(dataclass.model, field):
        return item  # the manager knows what the name stands for
    return null_order(F(name), descending=item.startswith("-"))
