"""Addresses: every rule of the URL grammar, with the request lines of real clients."""

from __future__ import annotations

import re
import time
from dataclasses import FrozenInstanceError
from urllib.parse import quote, unquote, urlencode, urljoin, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fourd_rest.errors import RestError
from fourd_rest.request.address import MAX_PATH, MAX_QUERY, Address, key_text, parse

modest = settings(max_examples=200, deadline=None)


def params(query: str) -> dict[str, str]:
    return dict(parse("", query).params)


def codes(path: str, query: str = "") -> list[int]:
    with pytest.raises(RestError) as caught:
        parse(path, query)
    assert caught.value.status == 400
    return [item.row.code for item in caught.value.items]


def reason(path: str, query: str = "") -> str:
    with pytest.raises(RestError) as caught:
        parse(path, query)
    return caught.value.items[-1].message.removeprefix("URL is not well formed: ")


# The path.


@pytest.mark.parametrize(
    ("path", "head", "keys", "parts"),
    [
        ("", "", None, ()),
        ("/", "", None, ()),
        ("///", "", None, ()),
        ("$catalog", "$catalog", None, ()),
        ("$catalog/$all", "$catalog", None, ("$all",)),
        ("/$catalog/Employee,Company/", "$catalog", None, ("Employee,Company",)),
        ("$upload", "$upload", None, ()),
        ("$directory/login", "$directory", None, ("login",)),
        ("$info/privileges", "$info", None, ("privileges",)),
        ("$singleton/Stock/refill", "$singleton", None, ("Stock", "refill")),
        ("$entityset/$release", "$entityset", None, ("$release",)),
        ("Employee", "Employee", None, ()),
        ("Employee/", "Employee", None, ()),
        ("//Employee//", "Employee", None, ()),
        ("Employé", "Employé", None, ()),
        ("Employee/firstName,lastName", "Employee", None, ("firstName,lastName",)),
        ("Employee//salary/", "Employee", None, ("salary",)),
        ("Book/$entityset/AEA452", "Book", None, ("$entityset", "AEA452")),
        ("Book/title/$entityset/AEA452", "Book", None, ("title", "$entityset", "AEA452")),
        ("Employee()", "Employee", (), ()),
        ("Employee[]", "Employee", (), ()),
        ("Employee(12)", "Employee", ("12",), ()),
        ("Employee[12]", "Employee", ("12",), ()),
        ("Employee(12)/", "Employee", ("12",), ()),
        ("Employee(12)/photo", "Employee", ("12",), ("photo",)),
        ("Employee/(1,2)", "Employee", ("1", "2"), ()),
        ("Employee/[3]/name", "Employee", ("3",), ("name",)),
        ("Company(1)/staff/f", "Company", ("1",), ("staff", "f")),
        ("Employee(1,2,3)", "Employee", ("1", "2", "3"), ()),
        ("Emp(1&2)", "Emp", ("1&2",), ()),
        ("Author[F91DF62E6B93462D]", "Author", ("F91DF62E6B93462D",), ()),
        # Other brackets inside a bare key are characters.
        ("Book(a[1])", "Book", ("a[1]",), ()),
        ("Book[a(1)]", "Book", ("a(1)",), ()),
        ("Book(a(1)", "Book", ("a(1",), ()),
    ],
)
def test_path(path: str, head: str, keys: tuple[str, ...] | None, parts: tuple[str, ...]) -> None:
    assert parse(path, "") == Address(head, keys, None, parts, {})


@pytest.mark.parametrize(
    ("written", "keys"),
    [
        ("AB12", ("AB12",)),
        ("-7", ("-7",)),
        ("a b", ("a b",)),
        (" a", (" a",)),
        ("1, 2", ("1", " 2")),
        ("'AB12'", ("AB12",)),
        ('"AB12"', ("AB12",)),
        ("''", ("",)),
        ('""', ("",)),
        ("'',1", ("", "1")),
        ("'a','b'", ("a", "b")),
        ("'a', \"b\" , 3", ("a", "b", " 3")),
        ("'a,b)c/d?e]f[g(h&i'", ("a,b)c/d?e]f[g(h&i",)),
        ("'a\nb'", ("a\nb",)),
        # An apostrophe inside a bare key is a character, a quote opens only at the start.
        ("O'Neil", ("O'Neil",)),
        ('5" disk', ('5" disk',)),
        # The outer quote inside, doubled or escaped; the other one as it is.
        ("'O''Neil'", ("O'Neil",)),
        (r"'O\'Neil'", ("O'Neil",)),
        (r"'O\u0027Neil'", ("O'Neil",)),
        ('"O\'Neil"', ("O'Neil",)),
        ("\"O''Neil\"", ("O''Neil",)),
        ('"say ""hi"""', ('say "hi"',)),
        (r'"say \"hi\""', ('say "hi"',)),
        (r'"say \u0022hi\u0022"', ('say "hi"',)),
        ("''''", ("'",)),
        (r"'C:\\'", ("C:\\",)),
        (r"'C:\dir'", (r"C:\dir",)),
        ("'a\\\nb'", ("a\\\nb",)),
        (r"'\\u0027'", (r"\u0027",)),
        (r"'\u0041'", (r"\u0041",)),
        # A bare key has no escapes.
        (r"C:\\dir", (r"C:\\dir",)),
    ],
)
@pytest.mark.parametrize(("opener", "closer"), ["()", "[]"])
def test_keys(written: str, keys: tuple[str, ...], opener: str, closer: str) -> None:
    address = parse(f"Book{opener}{written}{closer}/title", "")
    assert address == Address("Book", keys, None, ("title",), {})


@pytest.mark.parametrize(
    ("path", "attribute", "value"),
    [
        ("Book:isbn(AB12)", "isbn", "AB12"),
        ('Book:isbn("AB12")', "isbn", "AB12"),
        ("Book:isbn[AB12]", "isbn", "AB12"),
        ("Book:isbn['AB/12']", "isbn", "AB/12"),
        ("Book:title(Hello, World)", "title", "Hello, World"),
        ("Book:title[a,b]", "title", "a,b"),
        ("Book:title('')", "title", ""),
        ("Book:title(Rock 'n' Roll)", "title", "Rock 'n' Roll"),
        ("Book:extra.score(1)", "extra.score", "1"),
    ],
)
def test_unique(path: str, attribute: str, value: str) -> None:
    assert parse(path, "") == Address("Book", (value,), attribute, (), {})
    assert parse(f"{path}/title", "").parts == ("title",)


@pytest.mark.parametrize(
    ("rest", "parts"),
    [
        ("/'a/b'/c", ("'a/b'", "c")),
        ('/"a/b"/c', ('"a/b"', "c")),
        ("/'a/b'c/d", ("'a/b'c", "d")),
        ("/it's/me", ("it's", "me")),
        ("/f(x)", ("f(x)",)),
    ],
)
@pytest.mark.parametrize("target", ["Book", "Book(1)"])
def test_a_quote_protects_the_slash_in_a_part(target: str, rest: str, parts: tuple[str, ...]) -> None:
    assert parse(target + rest, "").parts == parts


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Employee(1", 'a key is not followed by ")"'),
        ("Employee[1", 'a key is not followed by "]"'),
        ("Employee(1]", 'a key is not followed by ")"'),
        ("Employee[1)", 'a key is not followed by "]"'),
        ("Employee(a/b)", 'a key is not followed by ")"'),
        ("Employee('a'b)", 'a key is not followed by ")"'),
        ("Book:title('a','b')", 'a key is not followed by ")"'),
        ("Employee(", "a key is empty"),
        ("Employee(,)", "a key is empty"),
        ("Employee(1,)", "a key is empty"),
        ("Employee(,1)", "a key is empty"),
        ("Employee(1,,2)", "a key is empty"),
        ("Book:title()", "a key is empty"),
        ("Employee(1)x", "text follows the closing parenthesis"),
        ("Employee(1)(2)", "text follows the closing parenthesis"),
        ("Employee()x", "text follows the closing parenthesis"),
        ("Employee(1):name", "text follows the closing parenthesis"),
        ("(1)", "a key stands without a dataclass"),
        ("/()", "a key stands without a dataclass"),
        (":name(1)", "a key stands without a dataclass"),
        ("Employee:(1)", "a value stands without an attribute"),
        ("Employee:name", "an attribute is named without a value in parentheses"),
        ("Employee:name/x", "an attribute is named without a value in parentheses"),
        ("$info(1)", "a keyword has no keys"),
        ("a\0", "it holds a character that is not allowed"),
        ("a\ud800", "it holds a character that is not allowed"),
        ("a\udfff", "it holds a character that is not allowed"),
        ("a" * (MAX_PATH + 1), "the path is longer than 8192 characters"),
    ],
)
def test_malformed_path(path: str, text: str) -> None:
    assert codes(path) == [1806]
    assert reason(path) == text


@pytest.mark.parametrize("path", ["Book('a)", "Book(1,'a)", "Book:t('a)", "Book/'a", r"Book('a\')"])
def test_unclosed_quote_in_the_path(path: str) -> None:
    assert codes(path) == [1808, 1806]
    assert codes(path.replace("'", '"')) == [1809, 1806]


# What the parts mean after a dataclass.

ID = "AEA452C2668B4F6E98B6FD2A1ED4A5A8"


@pytest.mark.parametrize(
    ("path", "names", "set_id"),
    [
        ("Book", None, None),
        ("Book()", None, None),
        ("Book(1)", None, None),
        ("Book/title", "title", None),
        ("Book/title,writer.name/", "title,writer.name", None),
        ("Book(1)/extra.score,*", "extra.score,*", None),
        ("Book(1,2)/title", "title", None),
        ("Book:isbn(1)/title,writer.*", "title,writer.*", None),
        ("Book/'title, price'", "title, price", None),
        ('Book/"a/b"', "a/b", None),
        ("Book/'a','b'", "'a','b'", None),
        ("Book/''", "", None),
        ("Book/it's", "it's", None),
        (f"Book/$entityset/{ID}", None, ID),
        (f"Book//$entityset//{ID}/", None, ID),
        (f"Book()/$entityset/{ID}", None, ID),
        (f"Book/title,price/$entityset/{ID}", "title,price", ID),
        (f"Book/$entityset/{ID}/title,price", "title,price", ID),
        (f"Book/title/$$entityset/{ID}", "title", ID),
        (f"Book/$$entityset/{ID}/title", "title", ID),
        ("Book/$entityset/$none", None, "$none"),
        ("Book/$entityset/$none/title", "title", "$none"),
        # D-48: keywords in any case of letters.
        (f"Book/$EntitySet/{ID}", None, ID),
        (f"Book/title/$$ENTITYSET/{ID}", "title", ID),
        ("Book/$entitySet/$None", None, "$none"),
        ("Book/$ENTITYSET/$Release", None, "$release"),
        ("Book/$entityset/$entityset", None, "$entityset"),
        (f"Book/$entityset/{ID.lower()}", None, ID.lower()),
        # Only the one keyword.
        ("Book/entityset", "entityset", None),
    ],
)
def test_names_and_set(path: str, names: str | None, set_id: str | None) -> None:
    address = parse(path, "")
    assert (address.names, address.set_id) == (names, set_id)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("Book/title/price", "the path has too many parts"),
        (f"Book/title/$entityset/{ID}/price", "the path has too many parts"),
        (f"Book/$entityset/{ID}/title/price", "the path has too many parts"),
        ("Book/$entityset", "an entity set has no ID"),
        ("Book/title/$$entityset/", "an entity set has no ID"),
        (f"Book/$entityset/{ID}/$entityset/{ID}", "an entity set stands beside keys or another set"),
        (f"Book(1)/$entityset/{ID}", "an entity set stands beside keys or another set"),
        (f"Book:isbn(1)/title/$entityset/{ID}", "an entity set stands beside keys or another set"),
        (f"Book/$EntitySets/{ID}", "a part of the path is an unknown keyword"),
        (f"Book/$entityset/{ID}/$release", "a part of the path is an unknown keyword"),
        ("Book/$none", "a part of the path is an unknown keyword"),
    ],
)
@pytest.mark.parametrize("name", ["names", "set_id"])
def test_parts_that_mean_nothing(path: str, text: str, name: str) -> None:
    address = parse(path, "")
    with pytest.raises(RestError) as caught:
        getattr(address, name)
    assert [item.as_json() for item in caught.value.items] == [
        {
            "message": f"URL is not well formed: {text}",
            "componentSignature": "dbmg",
            "errCode": 1806,
        }
    ]


# A query string without its question mark (U-51).


@pytest.mark.parametrize(
    ("path", "query", "parts", "expected"),
    [
        ("Book/$filter=a=1", "", (), {"$filter": "a=1"}),
        (
            'Book/$filter="writer.name=acme AND title=x"&$querypath=true',
            "",
            (),
            {"$filter": "writer.name=acme AND title=x", "$querypath": "true"},
        ),
        ("Book/$filter=\"a = 1 & b = '/(x)/'\"/", "", (), {"$filter": "a = 1 & b = '/(x)/'"}),
        ("Book/$top=3/", "", (), {"$top": "3"}),
        ("Book/$TOP=3&$limit=4", "", (), {"$top": "4"}),
        ("Book/$filter=date=1/2/2020", "", (), {"$filter": "date=1/2/2020"}),
        ("Book(1)/title/$expand=writer", "", ("title",), {"$expand": "writer"}),
        (f"Book/$entityset/{ID}/$clean=true", "", ("$entityset", ID), {"$clean": "true"}),
        ("Book/$filter='a'b'c'", "$filter=d", (), {"$filter": "d"}),
        ("Book/$top=3&$skip=1", "$top=5&$clean=1", (), {"$top": "5", "$skip": "1", "$clean": "1"}),
        # The path is decoded already; a plus is a plus.
        ("Book/$filter=a=50%25", "", (), {"$filter": "a=50%25"}),
        ('Book/$filter="%22+"', "", (), {"$filter": "%22+"}),
        # Quotes protect a part.
        ("Book/'$filter=a'", "", ("'$filter=a'",), {}),
        ("Book/x$filter=a", "", ("x$filter=a",), {}),
        ("Book/$none", "", ("$none",), {}),
        ("Book/$=1", "", ("$=1",), {}),
    ],
)
def test_a_query_string_in_the_path(
    path: str, query: str, parts: tuple[str, ...], expected: dict[str, str]
) -> None:
    address = parse(path, query)
    assert (address.head, address.parts, address.written) == ("Book", parts, {})
    assert dict(address.params) == expected


def test_a_key_is_no_query_string() -> None:
    assert parse("Book('x/$filter=a')", "") == Address("Book", ("x/$filter=a",), None, (), {})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ('Book/$filter="a', [1809, 1806]),
        ("Book/$filter='a", [1808, 1806]),
        ("Book/$filter=a&'b'=1", [1806]),
    ],
)
def test_malformed_query_string_in_the_path(path: str, expected: list[int]) -> None:
    assert codes(path) == expected


# The query string.


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("&&", {}),
        ("=5&&$top=1", {"$top": "1"}),
        ("$top=5", {"$top": "5"}),
        ("$top=5&", {"$top": "5"}),
        ("%24top=5", {"$top": "5"}),
        ("$TOP=5", {"$top": "5"}),
        ("$top=1&$TOP=2", {"$top": "2"}),
        ("$limit=5", {"$top": "5"}),
        ("$top=1&$limit=2", {"$top": "2"}),
        ("$Limit=2&$top=1", {"$top": "1"}),
        ("limit=2&top=1&Page=3", {"limit": "2", "top": "1", "page": "3"}),
        ("filter=a=1", {"$filter": "a=1"}),
        ('filter="a=1"', {"$filter": "a=1"}),
        ("$filter=a&filter=b", {"$filter": "b"}),
        ("filter=a&%24filter=b", {"$filter": "b"}),
        ("$clean", {"$clean": ""}),
        ("$clean=", {"$clean": ""}),
        ("$expand&$top=1", {"$expand": "", "$top": "1"}),
        ("$savedfilter=$all", {"$savedfilter": "$all"}),
        # Percent-encoding.
        ("$attributes=a%2Cb", {"$attributes": "a,b"}),
        ("$orderby=n%C3%A9e", {"$orderby": "née"}),
        ("$orderby=née", {"$orderby": "née"}),
        ("$orderby=%C3%A9é", {"$orderby": "éé"}),
        ("$filter=a%20%3D%201%20%26%20b", {"$filter": "a = 1 & b"}),
        ("$filter=100%", {"$filter": "100%"}),
        ("$filter=%zz%4", {"$filter": "%zz%4"}),
        ("$filter=%2541", {"$filter": "%41"}),
        # Blanks around a name.
        ("$top=1& $skip=2&%20$method=entityset", {"$top": "1", "$skip": "2", "$method": "entityset"}),
        ("$top=1&%09%0A$skip =2&\t$clean", {"$top": "1", "$skip": "2", "$clean": ""}),
        # "+" is a character, except in a form-encoded $params.
        ("$filter=a+b", {"$filter": "a+b"}),
        ("$params=[1,+2]", {"$params": "[1,+2]"}),
        ("$params='[\"a+b\"]'", {"$params": '["a+b"]'}),
        ("$params=%27%5B%22a+b%22%5D%27", {"$params": '["a b"]'}),
        ("$params='%5B%22a+b%2Bc%22%5D'", {"$params": '["a b+c"]'}),
        ("$params=\"%7B'a':+1%7D\"", {"$params": "{'a': 1}"}),
        ("$params= %22%5b1,+2%5d%22", {"$params": "[1, 2]"}),
        ("$params='[%22a+b%22]'", {"$params": '["a+b"]'}),
        ("$params=%5B%22a+b%2Bc%22%5D", {"$params": '["a b+c"]'}),
        ("%24PARAMS=%5b1,+2%5d", {"$params": "[1, 2]"}),
        ("$params=%7B%22a%22:+1%7d", {"$params": '{"a": 1}'}),
        ("$filter=%5Ba+b%5D", {"$filter": "[a+b]"}),
        # Outer quotes.
        ('$filter="a = 1"', {"$filter": "a = 1"}),
        ("$filter='a = 1'", {"$filter": "a = 1"}),
        ("$filter=%22a = 1%22", {"$filter": "a = 1"}),
        ("$filter=%27a = 1%27", {"$filter": "a = 1"}),
        ('$filter=%22a = 1"', {"$filter": "a = 1"}),
        ('$filter=""', {"$filter": ""}),
        ("$filter=''&$top=1", {"$filter": "", "$top": "1"}),
        ('$top="5"', {"$top": "5"}),
        # Separators inside quotes.
        ('$filter="a = 1 & b = 2"&$top=1', {"$filter": "a = 1 & b = 2", "$top": "1"}),
        ("$filter='a=1&$top=2'&$skip=3", {"$filter": "a=1&$top=2", "$skip": "3"}),
        # The other quote inside is a character, raw or encoded.
        ("$params='[\"x\",1]'", {"$params": '["x",1]'}),
        ("$params='[%22x%22,1]'", {"$params": '["x",1]'}),
        ('$filter="lastName=O\'Reilly"', {"$filter": "lastName=O'Reilly"}),
        ('$filter="lastName=O%27Reilly"', {"$filter": "lastName=O'Reilly"}),
        # A quote that does not open the value is a character.
        ("$filter=lastName=O'Reilly", {"$filter": "lastName=O'Reilly"}),
        ('$filter=name="A&$top=1', {"$filter": 'name="A', "$top": "1"}),
        ('$filter= "a"', {"$filter": "a"}),
        ("$filter=%20%09'a'", {"$filter": "a"}),
        # An "&" between quotes does not split where they close again; an apostrophe is no quote.
        (
            "$filter=name=@'s&$params='[1]'",
            {"$filter": "name=@'s", "$params": "[1]"},
        ),
        (
            "$filter=name%3D%40%27s&$params=%27[1]%27",
            {"$filter": "name=@'s", "$params": "[1]"},
        ),
        ("$filter=a='x & y'&$top=1", {"$filter": "a='x & y'", "$top": "1"}),
        (
            "$filter=(%22a & b%22) or c%3D%27x&y%27&$top=1",
            {"$filter": "(\"a & b\") or c='x&y'", "$top": "1"},
        ),
        ("$filter=a=O'Reilly&$orderby='b'", {"$filter": "a=O'Reilly", "$orderby": "b"}),
        ("$filter=a=Andr%C3%A9's&$orderby='b'", {"$filter": "a=André's", "$orderby": "b"}),
        ("$filter=a=%4F'Reilly&$orderby='b'", {"$filter": "a=O'Reilly", "$orderby": "b"}),
        (r"$filter=a=\'x&$orderby='b'", {"$filter": r"a=\'x", "$orderby": "b"}),
        ("$filter=a=x\\&$orderby='b'", {"$filter": "a=x\\", "$orderby": "b"}),
        # Pieces are joined.
        ("$filter='ID = 12' or 'ID = 22'", {"$filter": "ID = 12 or ID = 22"}),
        ("$filter=%27ID = 12%27%20or%20'ID = 22'", {"$filter": "ID = 12 or ID = 22"}),
        ("$filter='id = '7", {"$filter": "id = 7"}),
        ("$filter='id = '7 &$top=1", {"$filter": "id = 7", "$top": "1"}),
        ('$filter="lastName begin "sm""', {"$filter": "lastName begin sm"}),
        ("$filter='lastName = 'Smith''", {"$filter": "lastName = Smith"}),
        ('$filter="name="Acme""', {"$filter": "name=Acme"}),
        ('$filter="name="Acme""/', {"$filter": "name=Acme"}),
        ('$filter="a"b', {"$filter": "ab"}),
        ('$filter="a"//', {"$filter": "a//"}),
        ("$filter='path = '/home/", {"$filter": "path = /home/"}),
        ("$filter='a & 'b&$top=1", {"$filter": "a & b", "$top": "1"}),
        (r'$filter="a = "\"x\" or "b"', {"$filter": r"a = \"x\" or b"}),
        ('$params="["Smith"]"&$top=1', {"$params": "[Smith]", "$top": "1"}),
        ("$params='[\"O'Neil\"]'&$top=1", {"$params": '["O\'Neil"]', "$top": "1"}),
        ("$orderby='ID' desc", {"$orderby": "ID desc"}),
        ("$attributes='ID','lastName'", {"$attributes": "ID,lastName"}),
        ("$attributes=ID, 'lastName' ,\"x\"", {"$attributes": "ID,lastName,x"}),
        ("$expand=a,'b'", {"$expand": "a,b"}),
        ("$attributes=it's,'b,c'", {"$attributes": "it's,'b,c'"}),
        ("$atomic='true'", {"$atomic": "true"}),
        # Escapes do not close the value, and stay for the language of the value.
        (r'$filter="name = \"A\""', {"$filter": r"name = \"A\""}),
        (r'$filter="name in [\"A\",\"B\"]"', {"$filter": r"name in [\"A\",\"B\"]"}),
        (r"$filter='O\'Neil'", {"$filter": r"O\'Neil"}),
        (r'$filter="a\u0022b"', {"$filter": r"a\u0022b"}),
        (r"$params='[\"O\u0027Reilly\"]'", {"$params": r"[\"O\u0027Reilly\"]"}),
        ("$filter=%22a%5C%22b%22", {"$filter": r"a\"b"}),
        ("$filter=%22a%5c%22b%22", {"$filter": r"a\"b"}),
        ("$filter=%22a\\%22b%22", {"$filter": r"a\"b"}),
        ('$filter="a%5C"b"', {"$filter": r"a\"b"}),
        (r'$filter="a\\"', {"$filter": r"a\\"}),
        ("$filter=%22a%5C%5C%22", {"$filter": r"a\\"}),
        ("$filter=%22a%5C\\%22", {"$filter": r"a\\"}),
        ('$filter="a\\%zb"', {"$filter": r"a\%zb"}),
        ('$filter="100%"', {"$filter": "100%"}),
        ('$filter="a\\\nb"', {"$filter": "a\\\nb"}),
        # The stray slash.
        ('$filter="a"/', {"$filter": "a"}),
        ('$filter="a"%2F', {"$filter": "a"}),
        ('$filter="a"/&$top=1', {"$filter": "a", "$top": "1"}),
        ('$filter="a" &$top=1', {"$filter": "a", "$top": "1"}),
        ('$filter="a"%20', {"$filter": "a"}),
        ("$rawPict=image/", {"$rawpict": "image/"}),
    ],
)
def test_query(query: str, expected: dict[str, str]) -> None:
    assert params(query) == expected


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("$filter='a = 1' & 'b = 2'", "the name of a parameter holds a quote"),
        ("$filter=a = 1 & 'b = 2'", "the name of a parameter holds a quote"),
        ("$filter='a'&%22", "the name of a parameter holds a quote"),
        ("O'x=1", "the name of a parameter holds a quote"),
        ("$params='[\"O'Neil & Sons\"]'", "the name of a parameter holds a quote"),
        ("$filter=%FF", "a percent-encoded text is not UTF-8"),
        ("%FF=1", "a percent-encoded text is not UTF-8"),
        ('$filter="%C3"', "a percent-encoded text is not UTF-8"),
        ("$filter=%ED%A0%80", "a percent-encoded text is not UTF-8"),
        ("$filter=%00", "it holds a character that is not allowed"),
        ("%00=1", "it holds a character that is not allowed"),
        ("$filter=\0", "it holds a character that is not allowed"),
        ("$filter=\ud83d", "it holds a character that is not allowed"),
        ("a" * (MAX_QUERY + 1), "the query string is longer than 65536 characters"),
    ],
)
def test_malformed_query(query: str, text: str) -> None:
    assert codes("", query) == [1806]
    assert reason("", query) == text


@pytest.mark.parametrize("backslash", ["\\", "%5C", "%5c"])
@pytest.mark.parametrize(("quote_", "code"), [('"', 1809), ("%22", 1809), ("'", 1808), ("%27", 1808)])
def test_unclosed_quote_in_the_query(quote_: str, code: int, backslash: str) -> None:
    assert codes("Book", f"$filter={quote_}") == [code, 1806]
    assert codes("Book", f"$filter={quote_}a = 1&$top=2") == [code, 1806]
    assert codes("Book", f"$filter={quote_}a{backslash}{quote_}") == [code, 1806]
    assert codes("Book", f"$filter={quote_}a{backslash}") == [code, 1806]
    assert codes("Book", f"$filter={quote_}a{backslash * 3}{quote_}") == [code, 1806]
    assert codes("Book", f"$filter={quote_}a%") == [code, 1806]


def test_limits_are_inclusive() -> None:
    assert parse("a" * MAX_PATH, "").head == "a" * MAX_PATH
    assert params("$a=" + "b" * (MAX_QUERY - 3)) == {"$a": "b" * (MAX_QUERY - 3)}


def test_reasons_never_echo_the_request() -> None:
    for path, query in [("Employee(1)\x1b[31m", ""), ("", "\x1b[31m'=1"), ("$\x1b(1)", "")]:
        assert re.fullmatch(r"[ -~]+", reason(path, query))


# The request lines of real clients (``clients.md`` 1 to 5).


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        pytest.param(
            "Employee",
            "$expand=employer,a.b&$filter=%22name%20=%20:1%20and%20n%20%3E%20:2%22"
            "&$orderby=lastName%20desc&$params=%27[%22R+D%22,3,null,true,[%22x%22,1]]%27"
            "&$limit=40&$skip=2&$method=entityset",
            {
                "$expand": "employer,a.b",
                "$filter": "name = :1 and n > :2",
                "$orderby": "lastName desc",
                "$params": '["R+D",3,null,true,["x",1]]',
                "$top": "40",
                "$skip": "2",
                "$method": "entityset",
            },
            id="wakanda-client",
        ),
        pytest.param(
            "Employee/",
            "$skip=0&$top=40&$filter=%27name%20%3D%20%22A%20%26%20B%22%27"
            "&$params='%5B%22a%22%5D'&$savedfilter='name%20%3D%20A'&$orderby=name desc",
            {
                "$skip": "0",
                "$top": "40",
                "$filter": 'name = "A & B"',
                "$params": '["a"]',
                "$savedfilter": "name = A",
                "$orderby": "name desc",
            },
            id="WAF",
        ),
        pytest.param(
            "Employee",
            '$filter="(name = \\u0022A %26 B\\u0022) %26%26 n %3D 1+1"&$orderby="name desc"&'
            + urlencode(
                {
                    "$params": '["R D+",1]',
                    "$attributes": "name,employer.name",
                    "$top": 5,
                    "$expand": "employer.*",
                }
            ),
            {
                "$filter": "(name = \\u0022A & B\\u0022) && n = 1+1",
                "$orderby": "name desc",
                "$params": '["R D+",1]',
                "$attributes": "name,employer.name",
                "$top": "5",
                "$expand": "employer.*",
            },
            id="@4d/rest",
        ),
        pytest.param(
            "Employee",
            '$filter="(name=:email) AND __GlobalStamp>=12"&$extendedAttributes=true&$limit=100000'
            "&$params='%7B%22email%22%3A%22a%2Bb%40c.d%22%7D'",
            {
                "$filter": "(name=:email) AND __GlobalStamp>=12",
                "$extendedattributes": "true",
                "$top": "100000",
                "$params": '{"email":"a+b@c.d"}',
            },
            id="4D for Android",
        ),
        pytest.param("$upload", "$rawPict=true", {"$rawpict": "true"}, id="seed"),
        pytest.param("Employee/", "$method=update", {"$method": "update"}, id="seed-update"),
    ],
)
def test_client_requests(path: str, query: str, expected: dict[str, str]) -> None:
    assert parse(path, query) == Address(path.rstrip("/"), None, None, (), expected)


def test_frozen() -> None:
    address = parse("Book", "$top=1")
    with pytest.raises(FrozenInstanceError):
        address.head = "x"  # type: ignore[misc]
    with pytest.raises(TypeError):
        address.params["$top"] = "2"  # type: ignore[index]


# Writing keys.


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("12", "12"),
        ("F91DF62E6B93462DB2E538F04B518FD6", "F91DF62E6B93462DB2E538F04B518FD6"),
        ("-7", "-7"),
        ("2026-11-22", "2026-11-22"),
        ("a.b@c.d", "a.b@c.d"),
        ("été", "%C3%A9t%C3%A9"),
        ("a b", "a%20b"),
        ("100%", "100%25"),
        ("a+b", "a%2Bb"),
        ("a#b", "a%23b"),
        (r"C:\dir", "C:%5Cdir"),
        ("", "''"),
        ("a/b", "'a%2Fb'"),
        ("a?b", "'a%3Fb'"),
        ("a&b", "'a%26b'"),
        ("a,b", "'a,b'"),
        ("a(b)", "'a(b)'"),
        ("a]", "'a%5D'"),
        ('a"b', "'a%22b'"),
        ("O'Neil", "%22O'Neil%22"),
        ("'\"", "%22'%22%22%22"),
        ("a/\\", "'a%2F%5C%5C'"),
        ("\ud800", "%3F"),
    ],
)
def test_key_text(key: str, text: str) -> None:
    assert key_text(key) == text


well_formed = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
nasty = st.text(alphabet="ab1\\'\"/,()[]&?%u0027 .+\n", max_size=12)


@modest
@given(st.one_of(nasty, well_formed), st.sampled_from(["", "/photo"]))
@example("", "")
@example("\\", "/photo")
@example("'\\\"", "")
@example("a/../b", "")
@example(r"\u0027'", "")
def test_an_emitted_key_reads_back(key: str, part: str) -> None:
    uri = f"/rest/Employee({key_text(key)}){part}"
    assert re.fullmatch(r"[!-~]+", uri)
    sent = urlsplit(urljoin("http://localhost/rest/Company", uri))
    assert (sent.query, sent.fragment) == ("", "")
    address = parse(unquote(sent.path).removeprefix("/rest"), "")
    assert (address.head, address.keys) == ("Employee", (key,))
    assert address.parts == tuple(filter(None, part.split("/")))
    unique = parse(unquote(f"Employee:name({key_text(key)})"), "")
    assert (unique.unique, unique.keys) == ("name", (key,))


@modest
@given(st.lists(nasty, min_size=1, max_size=4))
def test_emitted_keys_read_back_as_a_list(keys: list[str]) -> None:
    path = f"Employee({','.join(map(key_text, keys))})"
    assert parse(unquote(path), "").keys == tuple(keys)


# Properties of the whole.


def parsed_or_refused(path: str, query: str) -> None:
    try:
        address = parse(path, query)
    except RestError as error:
        assert error.status == 400
        assert [item.row.code for item in error.items] in ([1806], [1808, 1806], [1809, 1806])
        assert all(re.fullmatch(r"[ -~]{1,100}", item.message) for item in error.items)
    else:
        assert all(address.parts)
        assert all(name == name.lower() != "" for name in address.params)
        assert (address.unique is None) or len(address.keys or ()) == 1
        try:
            assert (address.set_id or address.names or "") in "/".join(address.parts)
        except RestError as error:
            assert [item.row.code for item in error.items] == [1806]


@modest
@given(
    st.one_of(st.text(), st.text(alphabet="Ab:$'\"()[]/,\\ \0")),
    st.one_of(st.text(), st.text(alphabet="$a='\"%257c&+\\/ \ud800")),
)
def test_any_text_is_parsed_or_refused(path: str, query: str) -> None:
    parsed_or_refused(path, query)


@modest
@given(
    st.dictionaries(
        st.from_regex(r"\$[a-z]{1,8}", fullmatch=True).filter(lambda name: name != "$limit"),
        # An encoded quote that begins no value opens all the same, and may close in a later one.
        well_formed.map(lambda value: re.sub(r"(?<![A-Za-z0-9])['\"]", "", value)),
        max_size=4,
    )
)
def test_encoded_parameters_read_back(given_params: dict[str, str]) -> None:
    query = "&".join(f"{quote(name)}={quote(value)}" for name, value in given_params.items())
    assert params(query) == given_params


@modest
@given(
    st.lists(st.sampled_from(["a", "&", "=", " ", "é", "%", '"', "'", "\\\\", r"\"", r"\'"])),
    st.sampled_from("'\""),
    st.data(),
)
def test_encoding_a_quoted_value_changes_nothing(
    pieces: list[str], outer: str, data: st.DataObject
) -> None:
    """Which characters of a quoted value arrive percent-encoded must not matter."""
    value = "".join(piece for piece in pieces if piece != outer)
    raw = f"{outer}{value}{outer}"
    encoded = "".join(
        quote(character, safe="") if character == "%" or data.draw(st.booleans()) else character
        for character in raw
    )
    assert params(f"$filter={encoded}&$top=1") == {"$filter": value, "$top": "1"}


@pytest.mark.parametrize(
    "unit",
    ["'", '"', "\\", "%", "&", "=", "%22", "%5C", "$a='\\'", "$a='b'&", "''", "a=%&", "/$a=", "/$"],
)
def test_time_is_linear(unit: str) -> None:
    started = time.process_time()
    for prefix in ("", "$filter='", '$filter="'):
        parsed_or_refused("", (prefix + unit * MAX_QUERY)[:MAX_QUERY])
    for prefix in ("", "Book('", "Book(", "Book/'"):
        parsed_or_refused((prefix + unit * MAX_PATH)[:MAX_PATH], "")
    assert time.process_time() - started < 2
