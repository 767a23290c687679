"""What keeps the statements of one connection within the limits of a request (D-59, D-60).

A guard is an execute wrapper of Django's. It is removed from the connection when the request ends, and
nothing that it sets remains in the session, or in a transaction of the site:

- SQLite: a progress handler ends a statement, ``busy_timeout`` limits its waiting. Both belong to the
  connection and are reset with the guard. A progress handler of the site's own is lost, because it
  cannot be read.
- PostgreSQL: ``set_config`` for one transaction stands before the statement in the same message, which
  is an implicit transaction, or before the first statement of a transaction of ours: 40 µs and no
  round trip. In a transaction of the site's own the former values are read first, and set again at the
  end. No time-out ends the JIT compiler, so it is off.
- MariaDB: ``SET STATEMENT … FOR`` before the statement: 20 µs.

A limit of the site's own that is narrower stays in force.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from .watch import NOTICED, Execute, Watch

# Steps of SQLite's machine between two checks of the time, which take 0.2 µs: some 0.5 ms, or 10 where
# texts are folded in Python. Where values are long a single step takes milliseconds.
_STEPS = 5_000
# Seconds after which a transaction is told anew how much time is left.
_RENEWED = 0.5
# What may stand behind other statements in one message, or behind ``SET STATEMENT``.
_READS = re.compile(r"[\s(]*(?:SELECT|WITH|VALUES|EXPLAIN)\b", re.IGNORECASE)
_WRITES = re.compile(r"\s*(?:INSERT|UPDATE|DELETE|REPLACE)\b", re.IGNORECASE)
_IDLE, _IN_TRANSACTION = 0, 2  # libpq's, in both drivers


class Guard:
    """An execute wrapper for ``connection``. This one, for other databases, changes nothing."""

    def __init__(self, watch: Watch, connection: BaseDatabaseWrapper) -> None:
        self.watch = watch
        self.connection = connection
        # Whether the transaction in which the request runs is somebody else's.
        self.is_foreign = connection.in_atomic_block or not (
            connection.connection is None or connection.autocommit
        )

    def __call__(
        self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Execute the statement as it is."""
        return execute(sql, params, many, context)

    def _look_at(self, sql: Any) -> None:
        """Before a statement of a read: raise ``RestError`` 9026 if no time is left for it.

        Statements that end a transaction are never refused.
        """
        if isinstance(sql, str) and _READS.match(sql):
            self.watch.check_time()

    def renew(self) -> None:
        """Tell the database how much time is left, if that was long ago."""

    def release(self) -> None:
        """Put back what was there before."""

    def _run(self, sql: str) -> list[Any]:
        """The rows of a statement of our own, which no log and no other wrapper sees."""
        with self.connection.wrap_database_errors, self.connection.connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall()) if cursor.description else []


class SQLiteGuard(Guard):
    """Limits computing by a progress handler, waiting by ``busy_timeout``."""

    def __init__(self, watch: Watch, connection: BaseDatabaseWrapper) -> None:
        super().__init__(watch, connection)
        self._raw: Any = None
        # Infinite except during a statement and while the rows of a read are fetched: steps are counted
        # across statements, so that the handler may be called in one of our own, or in a COMMIT.
        self._ends = math.inf
        self._own_wait = self._wait = 0  # milliseconds
        self._waited = -1.0  # what was spent when the waiting was last set

    def __call__(
        self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Execute within the time that is left. Raises ``RestError`` 9026 if none is."""
        watch = self.watch
        is_reading = watch.is_reading
        if is_reading:
            self._look_at(sql)
        if self.connection.connection is not self._raw:
            self._begin(self.connection.connection)
        if watch.waited != self._waited:
            self._waited = watch.waited
            self._set_wait(round(watch.lock_time(self._own_wait / 1000) * 1000))
        begin = monotonic()
        # A statement does not compute while it waits.
        self._ends = begin + (watch.statement_time() if is_reading else watch.time)
        try:
            return execute(sql, params, many, context)
        finally:
            if not is_reading:
                self._ends = math.inf
                if (spent := monotonic() - begin) > NOTICED:
                    watch.spend(spent)

    def _begin(self, raw: Any) -> None:
        self._raw = raw
        self._own_wait = self._wait = raw.execute("PRAGMA busy_timeout").fetchone()[0]
        raw.set_progress_handler(self.is_over, _STEPS)

    def is_over(self) -> bool:
        """Whether the statement must end now; called every ``_STEPS`` steps of SQLite."""
        return monotonic() > self._ends

    def _set_wait(self, wait: int) -> None:
        if wait != self._wait:
            # SQLite counts the steps of a cached statement over all its uses and calls the handler in
            # one of them: the time limit of the previous statement must not end this one.
            self._ends = math.inf
            self._raw.execute(f"PRAGMA busy_timeout = {wait}").fetchone()
            self._wait = wait

    def release(self) -> None:
        """Take the progress handler off, and set ``busy_timeout`` as it was."""
        if self._raw is not None and self.connection.connection is self._raw:
            self._raw.set_progress_handler(None, 0)
            self._set_wait(self._own_wait)


class PostgreSQLGuard(Guard):
    """Sets ``statement_timeout`` and ``lock_timeout`` for one transaction."""

    def __init__(self, watch: Watch, connection: BaseDatabaseWrapper) -> None:
        super().__init__(watch, connection)
        self._told = 0.0  # when a transaction was last told how much time is left
        # What was set in a transaction of somebody else's, by name.
        self._before: list[tuple[str, str]] = []

    def __call__(
        self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Execute with the limits set before. Raises ``RestError`` 9026 if no time is left."""
        if self.watch.is_reading:
            self._look_at(sql)
        if self.is_foreign and not self._before:
            self._enter()
        settings = self._settings(sql)
        if settings and not self._takes_more(sql, many, context["cursor"].cursor):
            if not self.connection.autocommit:
                self._run("; ".join(settings))
            elif _name(context["cursor"].cursor) is None:
                with transaction.atomic(using=self.connection.alias):
                    self._run("; ".join(settings))
                    return self.watch.timed(execute, sql, params, many, context)
            settings = ()
        if settings:
            sql = "; ".join((*settings, sql))
        answer = self.watch.timed(execute, sql, params, many, context)
        if settings and not _is_psycopg2(self.connection):
            # psycopg 3 stands at the first result, psycopg2 at the last one.
            cursor = context["cursor"].cursor
            for _ in settings:
                cursor.nextset()
        return answer

    def _settings(self, sql: Any) -> Sequence[str]:
        """What to set before ``sql``; nothing where it is set already, or not needed."""
        status = self.connection.connection.info.transaction_status
        if status == _IDLE:
            # Either a statement in autocommit, or the first one of a transaction.
            is_needed = not self.connection.autocommit or (
                isinstance(sql, str)
                and (_WRITES.match(sql) or (self.watch.is_reading and _READS.match(sql)))
            )
            return self._limits() if is_needed else ()
        if status == _IN_TRANSACTION and monotonic() - self._told > _RENEWED:
            return self._limits()
        return ()

    def _limits(self) -> Sequence[str]:
        limits = {"statement_timeout": self.watch.statement_time()}
        if not (self.connection.autocommit and self.watch.is_reading):
            limits["lock_timeout"] = self.watch.lock_time()
        self._told = monotonic()
        narrower = dict(self._before)
        settings = [
            _narrowed(name, seconds, repr(narrower[name]) if narrower else f"current_setting('{name}')")
            for name, seconds in limits.items()
        ]
        return (f"SELECT {', '.join(settings)}, set_config('jit', 'off', true)",)

    def _takes_more(self, sql: Any, many: bool, cursor: Any) -> bool:
        """Whether other statements may stand in the message of ``sql``."""
        if many or not isinstance(sql, str) or _name(cursor) is not None:
            return False
        return not self.connection.settings_dict["OPTIONS"].get("server_side_binding")

    def _enter(self) -> None:
        """Begin to set limits in a transaction of somebody else's."""
        if self.connection.needs_rollback:
            return
        names = ("statement_timeout", "jit", "lock_timeout")
        values = self._run(f"SELECT {', '.join(f'current_setting({name!r})' for name in names)}")[0]  # noqa: S608
        self._before = list(zip(names, values, strict=True))
        self._run("; ".join(self._limits()))

    def renew(self) -> None:
        """Tell the transaction how much time is left, at most every ``_RENEWED`` seconds."""
        # Fetching more rows from a cursor is a statement that no wrapper sees.
        if self._told and self._is_in_transaction() and monotonic() - self._told > _RENEWED:
            self._run("; ".join(self._limits()))

    def release(self) -> None:
        """Put back what was set in the site's own transaction."""
        # A transaction that fails is rolled back, with what was set in it.
        if self._before and not self.connection.needs_rollback and self._is_in_transaction():
            self._run("; ".join(f"SET LOCAL {name} = '{value}'" for name, value in self._before))

    def _is_in_transaction(self) -> bool:
        raw = self.connection.connection
        return raw is not None and raw.info.transaction_status == _IN_TRANSACTION


class MariaDBGuard(Guard):
    """Puts ``SET STATEMENT`` with the limits ahead of each statement."""

    def __call__(
        self, execute: Execute, sql: Any, params: Any, many: bool, context: dict[str, Any]
    ) -> Any:
        """Execute with the limits in the statement. Raises ``RestError`` 9026 if no time is left."""
        if self.watch.is_reading:
            self._look_at(sql)
        if isinstance(sql, str) and not many:
            locks = _WRITES.match(sql) is not None or " FOR UPDATE" in sql
            if locks or (self.watch.is_reading and _READS.match(sql)):
                sql = f"SET STATEMENT {', '.join(self._limits(locks))} FOR {sql}"
        return self.watch.timed(execute, sql, params, many, context)

    def _limits(self, locks: bool) -> Sequence[str]:
        time = f"{self.watch.statement_time():.3f}"
        own = "@@max_statement_time"
        settings = [f"max_statement_time = IF({own} > 0, LEAST({own}, {time}), {time})"]
        if locks:
            # In whole seconds; 0 means not to wait.
            wait = int(self.watch.lock_time())
            settings.append(f"innodb_lock_wait_timeout = LEAST(@@innodb_lock_wait_timeout, {wait})")
        return settings


_GUARDS: dict[str, type[Guard]] = {
    "sqlite": SQLiteGuard,
    "postgresql": PostgreSQLGuard,
    "mysql": MariaDBGuard,
}


def guard(watch: Watch, connection: BaseDatabaseWrapper) -> Guard:
    """The guard for the database of ``connection``."""
    return _GUARDS.get(connection.vendor, Guard)(watch, connection)


def _narrowed(name: str, seconds: float, known: str) -> str:
    """SQL that sets a time-out of PostgreSQL's to ``seconds``, or to ``known`` where that is less."""
    limit = max(1, round(seconds * 1000))  # 0 would be none at all
    is_less = f"{known}::interval BETWEEN '1us' AND '{limit}ms'"
    return f"set_config('{name}', CASE WHEN {is_less} THEN {known} ELSE '{limit}' END, true)"


def end_if_over(connection: BaseDatabaseWrapper) -> None:
    """End the statement if it takes too long; called by functions that SQLite calls."""
    for each in connection.execute_wrappers:
        if isinstance(each, SQLiteGuard) and each.connection is connection and each.is_over():
            connection.connection.interrupt()


def _name(cursor: Any) -> str | None:
    """The name of a server-side cursor; None for any other."""
    name: str | None = getattr(cursor, "name", None)
    return name


def _is_psycopg2(connection: BaseDatabaseWrapper) -> bool:
    return not hasattr(connection.connection, "pgconn")
