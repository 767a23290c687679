"""What known clients ask for and this server does not serve yet: it says so, and changes nothing."""

from __future__ import annotations

from typing import Any

from .harness import Gunicorn
from .people import HEADERS
from .rows import ROWS, What, plays
from .transports import Ios, Rest4D, WakandaBrowser, WakandaNode

FUNCTIONS = [
    ("POST", "/rest/Employee/f", [1], 404),
    ("POST", "/rest/Employee(12)/f", [], 404),
    ("POST", "/rest/Employee(12)/team?$expand=team&$method=subentityset&$emMethod=f", [], 501),
]
LOGIN = [("POST", "/rest/$directory/login", ["u", "p", 3600], 501)]
BUILD: dict[str, list[tuple[str, str, Any, int]]] = {
    "function": FUNCTIONS,
    "login": LOGIN,
    "logout": [("GET", "/rest/$directory/logout", None, 501)],
    "current-user": [("GET", "/rest/$directory/currentUser", None, 501)],
    "belongs-to": [("POST", "/rest/$directory/currentUserBelongsTo", ["g"], 501)],
}
REQUESTS: dict[str, list[tuple[str, str, Any, int]]] = {
    **{
        f"wakanda-{build}-{name}": asked
        for build in ("node", "browser")
        for name, asked in BUILD.items()
    },
    "ios-records-extended": [
        ("POST", "/mobileapp/Employee?$extendedAttributes=true", {"ID": True}, 501)
    ],
    "ios-method": [("GET", "/mobileapp/Employee/f", None, 404)],
    "ios-action": [
        ("POST", f"/mobileapp/${name}", {"email": "a@example.com"}, 501)
        for name in ("action/x", "authenticate", "verify", "logout", "userInfo")
    ],
    "ios-transaction": [
        ("GET", f"/mobileapp/$transaction/${name}", None, 501)
        for name in ("start", "rollback", "pause", "resume")
    ],
    "android-records-extended": [
        ("POST", "/mobileapp/Employee?$extendedAttributes=true&$limit=2", {"ID": True}, 501)
    ],
    "android-action": [
        ("POST", f"/mobileapp/${name}", {}, 501)
        for name in ("action/x", "authenticate", "logout", "userInfo")
    ],
    "rest4d-lock": [
        ("GET", f"/rest/Employee(12)?%24lock={value}", None, 501) for value in ("true", "false")
    ],
    "rest4d-function": [
        *FUNCTIONS[:2],
        ("POST", "/rest/$catalog/f", [], 404),
        ("POST", "/rest/$singleton/S/f", [], 501),
    ],
    "rest4d-login": [("POST", "/rest/$catalog/authentify", [], 404), *LOGIN],
    "waf-login": LOGIN,
}


@plays(*(row.id for row in ROWS if row.what is What.LATER))
def test_what_comes_later(row: str, mobile_server: Gunicorn) -> None:
    transport = {"wakanda-node": WakandaNode, "wakanda-browser": WakandaBrowser}.get(
        row.rpartition("-")[0][:15], Rest4D
    )
    client = (Ios if row.startswith(("ios", "android")) else transport)(mobile_server)
    for verb, target, body, status in REQUESTS[row]:
        if verb == "GET":
            answer = client.get(target)
        else:
            answer = client.post(target, repr(body).replace("'", '"').lower().encode())
        assert (target, answer.status) == (target, status)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS
        assert answer.json["__ERROR"][0]["message"]
