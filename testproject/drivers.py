"""The driver for MariaDB: mysqlclient where it is installed, else PyMySQL, which needs no compiler."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any


def use_mysql_driver() -> None:
    """Have Django find a driver. Without either it says itself which one it misses."""
    if find_spec("MySQLdb") or not find_spec("pymysql"):
        return
    pymysql: Any = import_module("pymysql")
    # Django asks for a version of mysqlclient, whose interface PyMySQL has.
    pymysql.version_info = (2, 2, 7, "final", 0)
    pymysql.install_as_MySQLdb()
