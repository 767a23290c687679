"""``$queryplan`` and ``$querypath``: how a filter is understood and answered (``responses.md`` 13).

The criteria are told in 4D's form, SQL and the database's own plan beside them. One statement answers a
whole filter here, so time and number of entities are known of the whole alone. Who may see this says the
setting ``QUERY_PLANS``; for everybody else the parameters count for nothing, as without a filter.
"""

from __future__ import annotations

import json
import re
from time import perf_counter
from typing import Any, TypeAlias

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from fourd_rest.conf import current
from fourd_rest.dataclass import DataClass
from fourd_rest.dataclass.attributes import Relation
from fourd_rest.dataclass.caller import Caller
from fourd_rest.request import filter_syntax

from .selection import Selection

_Criterion: TypeAlias = filter_syntax.Comparison | filter_syntax.IsTrue

# PostgreSQL shows the conditions of a node on lines of their own, without a cost.
_COST = "(cost="
_LITERAL = re.compile(r"'(?:[^']|'')*'|(?<![\w\".$])-?\d+(?:\.\d+)?(?![\w\"])")


def may_see(caller: Caller) -> bool:
    """Whether the setting ``QUERY_PLANS`` shows plans to ``caller``."""
    user = caller.request.user
    match current().QUERY_PLANS:
        case "everybody":
            return True
        case "staff":
            return bool(getattr(user, "is_staff", False) or getattr(user, "is_superuser", False))
        case "superuser":
            return bool(getattr(user, "is_superuser", False))
    return False


def plan(
    selection: Selection, where: filter_syntax.Node | None, *, plan: bool = False, path: bool = False
) -> dict[str, Any]:
    """What stands first in a collection for ``$queryplan`` (``plan``) and ``$querypath`` (``path``).

    ``where`` is the filter, its placeholders filled in. Nothing without one, nor for who may not see
    it. Each of the two takes one statement.
    """
    if where is None or not may_see(selection.caller):
        return {}
    found: dict[str, Any] = {}
    if path:
        begin = perf_counter()
        count = selection.count()
        milliseconds = round((perf_counter() - begin) * 1000)
        description, *steps = _step(selection.dataclass, where).items()
        known = {"time": milliseconds, "recordsfounds": count}
        found["__queryPath"] = {"steps": [dict([description, *known.items(), *steps])]}
    if plan:
        found["__queryPlan"] = _tree(selection.dataclass, where)
        found["__extendedQueryPlan"] = {
            **_node(selection.dataclass, where),
            **_database_plan(selection.ordered.values("pk")),
        }
    return found


def _database_plan(rows: QuerySet[Any]) -> dict[str, Any]:
    """The statement with a mark for each value, and what the database means to do.

    A value may be part of a rule about rows, which the client must not learn.
    """
    connection = connections[rows.db]
    try:
        sql, _ = rows.query.get_compiler(connection=connection).as_sql()
        lines = rows.explain().splitlines()
    except EmptyResultSet:
        return {"sql": None, "explain": []}  # the database need not be asked
    if connection.vendor == "postgresql":
        lines = [line if _COST in line else _LITERAL.sub("?", line) for line in lines]
    return {"sql": sql, "explain": lines}


# 4D's form


def _tree(dataclass: DataClass, node: filter_syntax.Node) -> dict[str, Any]:
    if isinstance(node, _Criterion):
        return _item(dataclass, node, _names(node))
    name, nodes = _parts(node)
    return {name: [_tree(dataclass, part) for part in nodes]}


def _item(dataclass: DataClass, node: _Criterion, names: list[str]) -> dict[str, Any]:
    join = _join(dataclass, names)
    if join is None:
        return {"item": f"{dataclass.name}.{'.'.join(names)} {_criterion(node)}"}
    target, condition = join
    return {
        "item": f"Join on Table : {target.name}  :  {condition}",
        "subquery": [_item(target, node, names[1:])],
    }


def _step(dataclass: DataClass, node: filter_syntax.Node) -> dict[str, Any]:
    if not isinstance(node, _Criterion):
        name, nodes = _parts(node)
        return {"description": name.upper(), "steps": [_step(dataclass, part) for part in nodes]}
    tree = _tree(dataclass, node)
    step: dict[str, Any] = {"description": tree["item"]}
    if "subquery" in tree:
        step["steps"] = [{"description": item["item"]} for item in tree["subquery"]]
    return step


def _node(dataclass: DataClass, node: filter_syntax.Node) -> dict[str, Any]:
    if isinstance(node, _Criterion):
        return _leaf(dataclass, node, _names(node))
    name, nodes = _parts(node)
    parts = [_node(dataclass, part) for part in nodes]
    return {"type": "LogicOperatorNode", "logicOper": name, "parts": parts}


def _leaf(dataclass: DataClass, node: _Criterion, names: list[str]) -> dict[str, Any]:
    join = _join(dataclass, names)
    if join is not None:
        target, condition = join
        return {
            "type": "JoinNode",
            "targetTable": target.name,
            "joinPath": condition,
            "filter": _leaf(target, node, names[1:]),
        }
    operator, _, value = _criterion(node).partition(" ")
    return {
        "type": "SeqNode",
        "table": dataclass.name,
        "field": ".".join(names),
        "oper": operator,
        "value": value,
    }


def _parts(
    node: filter_syntax.And | filter_syntax.Or | filter_syntax.Not | filter_syntax.Except,
) -> tuple[str, tuple[filter_syntax.Node, ...]]:
    match node:
        case filter_syntax.And():
            return "And", node.nodes
        case filter_syntax.Or():
            return "Or", node.nodes
        case filter_syntax.Not():
            return "Not", (node.node,)
        case filter_syntax.Except():
            return "Except", (node.node, node.without)


def _names(node: _Criterion) -> list[str]:
    if isinstance(node.path, filter_syntax.Path):
        return [str(filter_syntax.Path((step,))) for step in node.path.steps]
    return [f":{node.path.name}"]


def _join(dataclass: DataClass, names: list[str]) -> tuple[DataClass, str] | None:
    """The dataclass to which the first of ``names`` leads if more follow, and by what it is joined."""
    name = names[0].partition("{")[0]
    attribute = dataclass.attributes.get(name)
    if len(names) < 2 or not isinstance(attribute, Relation):
        return None
    target = attribute.target
    key = target.key_attribute.name if target.key_attribute is not None else "__KEY"
    return target, f"{dataclass.name}.{name} = {target.name}.{key}"


def _criterion(node: _Criterion) -> str:
    if isinstance(node, filter_syntax.IsTrue):
        return "= true"
    return f"{node.comparator.value} {_value(node.operand)}"


def _value(operand: filter_syntax.Operand) -> str:
    match operand:
        case filter_syntax.Bare() | filter_syntax.Text():
            return operand.text
        case filter_syntax.Constant():
            return json.dumps(operand.value)
        case filter_syntax.Items():
            return f"[{', '.join(map(_value, operand.items))}]"
        case filter_syntax.Given(value=str(text)):
            return text
        case filter_syntax.Given():
            return json.dumps(operand.value, ensure_ascii=False, default=str)
    return f":{operand.name}"
