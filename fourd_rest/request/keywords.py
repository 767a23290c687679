"""Every ``$keyword`` that a request may have, once, and what follows from the table.

The table says which requests a keyword is for, how its text is read, and whether a read with it changes
what the server keeps (D-26). ``values`` reads the keywords of one kind of request; the errors about
keywords and the values of ``$method`` are here too (``requests.md`` 6.1 and 6.3, ``server-facts.md`` 2).
Names count in any case of letters: ``params`` below are those of an ``Address``, in lower case.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum, Flag, auto
from functools import cache
from typing import Any, Generic, TypeAlias, TypeVar

import orjson

from fourd_rest.errors import (
    BAD_URL,
    METHOD_NOT_APPLICABLE,
    NOT_SUPPORTED,
    UNKNOWN_KEYWORD,
    UNKNOWN_METHOD,
    UNSUPPORTED_FORMAT,
    RestError,
)

T = TypeVar("T")

Params: TypeAlias = Mapping[str, str]

# Words of paths and values.
ALL = "$all"
UPLOAD_PATH = "$upload"
INFO_PATH = "$info"
FORMATS = ("json", "looker")

_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


class Kind(Flag):
    """What a request is. A read may be of several kinds at once."""

    PAGE = auto()
    FIGURES = auto()
    VALUES = auto()
    SET = auto()
    POSITION = auto()
    NEW_SET = auto()
    RELATED = auto()
    ENTITY = auto()
    BYTES = auto()
    UPDATE = auto()
    DELETE = auto()
    UPLOAD = auto()
    CATALOG = auto()


NO_KIND = Kind(0)
COLLECTION = Kind.PAGE | Kind.FIGURES | Kind.VALUES
SLICE = Kind.PAGE | Kind.VALUES
ENTITIES = Kind.PAGE | Kind.ENTITY


class Changes(Enum):
    """Whether a read changes what the server keeps, so that pages of other sites may not ask for it."""

    NOTHING = "nothing"
    ALWAYS = "always"
    WITH_SET = "on an entity set"


class Support(Enum):
    """What becomes of a keyword in reads; writes refuse whatever they do not know."""

    YES = "yes"
    # It would answer something else than was asked.
    REFUSED = "refused"
    IGNORED = "ignored"


# How texts are read.


@dataclass(frozen=True, slots=True)
class Type(Generic[T]):
    """The type of a keyword. ``read`` makes a value of keyword and text, ``default`` stands for none.

    Without ``read`` the text is a language of its own, which the makers of requests read.
    """

    word: str
    default: T
    read: Callable[[Keyword[T], str], T] | None = None


def _whole(keyword: Keyword[int | None], text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise RestError(BAD_URL(reason=f"{keyword.name} is not a whole number"))
    return int(text)


def _format(keyword: Keyword[str], text: str) -> str:
    return output_format(text)


def output_format(text: str) -> str:
    """The format that ``$format`` names, in any case; ``json`` for an empty text.

    Raises ``RestError`` 1801 (400) for any other, XML and ADO.NET included.
    """
    name = text.lower() or "json"
    if name not in FORMATS:
        raise RestError(UNSUPPORTED_FORMAT(format=text))
    return name


def _keys(keyword: Keyword[list[Any] | None], text: str) -> list[Any]:
    """A JSON array, or keys with commas between them."""
    try:
        listed = orjson.loads(text)
    except ValueError:
        return [key.strip() for key in text.split(",") if key.strip()]
    return listed if isinstance(listed, list) else [listed]


# What is neither true nor false counts as absent: see ``check_flags``.
FLAG: Type[bool] = Type("flag", False, lambda keyword, text: _TRUTHS.get(text.strip().lower()) is True)
INTEGER: Type[int | None] = Type("integer", None, _whole)
TEXT: Type[str | None] = Type("text", None, lambda keyword, text: text)
FORMAT: Type[str] = Type(", ".join(f"`{name}`" for name in FORMATS), FORMATS[0], _format)
KEYS: Type[list[Any] | None] = Type("keys", None, _keys)
QUERY: Type[None] = Type("query", None)
ORDER: Type[None] = Type("order list", None)
JSON: Type[None] = Type("JSON", None)
NAMES: Type[None] = Type("attribute list", None)
WORD: Type[None] = Type("word", None)


@dataclass(frozen=True, slots=True, eq=False)
class Keyword(Generic[T]):
    """One ``$keyword``.

    ``name`` is its usual spelling, ``key`` what stands in ``params``. ``kinds`` are the requests that it
    is for, and ``purpose`` says in one line what for. ``is_harmless``: it makes no difference to a
    write, and clients send it all the same. ``aliases`` are other names for it, in lower case.
    """

    name: str
    type: Type[T]
    kinds: Kind
    purpose: str
    changes: Changes = Changes.NOTHING
    support: Support = Support.YES
    is_harmless: bool = False
    aliases: tuple[str, ...] = ()
    key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "key", self.name.lower())

    def of(self, params: Params) -> T:
        """The value in ``params``, the type's default where there is none. Raises as ``values``."""
        text = params.get(self.key)
        if text is None or self.type.read is None:
            return self.type.default
        return self.type.read(self, text)


# Which entities, and in which order.
FILTER = Keyword("$filter", QUERY, COLLECTION | Kind.DELETE, "which entities", aliases=("filter",))
PARAMS = Keyword("$params", JSON, COLLECTION | Kind.DELETE, "values for the placeholders of a query")
ORDER_BY = Keyword("$orderby", ORDER, COLLECTION, "in which order")
SUB_ORDER_BY = Keyword("$subOrderby", ORDER, Kind.RELATED, "in which order, where `$orderby` says none")
SAVED_FILTER = Keyword(
    "$savedfilter",
    QUERY,
    Kind.SET | Kind.DELETE,
    "makes a set anew that is gone: which entities",
    changes=Changes.WITH_SET,
)
SAVED_ORDER_BY = Keyword(
    "$savedorderby",
    ORDER,
    Kind.SET | Kind.DELETE,
    "makes a set anew that is gone: in which order",
    changes=Changes.WITH_SET,
)
LOGIC_OPERATOR = Keyword("$logicOperator", TEXT, Kind.SET, "joins the set with another one")
OTHER_COLLECTION = Keyword("$otherCollection", TEXT, Kind.SET, "the other set: its ID or address")
CLEAN = Keyword("$clean", FLAG, Kind.SET, "leaves out members that are gone")

# How much of them is shown, and how.
TOP = Keyword("$top", INTEGER, SLICE, "size of the page", aliases=("$limit",))
SKIP = Keyword("$skip", INTEGER, SLICE, "how many come before the page")
ATTRIBUTES = Keyword("$attributes", NAMES, ENTITIES, "which attributes; a list in the path wins")
EXPAND = Keyword(
    "$expand",
    NAMES,
    ENTITIES | Kind.RELATED | Kind.UPDATE,
    "which relations are shown as entities",
)
SUB_EXPAND = Keyword("$subExpand", NAMES, Kind.RELATED, "the same, within the related entities")
OUTPUT_FORMAT = Keyword("$format", FORMAT, Kind.PAGE, "the form of the answer", is_harmless=True)
AS_ARRAY = Keyword("$asArray", FLAG, Kind.PAGE, "a bare array of flat entities", is_harmless=True)
QUERY_PLAN = Keyword("$queryplan", FLAG, Kind.PAGE, "tells how the query is understood")
QUERY_PATH = Keyword("$querypath", FLAG, Kind.PAGE, "tells how the query was answered")

# What is asked of them instead.
COMPUTE = Keyword("$compute", TEXT, Kind.FIGURES, "a figure of an attribute")
DISTINCT = Keyword("$distinct", FLAG, Kind.VALUES, "the different values of an attribute")
FIND_KEY = Keyword("$findKey", TEXT, Kind.POSITION, "the position of a key in the set")

# What is done.
METHOD = Keyword(
    "$method", WORD, COLLECTION | Kind.SET | Kind.RELATED | Kind.UPDATE | Kind.DELETE, "what is done"
)
TIMEOUT = Keyword("$timeout", INTEGER, Kind.NEW_SET | Kind.UPLOAD, "seconds that it is kept")
ADD_TO_SET = Keyword("$addToSet", KEYS, Kind.SET, "adds members", changes=Changes.ALWAYS)
REMOVE_FROM_SET = Keyword(
    "$removeFromSet", INTEGER, Kind.SET, "takes out the member at a position", changes=Changes.ALWAYS
)
ATOMIC = Keyword("$atomic", FLAG, Kind.UPDATE | Kind.DELETE, "all or none")
AT_ONCE = Keyword("$atonce", FLAG, Kind.UPDATE | Kind.DELETE, "the same as `$atomic`")
REFRESH = Keyword("$refresh", FLAG, Kind.UPDATE, "shows what would be saved, and saves nothing")

# Files.
IMAGE_FORMAT = Keyword(
    "$imageformat", TEXT, Kind.BYTES, "the bytes of the image, in this format", is_harmless=True
)
SIZE = Keyword("$size", TEXT, Kind.BYTES, "the bytes of the image, within this box: `WxH`")
BINARY = Keyword("$binary", FLAG, Kind.BYTES | Kind.UPLOAD, "the bytes of the BLOB; a file of any type")
RAW_PICT = Keyword("$rawPict", TEXT, Kind.UPLOAD, "the file is a picture: `true` or a MIME type")

# Others.
METADATA = Keyword("$metadata", TEXT, Kind.CATALOG, "`full` for all that is known of a dataclass")
VERSION = Keyword(
    "$version",
    TEXT,
    NO_KIND,
    "selects nothing: it is there for browsers' caches",
    support=Support.IGNORED,
    is_harmless=True,
)
LOCK = Keyword("$lock", FLAG, NO_KIND, "locks an entity", support=Support.REFUSED)
EXTENDED_ATTRIBUTES = Keyword(
    "$extendedAttributes", FLAG, NO_KIND, "a read by POST", support=Support.REFUSED
)
EM_METHOD = Keyword("$emMethod", TEXT, NO_KIND, "calls a function", support=Support.REFUSED)
REMOVE_REF_ONLY = Keyword(
    "$removeRefOnly", FLAG, NO_KIND, "of old servers alone", support=Support.IGNORED
)

KEYWORDS: tuple[Keyword[Any], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Keyword)
)
ALIASES: Mapping[str, str] = {alias: keyword.key for keyword in KEYWORDS for alias in keyword.aliases}
# Lists of names, in which quotes around a name mean nothing.
LISTS = frozenset(keyword.key for keyword in KEYWORDS if keyword.type is NAMES)

_FLAGS = frozenset(keyword.key for keyword in KEYWORDS if keyword.type is FLAG)
_REFUSED = frozenset(keyword.key for keyword in KEYWORDS if keyword.support is Support.REFUSED)
_CHANGING = frozenset(keyword.key for keyword in KEYWORDS if keyword.changes is Changes.ALWAYS)
_CHANGING_SETS = frozenset(keyword.key for keyword in KEYWORDS if keyword.changes is Changes.WITH_SET)
# Whether an update is of a file is known later.
_IN_UPDATES = frozenset(
    keyword.key
    for keyword in KEYWORDS
    if keyword.is_harmless or keyword.kinds & (Kind.UPDATE | Kind.UPLOAD)
)
_IN_DELETES = _IN_UPDATES | {keyword.key for keyword in KEYWORDS if keyword.kinds & Kind.DELETE}


@dataclass(frozen=True, slots=True)
class Method:
    """A value of ``$method``. ``changes``: as a read it changes what the server keeps (D-26)."""

    name: str
    purpose: str
    writes: bool = False
    changes: bool = False
    is_supported: bool = True


METHODS: Mapping[str, Method] = {
    method.name: method
    for method in (
        Method("entityset", "keeps the selection as an entity set", changes=True),
        Method("subentityset", "keeps related entities as an entity set", changes=True),
        Method("release", "ends an entity set", changes=True),
        Method("update", "creates and updates", writes=True),
        Method("validate", "says what an update would be refused for", writes=True),
        Method("delete", "deletes", writes=True),
        Method("insert", "of old servers alone", writes=True, is_supported=False),
        Method("refresh", "of old servers alone", is_supported=False),
        Method("retrieve", "of old servers alone", is_supported=False),
        Method("flush", "of old servers alone", is_supported=False),
    )
}


def values(params: Params, kinds: Kind) -> dict[str, Any]:
    """What ``params`` say to a request of these kinds, by ``key``; other keywords count for nothing.

    Raises ``RestError`` 1806 for a number that is none, 1801 for a format that does not exist.
    """
    if not params:
        return {}
    return {keyword.key: keyword.of(params) for keyword in _read_for(kinds) if keyword.key in params}


@cache
def _read_for(kinds: Kind) -> tuple[Keyword[Any], ...]:
    return tuple(
        keyword for keyword in KEYWORDS if keyword.type.read is not None and keyword.kinds & kinds
    )


def check_flags(params: Params) -> None:
    """Raise ``RestError`` 1806 for a flag that is neither true nor false.

    In a write it must not count as absent: ``$refresh=yes`` would save (D-46).
    """
    for key in params.keys() & _FLAGS:
        if params[key].strip().lower() not in _TRUTHS:
            raise RestError(BAD_URL(reason=f"{key} is neither true nor false"))


def method_of(params: Params) -> str:
    """The method that is asked for, in lower case, ``""`` for none. Raises ``RestError`` 1812."""
    method = params.get(METHOD.key, "").lower()
    if method and method not in METHODS:
        raise RestError(UNKNOWN_METHOD(method=method))
    return method


def check_read(params: Params, method: str) -> None:
    """Refuse what a read does not do.

    Raises ``RestError`` 1813 for a ``method`` that writes, 9014 (501) for a method or a keyword that is
    not there.
    """
    known = METHODS.get(method)
    if known is not None and known.writes:
        raise RestError(METHOD_NOT_APPLICABLE(method=method))
    if known is not None and not known.is_supported:
        raise _no_method(method)
    for key in sorted(_REFUSED & params.keys()):
        raise RestError(NOT_SUPPORTED(feature=f"{key} in a read"))


def changes(params: Params, method: str) -> Changes:
    """Whether a read with these keywords changes what the server keeps (D-26)."""
    if (method and METHODS[method].changes) or not _CHANGING.isdisjoint(params):
        return Changes.ALWAYS
    return Changes.NOTHING if _CHANGING_SETS.isdisjoint(params) else Changes.WITH_SET


def check_write(params: Params, method: str) -> None:
    """Refuse what a write does not know: it may change its meaning (D-28).

    Raises ``RestError`` 1811 for an unknown keyword, 9014 (501) for one that is not there, 1806 in a
    filtered delete for what may be the other half of ``a = 1 & b = 2``.
    """
    known = _IN_DELETES if method == "delete" else _IN_UPDATES
    is_filtered = method == "delete" and FILTER.key in params
    for key in params:
        if is_filtered and not key.startswith("$"):
            raise RestError(BAD_URL(reason="a parameter beside a filter begins without $"))
        if key.startswith("$") and key not in known:
            if key in _REFUSED:
                raise RestError(NOT_SUPPORTED(feature=f"{key} in a write"))
            raise RestError(UNKNOWN_KEYWORD(keyword=key))


def check_written(method: str) -> None:
    """Raise ``RestError`` 9014 (501) or 1813 for a method that is no write."""
    if not METHODS[method].is_supported:
        raise _no_method(method)
    if not METHODS[method].writes:
        raise RestError(METHOD_NOT_APPLICABLE(method=method))


def _no_method(method: str) -> RestError:
    return RestError(NOT_SUPPORTED(feature=f"{METHOD.name}={method}"))
