"""Users and the catalog as the gateway's tests meet them: small services that keep what they are told."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes
from typing import Any

import httpx
from api_document import OPENAPI
from fake_service import NOW, FakeService, answer, body_of, made_id, refusal
from fake_users import FakeUsers

__all__ = [
    "ALL_PERMISSIONS",
    "OPENAPI",
    "FakeCatalog",
    "FakeUsers",
    "body_of",
    "made_id",
    "money",
    "refusal",
    "variant",
]

ALL_PERMISSIONS = (
    "catalog:read_drafts",
    "catalog:write",
    "catalog:import",
    "users:read",
    "users:roles",
    "users:write",
    "users:audit",
    "users:impersonate",
    "users:webhooks",
    "users:applications",
)


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
        kept = (
            "id",
            "slug",
            "title",
            "status",
            "vendor",
            "product_type",
            "tags",
            "created_at",
            "updated_at",
            "created_by",
            "version",
        )
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
        ranged = (
            {"min_minor": min(amounts), "max_minor": max(amounts), "currency": prices[0]["currency"]}
            if amounts
            else None
        )
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
            variants = [
                {**variant(tuple(v["option_values"]), None), **_stored(v)} for v in given.pop("variants", [])
            ]
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
            "progress": {
                "rows_read": 0,
                "rows_total": None,
                "bytes_read": 0,
                "bytes_total": 900,
                "products_done": 0,
                "products_total": None,
            },
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
    return {
        **rest,
        "option_values": given["option_values"],
        "stock": {"tracked": False, "on_hand": 0, "policy": "deny", **stock},
    }


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
