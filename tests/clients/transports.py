"""How each client puts a request on the wire: header by header, its faults included."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, urlencode

from .harness import Answer, Gunicorn, request


def compact(value: Any) -> str:
    """JSON as JavaScript writes it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Client:
    """A client of ``server``; ``json``, ``bare`` and ``raw`` are the ways in which it posts."""

    def __init__(self, server: Gunicorn) -> None:
        self.server = server

    def headers(self) -> dict[str, str]:
        return {"Host": self.server.host}

    def get(self, target: str) -> Answer:
        return self.server.send(request("GET", target, {**self.headers(), "Connection": "close"}))

    def read(self, path: str, **params: Any) -> Answer:
        """A read of an address with parameters, named without their ``$``, in this order."""
        query = "&".join(f"${name}={value}" for name, value in params.items())
        joint = "" if not query else "&" if "?" in path else "?"
        return self.get(self.escaped(f"{path}{joint}{query}"))

    def escaped(self, target: str) -> str:
        """``target`` as the client's library sends it."""
        return quote(target, safe="/?&=$()[]'!*:,;@+%-._~")

    def post(self, target: str, body: bytes, **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.server.send(request("POST", target, {**self.headers(), **named}, body))


class WakandaNode(Client):
    """wakanda-client on Node: its library changes type and text of every JSON body."""

    def escaped(self, target: str) -> str:
        # Other characters than these are sent as they are.
        for character, code in (('"', "%22"), (" ", "%20"), ("'", "%27"), ("<", "%3C"), (">", "%3E")):
            target = target.replace(character, code)
        return target

    def json(self, target: str, value: Any) -> Answer:
        body = compact(value)
        for character in "!'()*":
            body = body.replace(character, f"%{ord(character):02X}")
        return self.post(
            target,
            body.encode(),
            content_type="application/x-www-form-urlencoded",
            Connection="close",
        )

    def bare(self, target: str) -> Answer:
        return self.post(target, b"", Content_Type="application/json", Connection="close")

    def raw(self, target: str, content: bytes) -> Answer:
        return self.post(target, content, Content_Type="application/octet-stream", Connection="close")


class Browser(Client):
    """A page of the site itself."""

    def headers(self) -> dict[str, str]:
        return {
            "Host": self.server.host,
            "Connection": "keep-alive",
            "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Accept": "*/*",
            "Accept-Language": "en-US,en;q=0.5",
            "Accept-Encoding": "gzip, deflate",
            "Origin": f"http://{self.server.host}",
            "Referer": f"http://{self.server.host}/",
            "Sec-Fetch-Dest": "empty",
            "Sec-Fetch-Mode": "cors",
            "Sec-Fetch-Site": "same-origin",
        }


class WakandaBrowser(Browser):
    """wakanda-client in a browser: whatever it posts is labelled JSON."""

    def json(self, target: str, value: Any) -> Answer:
        return self.post(target, compact(value).encode(), Content_Type="application/json")

    def bare(self, target: str) -> Answer:
        return self.post(target, b"", Content_Type="application/json")

    def raw(self, target: str, content: bytes) -> Answer:
        return self.post(target, content, Content_Type="application/json")


class Waf(Browser):
    """Wakanda's browser framework: no cache is to answer in the server's place."""

    def headers(self) -> dict[str, str]:
        return {
            **super().headers(),
            "If-Modified-Since": "Thu, 1 Jan 1970 00:00:00 GMT",
            "Cache-Control": "no-cache",
        }

    def save(self, dataclass: str, entity: dict[str, Any]) -> Answer:
        body = compact({"__ENTITIES": [entity]}).encode()
        target = f"/rest/{dataclass}/?$method=update"
        return self.post(target, body, Content_Type="application/json;charset=UTF-8")

    def delete(self, dataclass: str, *keys: str) -> Answer:
        return self.post(f"/rest/{dataclass}/({','.join(keys)})?$method=delete", b"")


class Rest4D(Browser):
    """``@4d/rest``: names of parameters are escaped, a body is always there."""

    def read(self, path: str, **params: Any) -> Answer:
        """Two parameters are put into quotes as they are, all others are form-encoded."""
        parts = []
        for name, value in params.items():
            if name in ("filter", "orderby"):
                text = str(value).replace("&", "%26").replace("=", "%3D").replace('"', r"\u0022")
                parts.append(f'${name}="{text}"')
            else:
                parts.append(urlencode({f"${name}": value}))
        joint = "" if not parts else "&" if "?" in path else "?"
        target = self.escaped(f"{path}{joint}{'&'.join(parts)}")
        headers = {**self.headers(), "Content-Type": "application/json"}
        return self.server.send(request("GET", target, headers))

    def escaped(self, target: str) -> str:
        # As browsers escape a query string; the backslash stays.
        return super().escaped(target).replace("%5C", "\\").replace("'", "%27")

    def call(self, path: str, params: dict[str, str], value: Any = None) -> Answer:
        query = "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in params.items())
        body = compact({} if value is None else value).encode()
        return self.post(f"/rest/{path}?{query}", body, Content_Type="application/json")


class Ios(Client):
    """QMobileAPI for iOS."""

    def headers(self) -> dict[str, str]:
        return {
            "Host": self.server.host,
            "Accept": "*/*",
            "Accept-Language": "en-US;q=1.0",
            "Authorization": "Bearer eyJhbGciOiJub25lIn0",
            "User-Agent": "Sample/1.0 (com.example.sample; build:1; iOS 17.4.0) Alamofire/5.8.1",
        }

    def json(self, path: str, value: Any) -> Answer:
        return self.post(f"/mobileapp/{path}", compact(value).encode(), Content_Type="application/json")

    def upload(self, query: str, content: bytes, mime: str) -> Answer:
        return self.post(f"/mobileapp/$upload{query}", content, Content_Type=mime)


class Android(Client):
    """QMobileAPI for Android: cookies go out under the name that they came in with."""

    def headers(self) -> dict[str, str]:
        return {
            "X-QMobile": "1",
            "Authorization": "Bearer eyJhbGciOiJub25lIn0",
            "Set-Cookie": "4DSID_Sample=1F3A5C7E9B0D2F4A6C8E0B1D3F5A7C9E",
            "Host": self.server.host,
            "Connection": "Keep-Alive",
            "Accept-Encoding": "gzip",
            "User-Agent": "okhttp/5.0.0-alpha.2",
        }

    def upload(self, content: bytes) -> Answer:
        target = "/mobileapp/$upload?$rawPict=true"
        return self.post(target, content, Content_Type="application/octet")
