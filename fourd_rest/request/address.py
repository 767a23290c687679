"""The address of a request: URL text in, one frozen ``Address`` out.

Splits what follows the mount prefix and the raw query string as the 4D server does (``requests.md``
1, 2 and 4, ``server-facts.md`` 1 and 3, D-05, D-39), and writes keys into the URIs this server
emits. It knows no model. Of keywords it knows what their values look like: lists of names, JSON.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import quote as percent_encoded
from urllib.parse import unquote_to_bytes

from fourd_rest.errors import BAD_URL, UNCLOSED_DOUBLE_QUOTE, UNCLOSED_SINGLE_QUOTE, RestError

from . import keywords, quotes

MAX_PATH = 8_192
MAX_QUERY = 65_536

_UNCLOSED = {"'": UNCLOSED_SINGLE_QUOTE, '"': UNCLOSED_DOUBLE_QUOTE}

_ENTITY_SET = frozenset({"$entityset", "$$entityset"})
NO_SET = "$none"
RELEASE = "$release"

# A query string whose question mark is missing: "Employee/$filter=..." (U-51).
_MISPLACED_QUERY = re.compile(r"\$[A-Za-z]++=")
_END_OF_HEAD = re.compile(r"[/(\[]")
_BARE_KEY = {")": re.compile(r"[^,/)]+"), "]": re.compile(r"[^,/\]]+")}
_BARE_VALUE = {")": re.compile(r"[^/)]+"), "]": re.compile(r"[^/\]]+")}
_KEY_QUOTE = re.compile(r" *+(['\"])")
_QUOTED_KEY = {
    quote: re.compile(
        rf"([^{quote}\\]*+(?:(?:\\.|{quote}{quote})[^{quote}\\]*+)*+){quote} *+", re.DOTALL
    )
    for quote in _UNCLOSED
}
_KEY_ESCAPE = {quote: re.compile(rf"\\(?:u0022|u0027|['\"\\])|{quote}{quote}") for quote in _UNCLOSED}
_KEY_CHARACTER = quotes.CHARACTERS | {'""': '"', "''": "'"}
_NEEDS_QUOTES = re.compile(r"[&/?\"'(),\[\]]|^$")

# A quote, the backslash before it, or both may arrive percent-encoded.
_QUOTE = re.compile(r"['\"]|%2[27]")
_BLANK = r"(?:\s|%(?:20|09|0a|0d))"
_OPENING = re.compile(rf"{_BLANK}*+(?:['\"]|%2[27])", re.IGNORECASE)
_INSIDE = "|".join(
    rf"""
    (?: {quote} | %{code} )
    (?: [^{quote}%\\]++ | %(?!{code}|5c) | (?:\\|%5c) (?: %(?:[0-9a-f]{{2}})?+ | [^%] ) )*+
    (?: {quote} | %{code} )
    """
    for quote, code in (('"', "22"), ("'", "27"))
)
_ESCAPED = r"(?:\\|%5c) (?: %[0-9a-f]{2} | [^%&] )"
# Up to the "&" that ends a value. Between quotes it is a character, if they close again.
_QUOTED_VALUE = re.compile(rf"(?: {_ESCAPED} | {_INSIDE} | [^&] )*+", re.IGNORECASE | re.VERBOSE)
# Here a quote after a letter, a digit or a wildcard is an apostrophe.
_LETTER = r"(?: [\w@] | %(?: 3[0-9] | 4[0-9a-f] | 6[1-9a-f] | [57][0-9a] | 5f | [89a-f][0-9a-f] ) )"
_OTHER_VALUE = re.compile(
    rf"(?: {_LETTER} (?:['\"]|%2[27])?+ | {_ESCAPED} | {_INSIDE} | %[0-9a-f]{{2}} | [^&] )*+",
    re.IGNORECASE | re.VERBOSE,
)
_FORM_ENCODED = re.compile(rf"{_BLANK}*+(?:['\"]|%2[27])?+(?:%5b|%7b)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Address:
    """What a request is about, as text.

    ``head`` is ``""`` for the root, a ``$keyword``, or the name of a dataclass. ``keys`` are the
    key texts without their quotes: ``()`` for ``X()``, ``None`` where no parenthesis or bracket
    stands. ``unique`` is the attribute of ``X:attr(value)``, the value is then ``keys[0]``.
    ``parts`` are the non-empty path parts after that, quotes included; ``names`` and ``set_id`` say
    what they mean after a dataclass. ``params`` has its names in
    lower case and with their ``$``; ``$limit`` is stored as ``$top``. A value that begins with a quote
    has lost its quotes, and any keeps the escapes of D-39 (``\\"``, ``\\u0027``): they belong to the
    language of the value, and decoded here they could no longer be told from its own quotes. ``written``
    has the values that came in several pieces once more, with all quotes.

    ``is_read``: the request writes nothing, so that a text may be read once more where it cannot be
    read as it stands.
    """

    head: str
    keys: tuple[str, ...] | None
    unique: str | None
    parts: tuple[str, ...]
    params: Mapping[str, str]
    written: Mapping[str, str] = field(default_factory=dict)
    is_read: bool = False

    @property
    def names(self) -> str | None:
        """The attribute list among the parts, ``None`` where there is none.

        It is one part, before or after the entity set, and may stand in quotes. Raises ``RestError``
        with 1806 where the parts are anything but one list and one set.

        >>> parse("Employee/$entityset/AEA452/name,employer.name", "").names
        'name,employer.name'
        """
        return self.list_and_set[0]

    @property
    def set_id(self) -> str | None:
        """The ID in ``$entityset/ID`` among the parts, as it was sent; ``None`` where there is none.

        ``$none`` is the empty set. Keywords count in any case of letters (D-48). Raises ``RestError``
        with 1806 as ``names`` does, and where a set stands beside keys.

        >>> parse("Employee/name/$$entityset/AEA452", "").set_id
        'AEA452'
        """
        return self.list_and_set[1]

    @property
    def list_and_set(self) -> tuple[str | None, str | None]:
        """``names`` and ``set_id`` in one."""
        if not self.parts:
            return None, None
        names: str | None = None
        set_id: str | None = None
        parts = iter(self.parts)
        for part in parts:
            if part.lower() in _ENTITY_SET:
                if set_id is not None or self.keys:
                    raise _bad("an entity set stands beside keys or another set")
                set_id = next(parts, None)
                if set_id is None:
                    raise _bad("an entity set has no ID")
                if set_id.lower() in (NO_SET, RELEASE):
                    set_id = set_id.lower()
            elif part.startswith("$"):
                raise _bad("a part of the path is an unknown keyword")
            elif names is not None:
                raise _bad("the path has too many parts")
            else:
                names = _unquoted(part)
        return names, set_id

    @property
    def releases_sets(self) -> bool:
        """Whether the path ends with ``$entityset/$release``. Raises as ``set_id``."""
        return bool(self.parts) and self.parts[-1].lower() == RELEASE and self.set_id == RELEASE


def parse(path: str, query: str, *, is_read: bool = False) -> Address:
    """The address of a request.

    ``path`` is what follows the mount prefix, percent-decoded; ``query`` is the query string as it
    was sent, undecoded but as text: characters beyond ASCII that some clients send raw must have
    been read as UTF-8. A part of the path that reads ``$name=`` begins a query string whose question
    mark was forgotten; a parameter that both have is taken from ``query``. Raises ``RestError`` with
    1806, after 1808 or 1809 for an unclosed quote.

    >>> address = parse("Employee('a/b')/photo", '$imageformat=best&$filter="a = 1 & b = 2"&$top=5')
    >>> address.head, address.keys, address.parts
    ('Employee', ('a/b',), ('photo',))
    >>> dict(address.params)
    {'$imageformat': 'best', '$filter': 'a = 1 & b = 2', '$top': '5'}
    >>> address = parse("Book:isbn[AB12]/", "%24params=%5B%22A+B%22%5D")
    >>> address.head, address.unique, address.keys, dict(address.params)
    ('Book', 'isbn', ('AB12',), {'$params': '["A B"]'})
    """
    if len(path) > MAX_PATH:
        raise _bad(f"the path is longer than {MAX_PATH} characters")
    if len(query) > MAX_QUERY:
        raise _bad(f"the query string is longer than {MAX_QUERY} characters")
    if quotes.FORBIDDEN.search(path) or quotes.FORBIDDEN.search(query):
        raise _bad("it holds a character that is not allowed")
    path = path.lstrip("/")
    head, keys, unique, at = _target(path)
    parts, at = _parts(path, at)
    # The path has been decoded: a percent sign in it is one.
    texts = (path[at:].rstrip("/").replace("%", "%25"), query) if at < len(path) else (query,)
    params: dict[str, str] = {}
    written: dict[str, str] = {}
    for text in texts:
        _read_params(text, params, written)
    return Address(head, keys, unique, parts, MappingProxyType(params), written, is_read)


def key_text(value: str) -> str:
    """A key as it stands between the parentheses of a URI that this server emits.

    Quoted and percent-encoded only where needed (``server-facts.md`` 3). ``parse`` reads it back to
    ``value``, except for keys with a NUL or a lone surrogate, which no address can name.

    >>> key_text("12"), key_text("a b"), key_text("a/b"), key_text("O'Neil & Co")
    ('12', 'a%20b', "'a%2Fb'", "%22O'Neil%20%26%20Co%22")
    """
    if value.isalnum() and value.isascii():
        return value
    if _NEEDS_QUOTES.search(value):
        quote = '"' if "'" in value else "'"
        value = value.replace("\\", r"\\").replace(quote, quote * 2)
        value = f"{quote}{value}{quote}"
    # "/" is encoded although it stands in quotes: URL libraries would resolve "a/../b".
    return percent_encoded(value, safe="'(),:@", errors="replace")


def _bad(reason: str) -> RestError:
    return RestError(BAD_URL(reason=reason))


def _unclosed(quote: str) -> RestError:
    return RestError(_UNCLOSED[quote](), BAD_URL(reason="a quote is not closed"))


def _target(path: str) -> tuple[str, tuple[str, ...] | None, str | None, int]:
    """Head, keys and unique attribute of ``path``, and where its parts begin."""
    head = _END_OF_HEAD.split(path, maxsplit=1)[0]
    name, colon, attribute = head.partition(":")
    # WAF writes a slash between the dataclass and its keys: /Employee/(1,2).
    opened = path[len(head) :].lstrip("/")
    if not opened.startswith(("(", "[")):
        if colon:
            raise _bad("an attribute is named without a value in parentheses")
        return name, None, None, len(head)
    if not name:
        raise _bad("a key stands without a dataclass")
    if name.startswith("$"):
        raise _bad("a keyword has no keys")
    at = len(path) - len(opened)
    closer = ")" if path[at] == "(" else "]"
    if not colon:
        keys, at = _keys(path, at + 1, closer)
    elif attribute:
        key, at = _key(path, at + 1, closer, _BARE_VALUE[closer])
        keys, at = (key,), _closed(path, at, closer)
    else:
        raise _bad("a value stands without an attribute")
    if at < len(path) and path[at] != "/":
        raise _bad("text follows the closing parenthesis")
    return name, keys, attribute if colon else None, at


def _keys(path: str, at: int, closer: str) -> tuple[tuple[str, ...], int]:
    if path.startswith(closer, at):
        return (), at + 1
    key, at = _key(path, at, closer, _BARE_KEY[closer])
    keys = [key]
    while path.startswith(",", at):
        key, at = _key(path, at + 1, closer, _BARE_KEY[closer])
        keys.append(key)
    return tuple(keys), _closed(path, at, closer)


def _key(path: str, at: int, closer: str, bare: re.Pattern[str]) -> tuple[str, int]:
    """The key that begins at ``at``, and where it ends."""
    opening = _KEY_QUOTE.match(path, at)
    if opening is None:
        match = bare.match(path, at)
        # An empty key must not vanish: X(,) would become X(), which is the whole dataclass.
        if match is None:
            raise _bad("a key is empty")
        return match[0], match.end()
    quote = opening[1]
    match = _QUOTED_KEY[quote].match(path, opening.end())
    if match is None:
        raise _unclosed(quote)
    return _KEY_ESCAPE[quote].sub(lambda found: _KEY_CHARACTER[found[0]], match[1]), match.end()


def _closed(path: str, at: int, closer: str) -> int:
    if not path.startswith(closer, at):
        raise _bad(f'a key is not followed by "{closer}"')
    return at + 1


def _parts(path: str, at: int) -> tuple[tuple[str, ...], int]:
    """The parts of ``path`` from ``at`` on, and where they end: at a misplaced query string."""
    parts = []
    while at < len(path):
        if path[at] == "/":
            at += 1
            continue
        if _MISPLACED_QUERY.match(path, at):
            break
        close = at
        if path[at] in _UNCLOSED:
            close = path.find(path[at], at + 1)
            if close < 0:
                raise _unclosed(path[at])
        end = path.find("/", close)
        if end < 0:
            end = len(path)
        parts.append(path[at:end])
        at = end
    return tuple(parts), at


def _unquoted(part: str) -> str:
    """``part`` without the quotes around all of it."""
    if part[0] in _UNCLOSED and part.find(part[0], 1) == len(part) - 1:
        return part[1:-1]
    return part


def _read_params(query: str, params: dict[str, str], written: dict[str, str]) -> None:
    """Put the parameters of ``query`` into ``params``; see ``Address``."""
    at = 0
    has_quotes = _QUOTE.search(query) is not None
    while at < len(query):
        end = query.find("&", at)
        if end < 0:
            end = len(query)
        equal = query.find("=", at, end)
        name = _decoded(query[at : end if equal < 0 else equal]).strip().lower()
        # "'a = 1' & 'b = 2'" must not lose its half.
        if has_quotes and ("'" in name or '"' in name):
            raise _bad("the name of a parameter holds a quote")
        name = keywords.ALIASES.get(name, name)
        value, pieces = "", ""
        if equal >= 0 and not (has_quotes and _QUOTE.search(query, equal, end)):
            value = _unformed(name, query[equal + 1 : end])
        elif equal >= 0 and _OPENING.match(query, equal + 1):
            end = _end(_QUOTED_VALUE, query, equal + 1)
            value, pieces = _unwrapped(name, _unformed(name, query[equal + 1 : end]).lstrip())
        elif equal >= 0:
            end = _end(_OTHER_VALUE, query, equal + 1)
            value = _unformed(name, query[equal + 1 : end])
            value = quotes.unlisted(value) if name in keywords.LISTS else value
        if name:
            params[name] = value
            if written:
                written.pop(name, None)
            if pieces:
                written[name] = pieces
        at = end + 1


def _end(pattern: re.Pattern[str], query: str, at: int) -> int:
    match = pattern.match(query, at)
    return at if match is None else match.end()


def _unformed(name: str, value: str) -> str:
    """The decoded ``value``. Clients that form-encode encode brackets, too; others mean "+" (D-05)."""
    if name == keywords.PARAMS.key and "+" in value and _FORM_ENCODED.match(value):
        value = value.replace("+", " ")
    return _decoded(value)


def _unwrapped(name: str, text: str) -> tuple[str, str]:
    """The value of ``text``, which begins with a quote, and ``text`` itself if it has several pieces."""
    try:
        found = quotes.pieces(text)
    except quotes.Unclosed as error:
        inside = quotes.BRACKETS.search(text)
        if name == keywords.PARAMS.key and inside is not None and text[0] == text[-1]:
            return inside[0], ""
        raise _unclosed(str(error)) from None
    value = quotes.joined(found)
    is_single = all(not part.strip() or part.strip() == "/" for _, part in found[1:])
    return value, "" if is_single else text


def _decoded(text: str) -> str:
    if "%" not in text:
        return text
    try:
        text = unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise _bad("a percent-encoded text is not UTF-8") from None
    if "\0" in text:
        raise _bad("it holds a character that is not allowed")
    return text
