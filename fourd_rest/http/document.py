"""The JSON body of a request: bytes in, plain Python values out.

How tolerant it is, ``json_text`` says (D-06); here its refusals become errors.
"""

from __future__ import annotations

from typing import Any

from fourd_rest.errors import BAD_JSON, BODY_EMPTY, JSON_TOO_DEEP, RestError
from fourd_rest.request import lenient_json


def read(raw: bytes, *, max_depth: int) -> Any:
    """The value of a request body.

    Numbers with a fraction or an exponent become ``Decimal``, the last of two equal names counts.
    Raises ``RestError`` with 9004 for a body without content, 9002 for one that nests deeper than
    ``max_depth`` arrays and objects, 9001 for anything else that cannot be read.

    >>> read(b'{__KEY: "12", photo: {"ID": "D507"}, price: 1.10,}', max_depth=8)
    {'__KEY': '12', 'photo': {'ID': 'D507'}, 'price': Decimal('1.10')}
    """
    try:
        text = raw.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        raise _bad(f"byte {error.start + 1} is not UTF-8") from None
    if not text.strip(" \t\r\n"):
        raise RestError(BODY_EMPTY())
    try:
        return lenient_json.read(text, max_depth=max_depth)
    except lenient_json.TooDeep:
        raise RestError(JSON_TOO_DEEP(limit=max_depth)) from None
    except lenient_json.Unreadable as error:
        raise _bad(str(error)) from None


def _bad(reason: str) -> RestError:
    return RestError(BAD_JSON(reason=reason))
