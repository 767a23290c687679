"""Addresses for the fuzzer: pieces of the grammar put together, then broken at random places.

Every address comes from a number alone. Names that no client may know stand in it as ``MARK``, for
which the test puts a name that exists and one that does not.
"""

from __future__ import annotations

import random
from urllib.parse import quote

from .datasets import SCHEMA
from .spelling import CONNECTORS, OPERATORS

MARK = "qzqzqzqz"
# Where the test puts the ID of an entity set of employees that is there.
SET_ID = "5E7" + "0" * 29


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


OTHER_NAMES = {
    "Account": ("id", "name", "owner"),
    "User": ("id", "username", "account_set"),
    "Employee": ("photo", "cv"),
}
NAMES_OF = {
    name: (*SCHEMA.kinds.get(name, ()), *OTHER_NAMES.get(name, ()))
    for name in ("Employee", "Company", "Everything", "Animal", "Keeper", "Account", "User")
}
CLASSES = (*NAMES_OF, "Account", "User")
OTHER_HEADS = ("Invoices", "Place", "Passport", "Nowhere", "", "employee", "__DeletedRecords")
HEADS = (*(CLASSES * 6), *OTHER_HEADS)
RESOURCES = _words("$catalog $catalog/$all $info $info/entitySet $directory/currentUser $nothing")
NAMES = _words("pk objects __KEY _state owner_id name__contains delete full_name * ID.id")
TAILS = (
    *_words("name ID id score tags[].name tags[a].level length salary employer.name username"),
    *_words("owner.username account_set.name staff.salary keepers{2}.name deep.name"),
    *("manager." * 6 + "ID", "employer.manager." * 6 + "ID"),
    *(MARK, f"owner.{MARK}", f"account_set.{MARK}", f"account_set{{2}}.{MARK}", f"{MARK}__startswith"),
)
VALUES = (
    *_words("1 0 -7 12.5 1e400 99999999999999999999 true false null dune dune@ @ @@ 2!1!2024"),
    *_words("2024-01-02 !!2024-01-02!! 2024-01-02T03:04:05Z 00:00:01 :1 :2 :name :extra.name :129"),
    *("'Été'", '"a@b"', "'it''s'", r"'a\'b'", r"\u0027x\u0027", "0" * 32, "", "Lima West", "é\u0301"),
    *("[1,2]", "['a',\"b\"]", "[]", "[null]", "PLANTED@", "'@PLANTED@'", "x or (" + "(" * 40),
)
PARAMS = (
    *('["dune@",10]', "[[1,2,3]]", "{name:'x'}", '{"name":"dune","extra":{"name":1}}', "[null]", "["),
    *('["employer.name"]', f'["{MARK}"]', '[{"a":1}]', "[1e999]", '["\\ud800"]', "[true,2024]", "{}"),
)
ACTIONS = _words("sum average min max count $all all median")
METHODS = _words("entityset subentityset release update validate delete refresh none")
NUMBERS = ("0", "1", "5", "-1", "100000", "9" * 19, "x", "", "1.5")
FLAGS = ("true", "false", "1", "TRUE", "")
KEYS = _words(
    "(201) [201] ('201') (\"1\") (201,202) () (abc) (1&2) (-1) (1) (101) (99999999999999999999)"
)
KEYWORDS = _words(
    "$attributes $attributes $expand $compute $compute $distinct $top $skip $limit $params $params"
    " $method $savedfilter $savedorderby $asArray $format $queryplan $querypath $timeout $logicOperator"
    " $otherCollection $clean $findKey $addToSet $removeFromSet $subOrderby $imageformat $unknown"
    " $binary $version $metadata $refresh $lock filter"
)
NOISE = (
    *"'\"()[]{}.,;:@%&=<>!#|^\\/?+*$- \t\n0aZ_~`",
    *("%00", "%27", "%22", "%2", "%zz", "%ff", "%F0%9F%98%80", "é", "\u0301", "😀", "\u202e"),
    *("\ud83d", "\x00", "and", " or ", "not(", "except ", " order by ", "eval(1)", "in ", "''", '""'),
    *("null", "{1}", "[a]", ":1", "((((((((", "))))", "@@@@", "&&", "$filter=", "/$entityset/", "../"),
    *("//", "a" * 300, MARK, "__"),
)


class Addresses:
    """Addresses from a seed, one after the other."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._pick = self._random.choice
        self._class = "Employee"

    def __iter__(self) -> Addresses:
        return self

    def __next__(self) -> str:
        path = self._path()
        text = path + self._query(path)
        for _ in range(self._pick((0, 0, 0, 1, 1, 2, 3))):
            text = self._broken(text)
        # What no HTTP server lets through never gets here.
        return "".join(char if " " < char < "\x7f" else quote(char, errors="replace") for char in text)

    def _chance(self, percent: int) -> bool:
        return self._random.random() * 100 < percent

    def filter(self, depth: int = 3) -> str:
        """A filter, broken in one of three cases."""
        text = self._expression(depth)
        if self._chance(15):
            text += f" order by {self._order()}"
        return self._broken(text) if self._chance(33) else text

    # Pieces

    def _name(self) -> str:
        if self._chance(12):
            return MARK
        return self._pick(NAMES_OF[self._class]) if self._chance(90) else self._pick(NAMES)

    def _dotted(self) -> str:
        return f"{self._name()}.{self._pick(TAILS)}" if self._chance(25) else self._name()

    def _expression(self, depth: int) -> str:
        if depth == 0 or self._chance(50):
            return self._criterion()
        draw = self._pick(("joined", "joined", "joined", "not", "group"))
        if draw == "not":
            return f"{self._pick(('not', '!', 'NOT '))}({self._expression(depth - 1)})"
        if draw == "group":
            return f"({self._expression(depth - 1)})"
        connector = self._pick([item for items in CONNECTORS.values() for item in items])
        return f"{self._expression(depth - 1)} {connector} {self._expression(depth - 1)}"

    def _criterion(self) -> str:
        if self._chance(8):
            return self._pick((self._dotted(), ":1", f"eval({self._name()})"))
        operator = self._pick(
            [item for items in OPERATORS.values() for item in items] + ["=%", "~", "<>"]
        )
        space = " " if operator[0].isalpha() or self._chance(50) else ""
        left = ":1" if self._chance(4) else self._dotted()
        return f"{left}{space}{operator}{space}{self._pick(VALUES)}"

    def _order(self) -> str:
        items = [f"{self._dotted()} {self._pick(('', 'asc', 'DESC', 'down'))}" for _ in range(2)]
        return self._pick((",", ", ")).join(items[: self._pick((1, 1, 2))]).strip()

    def _list(self) -> str:
        return ",".join(self._dotted() for _ in range(self._pick((1, 1, 2, 3))))

    def _path(self) -> str:
        if self._chance(6):
            return self._pick(RESOURCES)
        path = self._pick(HEADS)
        self._class = path if path in NAMES_OF else self._pick(CLASSES)
        if self._chance(30):
            path += self._pick(KEYS)
        elif self._chance(6):
            path += f":{self._name()}({self._pick(('Dune', '201', 'PLANTED', ''))})"
        if self._chance(35):
            path += f"/{self._list()}"
        if self._chance(10):
            path += f"/$entityset/{self._pick((SET_ID, SET_ID, SET_ID, '0' * 32, 'x', '$none', ''))}"
        return path

    def _query(self, path: str) -> str:
        parts = [self._param() for _ in range(self._pick((0, 1, 1, 2, 2, 3)))]
        if SET_ID in path and self._chance(40):
            parts += (f"{name}={self._value(name)}" for name in ("$logicOperator", "$otherCollection"))
        return f"?{'&'.join(parts)}" if parts else ""

    def _param(self) -> str:
        name = self._pick(("$filter",) * 6 + ("$orderby",) * 3 + KEYWORDS)
        value = self._value(name)
        if self._chance(40) and '"' not in value:
            return f'{name}="{value}"'
        return f"{name}={quote(value, safe='@:,()[]', errors='replace')}"

    def _value(self, name: str) -> str:
        if name in ("$filter", "$savedfilter", "filter"):
            return self._expression(3) + (f" order by {self._order()}" if self._chance(15) else "")
        if name in ("$orderby", "$savedorderby", "$subOrderby"):
            return self._order()
        if name in ("$attributes", "$expand"):
            return self._list()
        choices = {
            "$params": PARAMS,
            "$compute": ACTIONS,
            "$method": METHODS,
            "$format": ("json", "looker", "xml"),
            "$logicOperator": ("AND", "or", "INTERSECT", "except", "xor", ""),
            "$otherCollection": (SET_ID, "0" * 32, "Employee", ""),
            "$addToSet": ("[201]", "[", "201"),
        }
        if name in ("$top", "$skip", "$limit", "$timeout", "$removeFromSet", "$findKey", "$version"):
            return self._pick(NUMBERS)
        return self._pick(choices.get(name, FLAGS))

    def _broken(self, text: str) -> str:
        # Seldom within the path, which is short: most of what is to be tried comes after it.
        start = 0 if self._chance(25) else text.find("?") + 1
        at, end = sorted(self._random.randint(start, len(text)) for _ in range(2))
        kind = self._pick(("insert", "insert", "insert", "cut", "drop", "repeat", "move"))
        if kind == "insert":
            return text[:at] + self._pick(NOISE) + text[at:]
        if kind == "cut":
            return text[:at]
        if kind == "drop":
            return text[:at] + text[at + 1 :]
        if kind == "repeat":
            return text[:end] + text[at:end] * self._pick((1, 2, 20)) + text[end:]
        return text[end:] + text[at:end] + text[:at]
