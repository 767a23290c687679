"""The databases that hold what is exposed: their tables, transactions and text comparison."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.db import DEFAULT_DB_ALIAS, OperationalError, connections, router

from fourd_rest import conf
from fourd_rest.dataclass import DataClass, registry
from fourd_rest.models import BlobAttachment, EntityStamp
from fourd_rest.sql.text_folding import compares_as_4d

from .options import option_faults


@register("fourd_rest")
def check_databases(**kwargs: Any) -> list[CheckMessage]:
    """The tables of this app on each database (E017), the lock of SQLite transactions (W005)."""
    found: list[CheckMessage] = []
    aliases = {DEFAULT_DB_ALIAS}
    for dataclass in registry.everything():
        if dataclass.left_out is not None:
            continue
        alias = dataclass.write_alias()
        aliases.add(alias)
        tables = (EntityStamp, BlobAttachment)
        if not all(router.allow_migrate_model(alias, table) for table in tables):
            found.append(
                Error(
                    f"The database {alias!r}, where its rows are, lacks the tables of fourd_rest",
                    hint="Let the database router migrate the app 'fourd_rest' there too.",
                    obj=dataclass.model,
                    id="fourd_rest.E017",
                )
            )
    return [*found, *_deferred_transactions(aliases)]


def _deferred_transactions(aliases: set[str]) -> Iterator[CheckMessage]:
    for alias in sorted(aliases):
        connection = connections[alias]
        mode = connection.settings_dict.get("OPTIONS", {}).get("transaction_mode") or "DEFERRED"
        if connection.vendor == "sqlite" and mode.upper() == "DEFERRED":
            yield Warning(
                f"Transactions of the SQLite database {alias!r} begin without the write lock",
                hint='Set OPTIONS["transaction_mode"] = "IMMEDIATE": otherwise a transaction of the '
                "site that reads first fails when another one has written meanwhile.",
                id="fourd_rest.W005",
            )


@register("fourd_rest", Tags.database)
def check_text_comparison(databases: Sequence[str] | None = None, **kwargs: Any) -> list[CheckMessage]:
    """PostgreSQL databases that cannot fold texts (E027): queries there would miss entities."""
    if any(conf.problems(getattr(django_settings, "FOURD_REST", {}))):
        return []
    if conf.current().TEXT_COMPARISON != "4d":
        return []
    aliases = {
        dataclass.write_alias()
        for dataclass in registry.everything()
        if dataclass.left_out is None and not any(option_faults(dataclass)) and _has_texts(dataclass)
    }
    return [
        Error(
            f"The PostgreSQL database {alias!r} cannot compare texts by 4D's rule: {why}",
            hint="Make it anew with ENCODING 'UTF8' and an LC_CTYPE such as C.UTF-8, or set "
            "FOURD_REST['TEXT_COMPARISON'] = 'database'.",
            id="fourd_rest.E027",
        )
        for alias in sorted(aliases.intersection(databases or ()))
        if (why := _cannot_fold(alias))
    ]


def _has_texts(dataclass: DataClass) -> bool:
    return any(
        attribute.type == "string" and compares_as_4d(dataclass, attribute)
        for attribute in dataclass.own_attributes.values()
    )


def _cannot_fold(alias: str) -> str:
    """Why the database cannot fold texts, or nothing."""
    connection = connections[alias]
    if connection.vendor != "postgresql":
        return ""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT getdatabaseencoding()")
            encoding = cursor.fetchone()[0]
            if encoding != "UTF8":
                return f"its encoding is {encoding}, not UTF8"
            cursor.execute("""SELECT lower('É' COLLATE "default")""")
            if cursor.fetchone()[0] != "é":
                return "its LC_CTYPE knows ASCII letters only (C or POSIX)"
    except OperationalError:
        pass  # a database that is not there is for others to report
    return ""
