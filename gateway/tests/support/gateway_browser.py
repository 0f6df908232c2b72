"""A browser's manners over the gateway's app: keeps cookies, fills in forms with their hidden fields, reads pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import unescape
from http.cookies import SimpleCookie
from typing import Any

import httpx

SESSION = "__Host-vitrine_session"
FORM = "__Host-vitrine_form"
_INPUT = re.compile(r"<input\b[^>]*>", re.DOTALL)


def attributes(tag: str) -> dict[str, str]:
    """The attributes of a start tag; one without a value is empty."""
    found = re.findall(r'\s([a-zA-Z-]+)(?:="([^"]*)")?', tag)
    return {name: unescape(value) for name, value in found}


@dataclass
class Browser:
    """Cookies over a client; the app's cookies are `Secure`, which httpx would keep back on plain http."""

    client: httpx.AsyncClient
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **options: Any) -> httpx.Response:
        return await self.send("GET", path, **options)

    async def send(
        self, method: str, path: str, headers: dict[str, str] | None = None, **options: Any
    ) -> httpx.Response:
        given = dict(headers or {})
        if self.cookies:
            given["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        response = await self.client.request(method, path, headers=given, **options)
        for header in response.headers.get_list("set-cookie"):
            for name, morsel in SimpleCookie(header).items():
                if morsel["max-age"] == "0" or not morsel.value:
                    self.cookies.pop(name, None)
                else:
                    self.cookies[name] = morsel.value
        return response

    async def fill(
        self, path: str, values: dict[str, Any] | None = None, *, action: str | None = None, files: Any = None
    ) -> httpx.Response:
        """Opens the page, fills in its form (the one to `action`, else to the page itself) and sends it."""
        page = await self.get(path)
        assert page.status_code == 200, f"{path} answered {page.status_code}"
        found = form_values(page.text, action or path.partition("?")[0])
        # A file part makes the client encode as multipart, as the browser does for such a form.
        return await self.send("POST", action or path, data={**found, **(values or {})}, files=files)


def form_values(page: str, action: str) -> dict[str, Any]:
    """What a browser would send of the form with this action, untouched."""
    forms = re.findall(r"<form\b([^>]*)>(.*?)</form>", page, re.DOTALL)
    chosen = [
        body
        for head, body in forms
        if 'method="post"' in head and attributes(head).get("action", action) == action
    ]
    assert chosen, f"no form posts to {action}"
    body = chosen[-1] if len(chosen) > 1 else chosen[0]
    found: dict[str, Any] = {}

    def put(name: str, value: str) -> None:
        known = found.get(name)
        found[name] = value if known is None else [*(known if isinstance(known, list) else [known]), value]

    for tag in _INPUT.findall(body):
        entry = attributes(tag)
        kind = entry.get("type", "text")
        if (
            "name" not in entry
            or kind == "file"
            or (kind in {"checkbox", "radio"} and "checked" not in entry)
        ):
            continue
        put(entry["name"], entry.get("value", "y" if kind == "checkbox" else ""))
    for head, text in re.findall(r"<textarea\b([^>]*)>(.*?)</textarea>", body, re.DOTALL):
        put(attributes(head)["name"], unescape(text).removeprefix("\r\n").removeprefix("\n"))
    for head, options in re.findall(r"<select\b([^>]*)>(.*?)</select>", body, re.DOTALL):
        picked = re.search(r"<option\b[^>]*\bselected\b[^>]*>", options) or re.search(
            r"<option\b[^>]*>", options
        )
        if picked:
            put(attributes(head)["name"], attributes(picked[0]).get("value", ""))
    return found


def words(page: str) -> str:
    """The visible text of a page, its white space collapsed."""
    bare = re.sub(r"<(script|style)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", bare)).split())
