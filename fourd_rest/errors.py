"""The table of all errors, and the exception that carries rows of it to the client.

Each row has the 4D code, the component signature, the HTTP status and the message. Codes below 9000
are 4D's own (``responses.md`` 12, ``server-facts.md`` 18, D-33); codes from 9001 with the signature
``djng`` are conditions that only this server has. No status or message text of an error stands
anywhere else.

What a client sent goes back to it, and into a log, through ``printable`` alone; ``logger`` and
``bugs`` are the only loggers of this package.
"""

from __future__ import annotations

import logging
import sys
import traceback
import unicodedata
from dataclasses import dataclass
from typing import Any

# Characters of what a client sent that a message repeats at most, and a line of a log.
_ECHO_LENGTH = 300
_LOGGED_LENGTH = 1_000
# Lines at the head and at the tail of a traceback that a log gets.
_TRACEBACK_END = 200
# For a client that encodes an address as HTML forms do.
NO_BLANK = "+ is no blank here, send %20"


def printable(text: str, length: int = _ECHO_LENGTH) -> str:
    """The first ``length`` characters of ``text`` without what would not stay in its line, or be seen.

    Those are control characters, line and paragraph separators, marks of direction and lone surrogates.
    """
    text = text[:length]
    if text.isprintable():
        return text
    return "".join(map(_or_question_mark, text))


def _or_question_mark(character: str) -> str:
    # Python calls no space printable but the one of ASCII.
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    return "?"


class _OneLine(logging.LoggerAdapter[logging.Logger]):
    """A logger whose records cannot pass for others.

    Whatever is filled in may come from outside: paths, names of files, texts of exceptions. So the
    arguments become ``printable``, as do the lines of a traceback, each of which is indented: the text
    of an exception may have several.
    """

    def log(
        self,
        level: int,
        msg: object,
        *args: object,
        exc_info: Any = None,
        extra: Any = None,
        **kwargs: object,
    ) -> None:
        if not self.isEnabledFor(level):
            return
        if isinstance(exc_info, BaseException):
            exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
        elif exc_info:
            exc_info = sys.exc_info()
        path, line, function, _ = self.logger.findCaller(stacklevel=2)
        texts = tuple(item if isinstance(item, int) else _logged(item) for item in args)
        record = self.logger.makeRecord(
            self.logger.name, level, path, line, msg, texts, exc_info or None, function, extra
        )
        if record.exc_info and record.exc_info[0] is not None:
            record.exc_text = _indented(traceback.format_exception(*record.exc_info))
        self.logger.handle(record)


def _logged(item: object) -> str:
    return printable(str(item), _LOGGED_LENGTH)


def _indented(texts: list[str]) -> str:
    lines = "".join(texts).splitlines()
    if len(lines) > 2 * _TRACEBACK_END:
        lines[_TRACEBACK_END:-_TRACEBACK_END] = ["..."]
    return "\n".join(f"  {_logged(line)}" for line in lines)


logger = _OneLine(logging.getLogger("fourd_rest"))
# Errors of this app or of the site. It mails them, as it does Django's own.
bugs = _OneLine(logging.getLogger("django.request"))


@dataclass(frozen=True, slots=True)
class ErrorRow:
    """One row of the table.

    ``code`` and ``component`` go out as ``errCode`` and ``componentSignature``; ``status`` is the HTTP
    status of an answer that consists of this error; ``message`` is a ``str.format`` template.
    """

    code: int
    status: int
    message: str
    component: str = "dbmg"

    def __call__(self, **params: object) -> ErrorItem:
        """The row with its message filled in; each of ``params`` becomes ``printable``."""
        texts = {name: printable(str(value)) for name, value in params.items()}
        return ErrorItem(self, self.message.format(**texts))


@dataclass(frozen=True, slots=True)
class ErrorItem:
    """One element of ``__ERROR``: a row and its finished message."""

    row: ErrorRow
    message: str

    def as_json(self) -> dict[str, Any]:
        """The element as ``__ERROR`` holds it (``responses.md`` 12.1)."""
        return {
            "message": self.message,
            "componentSignature": self.row.component,
            "errCode": self.row.code,
        }


class RestError(Exception):
    """An answer that consists of ``items``, innermost cause first (``responses.md`` 12.1).

    ``status`` defaults to that of the last item, which is the one that names what failed as a whole.
    ``retry_after`` is in seconds and becomes the ``Retry-After`` header. ``is_validation``: the site's
    own validation has refused it, which ``__STATUS`` tells (D-65).
    """

    def __init__(
        self,
        *items: ErrorItem,
        status: int | None = None,
        retry_after: int | None = None,
        is_validation: bool = False,
    ) -> None:
        super().__init__("; ".join(item.message for item in items))
        self.items = items
        self.status = status or items[-1].row.status
        self.retry_after = retry_after
        self.is_validation = is_validation

    def as_json(self) -> dict[str, Any]:
        """The body of the answer: ``__ERROR``, and ``__STATUS`` where validation refused."""
        told: dict[str, Any] = {"__STATUS": failure(INVALID)} if self.is_validation else {}
        return {**told, "__ERROR": [item.as_json() for item in self.items]}


# ``__STATUS`` of what failed (``responses.md`` 6.2, ``addendum-21r5.md`` 2, D-65).
_STATUS_TEXTS = {
    1: "Permission Error",
    2: "Stamp has changed",
    4: "Other error",
    5: "Entity does not exist anymore",
    7: "Mild Validation Error",
}
PERMISSION, STAMP, OTHER, GONE, INVALID = _STATUS_TEXTS


def failure(status: int) -> dict[str, Any]:
    """``__STATUS`` of an entity that was not saved or not deleted."""
    return {"status": status, "statusText": _STATUS_TEXTS[status], "success": False}


# Saving and deleting entities.
SAVE_FAILED = ErrorRow(1046, 500, "Cannot save record {record} in table {table} of database {database}")
DUPLICATE_KEY = ErrorRow(1115, 500, "Duplicated key")
STAMP_CHANGED = ErrorRow(
    1263, 500, "Given stamp does not match current one for record# {record} of table {table}"
)
WRONG_VALUE = ErrorRow(
    1508,
    500,
    'Wrong value type passed to the "{attribute}" attribute in the "{dataclass}" dataclass',
)
READ_ONLY = ErrorRow(
    1516,
    500,
    'The value of attribute "{attribute}" in the "{dataclass}" dataclass cannot be modified',
)
ENTITY_NOT_SAVED = ErrorRow(
    1517, 500, 'The entity# {record} in the "{dataclass}" dataclass cannot be saved'
)
ENTITY_NOT_DELETED = ErrorRow(
    1518, 500, 'The entity ({key}) in the "{dataclass}" dataclass cannot be deleted'
)
NEW_ENTITY_NOT_SAVED = ErrorRow(
    1534, 500, 'The new entity of the "{dataclass}" dataclass cannot be saved'
)
WRONG_KEY = ErrorRow(
    1541, 404, 'The given primary key does not match the definition in the "{dataclass}" dataclass'
)
RELATED_NOT_SAVED = ErrorRow(
    1537,
    500,
    'The related entity of "{attribute}" in the "{dataclass}" dataclass cannot be saved',
)
ENTITY_NOT_FOUND = ErrorRow(
    1542, 500, 'Cannot find entity with "{key}" key in the "{dataclass}" dataclass'
)
ENTITY_NOT_LOADED = ErrorRow(1543, 404, 'Cannot load entity# {key} in the "{dataclass}" dataclass')
PRIMARY_KEY_EXISTS = ErrorRow(
    1545, 500, 'Primary key {key} already exists in the "{dataclass}" dataclass'
)
PRIMARY_KEY_NULL = ErrorRow(
    1546, 500, 'Primary key is NULL for the new entity in the "{dataclass}" dataclass'
)
INVALID_VALUE = ErrorRow(1569, 500, "{attribute}: {reason}")
INVALID_ENTITY = ErrorRow(1570, 500, "Entity fails validation")

# The query language.
WRONG_COMPARATOR = ErrorRow(1112, 500, "Wrong comparison operator: {operator}")
QUERY_NOT_COMPLETED = ErrorRow(1200, 500, "Query cannot be completed: {reason}")
QUERY_NOT_ANALYZED = ErrorRow(1201, 500, "Query cannot be analyzed: {reason}")
FORMULA_NOT_ALLOWED = ErrorRow(1278, 500, "Formulas are not allowed in a query")
PLACEHOLDER_MISSING = ErrorRow(1279, 500, "The query placeholder {placeholder} is missing or null")
WRONG_OPERAND = ErrorRow(1280, 500, "The query {operand} is not a valid type")
WRONG_ATTRIBUTE_TYPE = ErrorRow(
    1574, 500, 'The "{attribute}" attribute in the "{dataclass}" dataclass is not the correct type'
)

# Permissions (D-21).
NO_PERMISSION_READ = ErrorRow(1557, 401, "No permission to read for the {dataclass} dataclass")
NO_PERMISSION_UPDATE = ErrorRow(1558, 401, "No permission to update for the {dataclass} dataclass")
NO_PERMISSION_CREATE = ErrorRow(1559, 401, "No permission to create for the {dataclass} dataclass")
NO_PERMISSION_DELETE = ErrorRow(1560, 401, "No permission to delete for the {dataclass} dataclass")
INFO_DENIED = ErrorRow(1611, 401, "No permission to read this part of $info")
LOGIN_FAILED = ErrorRow(1822, 401, "REST login failed")

# What the address names.
ATTRIBUTE_NOT_FOUND = ErrorRow(
    1500, 500, 'The "{attribute}" attribute cannot be found in the "{dataclass}" dataclass'
)
DATACLASS_NOT_FOUND = ErrorRow(1800, 404, 'The "{dataclass}" dataclass cannot be found')
BAD_ATTRIBUTE_LIST = ErrorRow(
    1804,
    404,
    'Cannot completely build a list of attributes with "{attribute}" for the "{dataclass}" dataclass',
)
UNSUPPORTED_FORMAT = ErrorRow(1801, 400, 'The "{format}" format is not supported')
ENTITY_SET_NOT_FOUND = ErrorRow(1802, 404, 'The "{id}" entity set cannot be found')
ENTITY_SET_OF_ANOTHER = ErrorRow(
    1803, 404, 'The "{id}" entity set does not belong to the "{dataclass}" dataclass'
)
BAD_EXPAND_LIST = ErrorRow(
    1805,
    404,
    'Cannot completely build a list of expanded attributes with "{attribute}"'
    ' for the "{dataclass}" dataclass',
)
BAD_URL = ErrorRow(1806, 400, "URL is not well formed: {reason}")
UNCLOSED_SINGLE_QUOTE = ErrorRow(
    1808, 400, "Opening single quote does not have a matching closing one in the URL"
)
UNCLOSED_DOUBLE_QUOTE = ErrorRow(
    1809, 400, "Opening double quote does not have a matching closing one in the URL"
)
BAD_ORDER = ErrorRow(1810, 404, 'Cannot order by "{order}" for the "{dataclass}" dataclass')
UNKNOWN_KEYWORD = ErrorRow(1811, 400, '"{keyword}" is an unknown REST keyword')
UNKNOWN_METHOD = ErrorRow(1812, 400, '"{method}" is an unknown REST method')
METHOD_NOT_APPLICABLE = ErrorRow(1813, 400, '"{method}" REST method is not applicable here')
NO_SUBENTITYSET = ErrorRow(1815, 500, '"$subentityset" cannot be applied to the REST request')
NO_ATTRIBUTE = ErrorRow(1816, 500, "At least one attribute must be specified")
BAD_COMPUTE_ACTION = ErrorRow(1817, 500, '"{action}" is not a valid compute action')
BAD_LOGIC_OPERATOR = ErrorRow(1818, 500, '"{operator}" is not a valid logical operator')
NO_OTHER_COLLECTION = ErrorRow(1819, 500, "Second collection reference is missing")
BAD_OTHER_COLLECTION = ErrorRow(1820, 500, '"{id}" is not a valid collection reference')

# Pictures and BLOBs.
NOT_A_PICTURE = ErrorRow(1824, 400, "The file is not a picture of an accepted type")
MISSING_PICTURE_REF = ErrorRow(1825, 500, "No uploaded picture has this ID")
MISSING_BLOB_REF = ErrorRow(1826, 500, "No uploaded BLOB has this ID")

# Conditions of this server alone.
BAD_JSON = ErrorRow(9001, 400, "The request body is not readable JSON: {reason}", "djng")
JSON_TOO_DEEP = ErrorRow(
    9002, 400, "The request body nests JSON values deeper than {limit} levels", "djng"
)
BODY_TOO_LARGE = ErrorRow(9003, 413, "The request body is larger than {limit} bytes", "djng")
BODY_EMPTY = ErrorRow(9004, 400, "The request body is empty", "djng")
BODY_CUT = ErrorRow(9005, 400, "The request body ended before it was complete", "djng")
LENGTH_REQUIRED = ErrorRow(9006, 411, "The request must carry a Content-Length header", "djng")
CROSS_SITE = ErrorRow(9007, 403, "A page of another site may not make this request", "djng")
UPLOAD_QUOTA = ErrorRow(9008, 429, "Too many uploads are waiting to be used", "djng")
THROTTLED = ErrorRow(9009, 429, "Too many requests", "djng")
DATABASE_BUSY = ErrorRow(9010, 503, "The database is busy", "djng")
INTERNAL = ErrorRow(9011, 500, "Internal server error, reference {reference}", "djng")
VERB_NOT_ALLOWED = ErrorRow(9012, 405, "The {verb} verb is not allowed here", "djng")
TOO_MANY_ENTITIES = ErrorRow(9013, 413, "The request holds more than {limit} entities", "djng")
NOT_SUPPORTED = ErrorRow(9014, 501, "{feature} is not supported by this server", "djng")
STORAGE_FAILED = ErrorRow(9015, 500, "The file could not be stored", "djng")
CONSTRAINT_FAILED = ErrorRow(9016, 500, "A rule of the database refuses the entity", "djng")
FILE_MISSING = ErrorRow(9017, 404, "The file of this attribute is gone", "djng")
NESTED_TOO_DEEP = ErrorRow(9018, 500, "Related entities nest deeper than {limit} levels", "djng")
STILL_REFERRED_TO = ErrorRow(9019, 500, "It is still referred to by {what}", "djng")
UPLOAD_REFUSED = ErrorRow(9020, 400, "The upload is refused: {reason}", "djng")
CONVERSIONS_BUSY = ErrorRow(9021, 503, "Too many pictures are being converted", "djng")
QUERY_TOO_LARGE = ErrorRow(9022, 400, "The query is too large: {reason}", "djng")
ENTITY_SET_QUOTA = ErrorRow(9023, 429, "Too many entity sets are kept", "djng")
EXPANDED_TOO_DEEP = ErrorRow(9024, 400, "Attributes nest deeper than {limit} levels", "djng")
SELECTION_TOO_LARGE = ErrorRow(9025, 413, "The request is for more than {limit} entities", "djng")
TAKES_TOO_LONG = ErrorRow(9026, 503, "The request takes longer than is allowed", "djng")
CASCADE_TOO_LARGE = ErrorRow(
    9031, 413, "More than {limit} other entities would have to be deleted with it", "djng"
)


def asked_attribute(name: str, dataclass: str) -> ErrorItem:
    """1500 for a name in an address; for one that holds a ``+`` it says that this is no blank (D-05)."""
    item = ATTRIBUTE_NOT_FOUND(attribute=name, dataclass=dataclass)
    return ErrorItem(item.row, f"{item.message}; {NO_BLANK}") if "+" in name else item


ROWS: tuple[ErrorRow, ...] = tuple(row for row in list(globals().values()) if isinstance(row, ErrorRow))


def picture_refused(reason: object) -> ErrorItem:
    """1824 for a picture that is left undecoded because it would cost too much: the message says why."""
    return ErrorItem(NOT_A_PICTURE, f"The picture is not accepted: {printable(str(reason))}")
