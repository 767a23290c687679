"""The requests of known 4D clients, a row each, all of which are played here.

Sources of the rows: wakanda-client 3.1 (Node and browser builds), QMobileAPI for iOS and Android,
``@4d/rest``, and WAF. ``test_rows.py`` fails if a row has no test. What is not served yet is played as
well (``test_later.py``): a client must be told so by the status.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pytest


class What(StrEnum):
    WRITES = "writes"
    READS = "reads"
    LATER = "later"


@dataclass(frozen=True)
class Row:
    """``source`` is the request as the client sends it; ``reason`` says why it is not served."""

    id: str
    source: str
    what: What = What.WRITES
    reason: str = ""


READS = (What.READS,)
FUNCTIONS = (What.LATER, "needs exposed functions")
LOGIN = (What.LATER, "needs the $directory login")
SYNC = (What.LATER, "a read whose body says what is shown, for mobile clients")
LOCKS = (What.LATER, "needs $lock")
ELSEWHERE = (What.LATER, "a handler of 4D for mobile or of transactions, no part of /rest (D-31)")


def _wakanda(build: str) -> tuple[Row, ...]:
    """What both builds of wakanda-client send; the test plays the build's own transport."""

    def row(name: str, source: str, *rest: Any) -> Row:
        return Row(f"wakanda-{build}-{name}", source, *rest)

    return (
        row("catalog", "GET /rest/$catalog/$all, /rest/$catalog/A,B", *READS),
        row("find", "GET {dataURI}(key)?$expand=…", *READS),
        row("query", "GET {dataURI}?…&$method=entityset", *READS),
        row("page", "GET {__ENTITYSET}?$limit=n&$skip=m&$method=subentityset", *READS),
        row("deferred", "GET {__deferred.uri}&$limit=…&$method=subentityset", *READS),
        row("fetch", "GET {dataURI}(key)", *READS),
        row("save-new", 'POST {dataURI}?$method=update, "ID":null, relations as key text or null'),
        row("save-new-expand", "POST {dataURI}?$method=update&$expand=rel"),
        row("save-old", "POST {dataURI}?$method=update, __KEY, __STAMP, ID + changed attributes"),
        row("save-old-expand", "POST {dataURI}?$method=update&$expand=rel"),
        row("save-old-unchanged", "save() old: same stamp if nothing changed"),
        row("save-old-stale", "save() old: status >= 400 rejects"),
        row("recompute", "POST {dataURI}?$method=update&$refresh=true"),
        row("delete", "POST {dataURI}(key)?$method=delete, no body"),
        row("function", "POST {dataURI}/f, {dataURI}(key)/f, {__ENTITYSET}/f, $emMethod=f", *FUNCTIONS),
        row("upload-image", "POST {dataURI}(key)/photo?$rawPict=<file.type>, raw bytes, then GET"),
        row("upload-blob", "POST {dataURI}(key)/cv, raw bytes, no parameter, then GET"),
        row("media-delete-image", 'POST {dataURI}(key), {"__KEY","__STAMP","photo":null}, then GET'),
        row("media-delete-blob", 'POST {dataURI}(key), {"__KEY","__STAMP","cv":null}, then GET'),
        row("login", 'POST /rest/$directory/login, ["u","p",3600]', *LOGIN),
        row("logout", "GET /rest/$directory/logout", *LOGIN),
        row("current-user", "GET /rest/$directory/currentUser", *LOGIN),
        row("belongs-to", "POST /rest/$directory/currentUserBelongsTo", *LOGIN),
    )


ROWS: tuple[Row, ...] = (
    *_wakanda("node"),
    *_wakanda("browser"),
    # 4D for iOS.
    Row("ios-status", "GET /mobileapp/", *READS),
    Row("ios-catalog", "GET $catalog, $catalog/$all, $catalog/{T}", *READS),
    Row("ios-records", "GET T?$limit&$skip&$filter&$params&$orderby&$expand&$attributes", *READS),
    Row("ios-records-extended", "POST T?$extendedAttributes=true", *SYNC),
    Row("ios-record", "GET T(key)", *READS),
    Row("ios-set", "$entityset/{id}, $method=entityset|release|subentityset", *READS),
    Row("ios-update", "POST $method=update"),
    Row("ios-validate", "POST $method=validate"),
    Row("ios-delete", "POST $method=delete"),
    Row("ios-compute", "GET T/attr?$compute=…", *READS),
    Row("ios-upload-image", "POST $upload?$rawPict=true, Content-Type = MIME (image/jpg occurs)"),
    Row("ios-upload-file", "POST $upload without a parameter, Content-Type = MIME"),
    Row("ios-upload-timeout", "POST $upload?$timeout=…"),
    Row("ios-action", "POST $action/{name}, $authenticate, $verify, $logout, $userInfo", *ELSEWHERE),
    Row("ios-info", "GET $info[/cacheInfo|entitySet|progressInfo|sessionInfo]", *READS),
    Row("ios-method", "GET T/method", *FUNCTIONS),
    Row("ios-transaction", "GET $transaction/$start|$rollback|$pause|$resume", *ELSEWHERE),
    # 4D for Android.
    Row("android-catalog", "GET $catalog, $catalog/$all, $catalog/{T}, $info", *READS),
    Row("android-records", "GET T(key), GET T?…&$limit=100000", *READS),
    Row("android-records-extended", "POST T?…&$extendedAttributes=true", *SYNC),
    Row("android-action", "POST $action/{n}, $authenticate, $logout, $userInfo", *ELSEWHERE),
    Row("android-upload-image", "POST $upload?$rawPict=true, application/octet"),
    Row("android-upload-pdf", "POST $upload?$rawPict=true also for PDFs, application/octet"),
    # @4d/rest.
    Row("rest4d-catalog", "GET $catalog, $catalog/$all?$metadata=full", *READS),
    Row("rest4d-entity", "GET X(key), X:attr(value)", *READS),
    Row("rest4d-update-one", "POST X?$method=update, one object"),
    Row("rest4d-update-array", "POST X?$method=update&$asArray=true, an array"),
    Row("rest4d-update-array-error", "an array with a failing element: __ERROR inside the elements"),
    Row("rest4d-delete", "POST X(key)?$method=delete with {} as body"),
    Row("rest4d-delete-filter", "POST X?$filter…&$method=delete"),
    Row("rest4d-count", "GET X?$top=0, X/a?$compute|$distinct", *READS),
    Row("rest4d-set", "X?$method=entityset, $entityset/{id}?…, $logicOperator, $clean", *READS),
    Row("rest4d-related", "X(1)/rel?$expand=rel&$method=subentityset", *READS),
    Row("rest4d-lock", "X(1)?$lock=true|false", *LOCKS),
    Row("rest4d-function", "POST $catalog/f, X/f, X(1)/f, $singleton/S/f", *FUNCTIONS),
    Row("rest4d-login", "POST $catalog/authentify, $directory/login", *LOGIN),
    # WAF and angular-wakanda.
    Row("waf-save-new", 'POST /rest/X/?$method=update, {"__ENTITIES":[{…}]}, __ISNEW'),
    Row("waf-save-old", 'POST /rest/X/?$method=update, {"__ENTITIES":[{…}]}'),
    Row("waf-save-stale", "reads __ERROR in __ENTITIES[0]"),
    Row("waf-override", "-__STAMP = override"),
    Row("waf-delete", "POST /rest/X/(1,2)?$method=delete"),
    Row("waf-set", "$savedfilter, $addToSet, $removeFromSet", *READS),
    Row("waf-complete", "GET /rest/X/attr?$distinct=true&$top=20", *READS),
    Row("waf-login", "$directory/login", *LOGIN),
    # angular-wakanda bundles wakanda-client, the browser build: the same requests.
)


def plays(*ids: str) -> Callable[[Any], Any]:
    """Mark a test that plays these rows: it runs once for each, under its id, as argument ``row``."""
    return pytest.mark.parametrize("row", ids, ids=ids)


def both_builds(name: str) -> Callable[[Any], Any]:
    """Mark a test that plays a row of wakanda-client with the transport of either build."""
    return plays(f"wakanda-node-{name}", f"wakanda-browser-{name}")
