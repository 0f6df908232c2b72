"""Users and the catalog as the gateway's tests meet them: small services at the transport that keep what they are told."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid5

import httpx

NAMES = UUID("6f1c7f6c-6a53-4c1e-8d53-0c7f4a4d2f10")
NOW = "2026-05-12T09:30:00+00:00"
ALL_PERMISSIONS = ("catalog:read_drafts", "catalog:write", "catalog:import", "users:read")


def made_id(name: str) -> str:
    """The id of a thing with this name: the same in every run."""
    return str(uuid5(NAMES, name))


def answer(value: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=value, headers=headers)


def refusal(
    status: int, detail: str = "", errors: list[dict[str, Any]] | None = None, **members: Any
) -> httpx.Response:
    body = {"type": "/problems/x", "title": "Refused", "status": status, "detail": detail, **members}
    if errors:
        body["errors"] = errors
    return httpx.Response(status, json=body, headers={"Content-Type": "application/problem+json"})


@dataclass
class FakeService:
    """Routes requests to its own methods; can be stopped, slowed to an error, or made to answer nonsense."""

    stopped: bool = False
    garbled: bool = False
    failing: int | None = None
    seen: list[httpx.Request] = field(default_factory=list)

    def routes(self) -> list[tuple[str, str, Callable[..., httpx.Response]]]:
        raise NotImplementedError

    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self.handle)

    async def handle(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.seen.append(request)
        if self.stopped:
            raise httpx.ConnectError("stopped", request=request)
        if self.failing is not None:
            return refusal(self.failing, "This went wrong.")
        if self.garbled:
            return httpx.Response(200, content=b"<html>not what was agreed</html>")
        for method, pattern, view in self.routes():
            if method == request.method and (found := re.fullmatch(pattern, request.url.raw_path.decode().split("?")[0])):
                return view(request, *map(unquote, found.groups()))
        return refusal(404, "There is nothing here.")

    def last(self, method: str, ending: str = "") -> httpx.Request:
        """The latest request of this method to a path with this ending."""
        return next(r for r in reversed(self.seen) if r.method == method and r.url.path.endswith(ending))

    def asked(self, path: str) -> int:
        """How often a path was asked for."""
        return sum(request.url.path == path for request in self.seen)


def body_of(request: httpx.Request) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(request.content)
    return found


@dataclass
class FakeUsers(FakeService):
    """Accounts by address, sessions by their opaque value."""

    accounts: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, str] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    token_lifetime_s: float = 300

    def add(self, email: str, *permissions: str, password: str | None = "a long enough password", name: str = "") -> str:
        """An account with a session; returns the session."""
        self.accounts[email] = {
            "id": made_id(email),
            "email": email,
            "name": name or email.partition("@")[0].title(),
            "password": password,
            "permissions": list(permissions),
        }
        return self.begin(email)

    def begin(self, email: str) -> str:
        session = f"session-{len(self.sessions)}-of-{email}"
        self.sessions[session] = email
        return session

    def person(self, email: str) -> dict[str, Any]:
        account = self.accounts[email]
        roles = ["editor"] if account["permissions"] else ["customer"]
        return {
            **{name: account[name] for name in ("id", "email", "name", "permissions")},
            "roles": roles,
            "has_password": account["password"] is not None,
            "something_new": "ignored",
        }

    def routes(self) -> list[tuple[str, str, Callable[..., httpx.Response]]]:
        return [
            ("POST", "/internal/sessions/exchange", self.exchange),
            ("POST", "/internal/sessions/end", self.end),
            ("POST", "/internal/sessions", self.sign_in),
            ("POST", "/internal/sign-in-links/redeem", self.redeem),
            ("POST", "/api/users/v1/registrations", self.register),
            ("PATCH", "/api/users/v1/me", self.rename),
            ("POST", "/api/users/v1/me/password", self.set_password),
            ("DELETE", "/api/users/v1/me", self.delete),
            ("GET", "/readyz", lambda request: answer({"status": "ok", "version": "1.2.3"})),
            ("GET", "/api/users/openapi.json", lambda request: answer(OPENAPI)),
        ]

    def exchange(self, request: httpx.Request) -> httpx.Response:
        email = self.sessions.get(body_of(request)["session"])
        if email is None:
            return refusal(401, "This session has ended.")
        found = {"access_token": f"token-of-{email}", "token_type": "Bearer", "expires_in": self.token_lifetime_s}
        return answer({**found, "user": self.person(email)})

    def sign_in(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["password"] == "too often":
            return httpx.Response(429, json={"status": 429, "title": "Slow"}, headers={"Retry-After": "30"})
        account = self.accounts.get(body["email"])
        if account is None or account["password"] != body["password"]:
            return refusal(401, "The e-mail address or the password is wrong.")
        return self._begun(body["email"])

    def _begun(self, email: str) -> httpx.Response:
        found = {"session": self.begin(email), "expires_at": "2126-01-01T00:00:00+00:00", "user": self.person(email)}
        return answer(found, 201)

    def end(self, request: httpx.Request) -> httpx.Response:
        self.sessions.pop(body_of(request)["session"], None)
        return httpx.Response(204)

    def redeem(self, request: httpx.Request) -> httpx.Response:
        email = self.links.pop(body_of(request)["token"], None)
        return self._begun(email) if email else refusal(410, "This link was used.")

    def register(self, request: httpx.Request) -> httpx.Response:
        body = body_of(request)
        if body["email"] in self.accounts:
            return refusal(409, "There is an account with this address.")
        if body["password"].startswith("aaaa"):
            return refusal(422, "Weak", [{"field": "password", "message": "It repeats the same characters."}])
        self.add(body["email"], password=body["password"], name=body["name"])
        return answer(self.person(body["email"]), 201)

    def _me(self, request: httpx.Request) -> dict[str, Any]:
        return self.accounts[request.headers["Authorization"].removeprefix("Bearer token-of-")]

    def rename(self, request: httpx.Request) -> httpx.Response:
        account, name = self._me(request), body_of(request)["name"]
        if name == "\u202e":
            return refusal(422, "Name", [{"field": "name", "message": "That is no name."}])
        account["name"] = name
        return answer(self.person(account["email"]))

    def set_password(self, request: httpx.Request) -> httpx.Response:
        account, body = self._me(request), body_of(request)
        if body.get("current_password") == "too often":
            return httpx.Response(429, json={"status": 429, "title": "Slow"}, headers={"Retry-After": "600"})
        if account["password"] is not None and body.get("current_password") != account["password"]:
            return refusal(422, "", [{"field": "current_password", "message": "This is not your present password."}])
        account["password"] = body["new_password"]
        return httpx.Response(204)

    def delete(self, request: httpx.Request) -> httpx.Response:
        account, body = self._me(request), body_of(request)
        if body.get("password") == "too often":
            return httpx.Response(429, json={"status": 429, "title": "Slow"}, headers={"Retry-After": "5"})
        if account["password"] is not None and body.get("password") != account["password"]:
            return refusal(422, "", [{"field": "password", "message": "This is not your present password."}])
        del self.accounts[account["email"]]
        return httpx.Response(204)


def money(amount_minor: int | None, currency: str = "EUR") -> dict[str, Any] | None:
    return None if amount_minor is None else {"amount_minor": amount_minor, "currency": currency}


def variant(values: tuple[str, ...], price: int | None, **members: Any) -> dict[str, Any]:
    """A variant as the catalog tells of it."""
    name = "/".join(values) or "only"
    stock = {"tracked": True, "on_hand": members.pop("on_hand", 5), "policy": members.pop("policy", "deny")}
    return {
        "id": made_id(f"variant {name} {price} {members.get('sku')}"),
        "sku": None,
        "barcode": None,
        "option_values": list(values),
        "price": money(price),
        "compare_at_price": None,
        "cost": None,
        "stock": stock,
        "weight_grams": None,
        "position": 0,
        "picture_id": None,
        "extra": {},
        **members,
    }


@dataclass
class FakeCatalog(FakeService):
    """Products, categories and imports in memory, in the order they were added."""

    products: dict[str, dict[str, Any]] = field(default_factory=dict)
    categories: list[dict[str, Any]] = field(default_factory=list)
    imports: dict[str, dict[str, Any]] = field(default_factory=dict)
    row_problems: list[dict[str, Any]] = field(default_factory=list)
    replays: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploads: list[dict[str, Any]] = field(default_factory=list)
    refuse_next: httpx.Response | None = None

    def add_category(self, name: str, parent: str | None = None, description: str = "") -> dict[str, Any]:
        slug = name.lower().replace(" ", "-")
        above = next((c for c in self.categories if c["name"] == parent), None)
        found = {
            "id": made_id(f"category {name}"),
            "slug": slug,
            "name": name,
            "parent_id": above["id"] if above else None,
            "depth": above["depth"] + 1 if above else 1,
            "position": 0,
            "description_html": description,
        }
        self.categories.append(found)
        return found

    def add(self, title: str, **members: Any) -> dict[str, Any]:
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        product: dict[str, Any] = {
            "id": made_id(f"product {title}"),
            "slug": slug,
            "title": title,
            "description_html": f"<p>About {title}.</p>",
            "status": "active",
            "vendor": "",
            "product_type": "",
            "tags": [],
            "seo": {"title": None, "description": None},
            "options": [],
            "variants": [variant((), 2400, sku=f"SKU-{slug}")],
            "pictures": [],
            "categories": [],
            "created_at": NOW,
            "updated_at": NOW,
            "created_by": {"id": made_id("editor"), "name": "Edith"},
            "extra": {},
            "version": 1,
            "something_new": {"ignored": True},
            **members,
        }
        self.products[product["id"]] = product
        return product

    def routes(self) -> list[tuple[str, str, Callable[..., httpx.Response]]]:
        api, one = "/api/catalog/v1", r"/api/catalog/v1/products/([^/]+)"
        return [
            ("GET", f"{api}/products", self.list),
            ("POST", f"{api}/products", self.create),
            ("GET", f"{api}/search", self.list),
            ("GET", f"{api}/products/by-slug/([^/]+)", self.by_slug),
            ("GET", one, self.get),
            ("PATCH", one, self.change),
            ("DELETE", one, self.delete),
            ("POST", f"{one}/variants", self.note),
            ("PATCH", f"{one}/variants/([^/]+)", self.note),
            ("DELETE", f"{one}/variants/([^/]+)", self.note),
            ("POST", f"{one}/pictures", self.add_picture),
            ("PATCH", f"{one}/pictures/([^/]+)", self.change_picture),
            ("DELETE", f"{one}/pictures/([^/]+)", self.delete_picture),
            ("GET", f"{api}/categories", self.list_categories),
            ("GET", f"{api}/categories/by-slug/([^/]+)", self.category),
            ("GET", f"{api}/imports", self.list_imports),
            ("POST", f"{api}/imports", self.start_import),
            ("GET", f"{api}/imports/([^/]+)", self.get_import),
            ("GET", f"{api}/imports/([^/]+)/problems", self.problems_of),
            ("POST", f"{api}/imports/([^/]+)/cancel", self.cancel),
            ("GET", "/readyz", lambda request: answer({"status": "ok", "version": "1.2.3"})),
            ("GET", "/api/catalog/openapi.json", lambda request: answer(OPENAPI)),
        ]

    def _refused(self) -> httpx.Response | None:
        found, self.refuse_next = self.refuse_next, None
        return found

    @staticmethod
    def _sees_drafts(request: httpx.Request) -> bool:
        return "Authorization" in request.headers

    def _summary(self, product: dict[str, Any]) -> dict[str, Any]:
        kept = ("id", "slug", "title", "status", "vendor", "product_type", "tags", "created_at", "updated_at", "created_by", "version")
        whole = self._whole(product)
        return {
            **{name: product[name] for name in kept},
            "price_range": whole["price_range"],
            "in_stock": whole["in_stock"],
            "picture": product["pictures"][0] if product["pictures"] else None,
        }

    @staticmethod
    def _whole(product: dict[str, Any]) -> dict[str, Any]:
        prices = [v["price"] for v in product["variants"] if v["price"]]
        amounts = [price["amount_minor"] for price in prices]
        ranged = {"min_minor": min(amounts), "max_minor": max(amounts), "currency": prices[0]["currency"]} if amounts else None
        stocks = [v["stock"] for v in product["variants"]]
        there = any(not s["tracked"] or s["on_hand"] > 0 or s["policy"] == "continue" for s in stocks)
        return {**product, "price_range": ranged, "in_stock": there}

    def list(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        if "bad" in asked.get("after", ""):
            return refusal(422, "", [{"field": "after", "message": "This is not a cursor of this list."}])
        if asked.get("vendor") == "refused":
            return refusal(422, "", [{"field": "vendor", "message": "Not that."}])
        found = [p for p in self.products.values() if p["status"] == "active" or self._sees_drafts(request)]
        if q := asked.get("q"):
            found = [p for p in found if q.lower() in p["title"].lower()]
        for name in ("status", "vendor"):
            if value := asked.get(name):
                found = [p for p in found if p[name] == value]
        if slug := asked.get("category"):
            found = [p for p in found if slug in [c["slug"] for c in p["categories"]]]
        if wanted := asked.get("in_stock"):
            found = [p for p in found if self._whole(p)["in_stock"] == (wanted == "true")]
        start, limit = int(asked.get("after", "0")), int(asked["limit"])
        more = len(found) > start + limit
        items = [self._summary(product) for product in found[start : start + limit]]
        following = f"{request.url.path}?limit={limit}&after={start + limit}" if more else None
        return answer({"items": items, "next": following})

    def by_slug(self, request: httpx.Request, slug: str) -> httpx.Response:
        found = next((p for p in self.products.values() if slug in {p["slug"], p.get("old_slug")}), None)
        return self._one(request, found)

    def get(self, request: httpx.Request, product_id: str) -> httpx.Response:
        return self._one(request, self.products.get(product_id))

    def _one(self, request: httpx.Request, product: dict[str, Any] | None) -> httpx.Response:
        if product is None or (product["status"] != "active" and not self._sees_drafts(request)):
            return refusal(404, "There is no product here.")
        return answer(self._whole(product), ETag=f'"{product["version"]}-x"')

    def create(self, request: httpx.Request) -> httpx.Response:
        if (refused := self._refused()) is not None:
            return refused
        key = request.headers["Idempotency-Key"]
        if key not in self.replays:
            body = body_of(request)
            given = {name: value for name, value in body.items() if name not in {"category_ids", "title"}}
            variants = [{**variant(tuple(v["option_values"]), None), **_stored(v)} for v in given.pop("variants", [])]
            self.replays[key] = self.add(body["title"], **given, variants=variants)
        return answer(self._whole(self.replays[key]), 201)

    def change(self, request: httpx.Request, product_id: str) -> httpx.Response:
        if (refused := self._refused()) is not None:
            return refused
        product, body = self.products[product_id], body_of(request)
        if request.headers.get("If-Match") != f'"{product["version"]}-x"':
            return refusal(412, "It was changed.", current={"version": product["version"]})
        chosen = body.pop("category_ids", None)
        if chosen is not None:
            product["categories"] = [c for c in self.categories if c["id"] in chosen]
        if "variants" in body:
            known = {v["id"]: v for v in product["variants"]}
            product["variants"] = [
                {**known.get(v.get("id", ""), variant(tuple(v["option_values"]), None)), **_stored(v)}
                for v in body.pop("variants")
            ]
        product.update(body)
        product["version"] += 1
        return answer(self._whole(product), ETag=f'"{product["version"]}-x"')

    def delete(self, request: httpx.Request, product_id: str) -> httpx.Response:
        if request.headers.get("If-Match") != f'"{self.products[product_id]["version"]}-x"':
            return refusal(412, "It was changed.")
        del self.products[product_id]
        return httpx.Response(204)

    def note(self, request: httpx.Request, *_ids: str) -> httpx.Response:
        return answer({}, 200)

    def add_picture(self, request: httpx.Request, product_id: str) -> httpx.Response:
        if (refused := self._refused()) is not None:
            return refused
        product = self.products[product_id]
        if request.headers["Content-Type"].startswith("multipart/"):
            parts = multipart_of(request)
            self.uploads.append(parts)
            url, alt = f"/media/{parts['file']['filename']}", parts.get("alt", "")
        else:
            url, alt = body_of(request)["source_url"], body_of(request)["alt"]
        place = len(product["pictures"])
        made = {"id": made_id(url), "url": url, "alt": alt, "position": place, "width": None, "height": None}
        product["pictures"].append(made)
        return answer(made, 201)

    def change_picture(self, request: httpx.Request, product_id: str, picture_id: str) -> httpx.Response:
        if (refused := self._refused()) is not None:
            return refused
        found = next(p for p in self.products[product_id]["pictures"] if p["id"] == picture_id)
        found.update(body_of(request))
        return answer(found)

    def delete_picture(self, request: httpx.Request, product_id: str, picture_id: str) -> httpx.Response:
        product = self.products[product_id]
        product["pictures"] = [p for p in product["pictures"] if p["id"] != picture_id]
        return httpx.Response(204)

    def list_categories(self, request: httpx.Request) -> httpx.Response:
        if request.url.params:
            return refusal(422, "Unknown query parameter")
        return answer({"items": self.categories, "next": None})

    def category(self, request: httpx.Request, slug: str) -> httpx.Response:
        found = next((c for c in self.categories if c["slug"] == slug), None)
        return answer(found) if found else refusal(404)

    def add_import(self, status: str = "done", **members: Any) -> dict[str, Any]:
        made = {
            "id": made_id(f"import {len(self.imports)}"),
            "status": status,
            "name": "Spring",
            "format": "shopify",
            "currency": "EUR",
            "progress": {"rows_read": 0, "rows_total": None, "bytes_read": 0, "bytes_total": 900, "products_done": 0, "products_total": None},
            "counts": {},
            "problems": len(self.row_problems),
            "error": None,
            "created_at": NOW,
            **members,
        }
        self.imports[made["id"]] = made
        return made

    def list_imports(self, request: httpx.Request) -> httpx.Response:
        found, start = [*reversed(self.imports.values())], int(request.url.params.get("after", "0"))
        limit = int(request.url.params["limit"])
        more = len(found) > start + limit
        following = f"{request.url.path}?after={start + limit}" if more else None
        return answer({"items": found[start : start + limit], "next": following})

    def start_import(self, request: httpx.Request) -> httpx.Response:
        if (refused := self._refused()) is not None:
            return refused
        key = request.headers["Idempotency-Key"]
        if key not in self.replays:
            self.uploads.append(multipart_of(request))
            self.replays[key] = self.add_import("queued", name=self.uploads[-1].get("name", "a.csv"))
        return answer(self.replays[key], 202)

    def get_import(self, request: httpx.Request, import_id: str) -> httpx.Response:
        found = self.imports.get(import_id)
        return answer(found) if found else refusal(404)

    def problems_of(self, request: httpx.Request, import_id: str) -> httpx.Response:
        start, limit = int(request.url.params.get("after", "0")), int(request.url.params["limit"])
        more = len(self.row_problems) > start + limit
        following = f"{request.url.path}?after={start + limit}" if more else None
        return answer({"items": self.row_problems[start : start + limit], "next": following})

    def cancel(self, request: httpx.Request, import_id: str) -> httpx.Response:
        if self.imports[import_id]["status"] not in {"queued", "reading", "merging"}:
            return refusal(409, "It has ended.")
        self.imports[import_id]["status"] = "cancelled"
        return answer(self.imports[import_id])


def _stored(given: dict[str, Any]) -> dict[str, Any]:
    stock = given.get("stock", {})
    rest = {name: value for name, value in given.items() if name not in {"stock", "option_values"}}
    return {**rest, "option_values": given["option_values"], "stock": {"tracked": False, "on_hand": 0, "policy": "deny", **stock}}


def multipart_of(request: httpx.Request) -> dict[str, Any]:
    """The parts of a multipart body: texts as they are, files with name, type and content."""
    head = f"Content-Type: {request.headers['Content-Type']}\r\n\r\n".encode()
    found: dict[str, Any] = {}
    for part in message_from_bytes(head + request.content).get_payload():
        name = part.get_param("name", header="content-disposition")  # type: ignore[union-attr]
        content = part.get_payload(decode=True)  # type: ignore[union-attr]
        filename = part.get_filename()  # type: ignore[union-attr]
        if filename is None:
            found[str(name)] = content.decode()
        else:
            kind = part.get_content_type()  # type: ignore[union-attr]
            found[str(name)] = {"filename": filename, "type": kind, "content": content}
    return found


OPENAPI: dict[str, Any] = {
    "openapi": "3.1.0",
    "info": {"title": "Example API", "version": "1.2.3", "description": "What it is for."},
    "paths": {
        "/api/example/v1/things": {
            "get": {
                "operationId": "list_things",
                "summary": "List things",
                "tags": ["things"],
                "security": [],
                "parameters": [
                    {"name": "limit", "in": "query", "required": True, "description": "How many.", "schema": {"type": "integer"}},
                    {"$ref": "#/components/parameters/After"},
                ],
                "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}},
            },
            "post": {
                "summary": "Make a thing",
                "description": "It is made at once.",
                "tags": ["things"],
                "x-permission": "things:write",
                "security": [{"bearer": []}],
                "requestBody": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}},
                "responses": {"201": {"description": "Created"}, "422": {"$ref": "#/components/responses/Refused"}},
            },
        },
        "/api/example/v1/me": {"delete": {"summary": "Go", "security": [{"bearer": []}], "responses": {"204": {"description": "Gone"}}}},
    },
    "components": {
        "parameters": {"After": {"name": "after", "in": "query", "schema": {"type": ["string", "null"]}}},
        "responses": {"Refused": {"description": "Refused", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Gone"}}}}},
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "What it is called."},
                    "colour": {"enum": ["red", "green"]},
                    "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Part"}},
                    "made_at": {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "null"}]},
                    "kind": {"const": "thing"},
                    "anything": {},
                },
            },
            "Part": {"type": "object", "properties": {"size": {"type": "integer"}, "inner": {"$ref": "#/components/schemas/Part"}}},
        },
    },
}
