"""The gateway's client of the catalog's reads and writes of products, variants, pictures and categories."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Generic, TypeVar
from urllib.parse import parse_qs, quote, urlsplit

from pydantic import TypeAdapter

from vitrine_gateway.clients.catalog_types import (
    Category,
    Import,
    Page,
    Product,
    ProductSummary,
    RowProblem,
    Versioned,
)
from vitrine_gateway.clients.users import Caller
from vitrine_gateway.clients.wire import read, require_success

NAME = "catalog"
API = "/api/catalog/v1"
UPLOAD_TIMEOUT_S = 60.0

T = TypeVar("T")
Params = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Listing(Generic[T]):
    """A list as it crosses the wire; `next` is the address of the page after it."""

    items: tuple[T, ...] = ()
    next: str | None = None

    def page(self) -> Page[T]:
        found = parse_qs(urlsplit(self.next or "").query).get("after")
        return Page(self.items, found[0] if found else None)


_PRODUCT: TypeAdapter[Product] = TypeAdapter(Product)
_PRODUCTS: TypeAdapter[_Listing[ProductSummary]] = TypeAdapter(_Listing[ProductSummary])
_CATEGORY: TypeAdapter[Category] = TypeAdapter(Category)
_CATEGORIES: TypeAdapter[_Listing[Category]] = TypeAdapter(_Listing[Category])
_IMPORT: TypeAdapter[Import] = TypeAdapter(Import)
_IMPORTS: TypeAdapter[_Listing[Import]] = TypeAdapter(_Listing[Import])
_ROW_PROBLEMS: TypeAdapter[_Listing[RowProblem]] = TypeAdapter(_Listing[RowProblem])


class CatalogClient:
    """The catalog, over HTTP; `token` speaks for the reader, None for anybody.

    Every method raises Unavailable when the catalog does not answer, and the Problem it refuses with.
    """

    def __init__(self, neighbour: Caller) -> None:
        self._neighbour = neighbour

    async def list_products(self, params: Params, token: str | None = None) -> Page[ProductSummary]:
        """A page of products, in the order and with the filters of `params`."""
        return (await self._get(_PRODUCTS, "/products", token, params)).page()

    async def search(self, params: Params, token: str | None = None) -> Page[ProductSummary]:
        """A page of products that match `q`, best first."""
        return (await self._get(_PRODUCTS, "/search", token, params)).page()

    async def get_product(self, product_id: str, token: str | None) -> Versioned[Product]:
        """The product with all its parts and the name of whoever made it. Raises NotFound."""
        return await self._versioned(f"/products/{_segment(product_id)}", token, {"expand": "created_by"})

    async def get_product_by_slug(self, slug: str, token: str | None) -> Versioned[Product]:
        """The product behind a page's address. Raises NotFound."""
        return await self._versioned(f"/products/by-slug/{_segment(slug)}", token)

    async def create_product(self, body: Params, token: str, *, key: str) -> Product:
        """Makes a product; a second call with the same key answers with the first one's product."""
        response = await self._neighbour.request(
            "POST", f"{API}/products", json=body, headers={**_as(token), "Idempotency-Key": key}
        )
        return read(_PRODUCT, response, NAME)

    async def change_product(self, product_id: str, patch: Params, token: str, *, etag: str) -> None:
        """Applies a merge patch to the version `etag` tells. Raises PreconditionFailed when it is another by now."""
        await self._write("PATCH", f"/products/{_segment(product_id)}", token, patch, etag=etag)

    async def delete_product(self, product_id: str, token: str, *, etag: str | None = None) -> None:
        """Removes a product with its variants and pictures."""
        await self._write("DELETE", f"/products/{_segment(product_id)}", token, etag=etag)

    async def add_picture_from(
        self, product_id: str, source_url: str, alt: str, token: str, *, key: str
    ) -> None:
        """Adds a picture that lies elsewhere on the web."""
        body = {"source_url": source_url, "alt": alt}
        await self._write("POST", f"/products/{_segment(product_id)}/pictures", token, body, key=key)

    async def upload_picture(
        self, product_id: str, file: BinaryIO, filename: str, mimetype: str, alt: str, token: str, *, key: str
    ) -> None:
        """Adds a picture from a file, which is streamed on."""
        response = await self._neighbour.request(
            "POST",
            f"{API}/products/{_segment(product_id)}/pictures",
            files={"file": (filename, file, mimetype)},
            data={"alt": alt} if alt else {},
            headers={**_as(token), "Idempotency-Key": key},
            timeout_s=UPLOAD_TIMEOUT_S,
        )
        require_success(response, NAME)

    async def change_picture(self, product_id: str, picture_id: str, patch: Params, token: str) -> None:
        """Changes a picture's text or place."""
        path = f"/products/{_segment(product_id)}/pictures/{_segment(picture_id)}"
        await self._write("PATCH", path, token, patch)

    async def delete_picture(self, product_id: str, picture_id: str, token: str) -> None:
        """Removes a picture from its product."""
        await self._write(
            "DELETE", f"/products/{_segment(product_id)}/pictures/{_segment(picture_id)}", token
        )

    async def list_categories(self) -> tuple[Category, ...]:
        """The whole tree of categories in reading order."""
        return (await self._get(_CATEGORIES, "/categories", None)).items

    async def get_category_by_slug(self, slug: str) -> Category:
        """The category behind a page's address. Raises NotFound."""
        return await self._get(_CATEGORY, f"/categories/by-slug/{_segment(slug)}", None)

    async def start_import(
        self, file: BinaryIO, filename: str, mimetype: str, fields: Params, token: str, *, key: str
    ) -> Import:
        """Hands a file over to be brought in; it is streamed on, not read here."""
        response = await self._neighbour.request(
            "POST",
            f"{API}/imports",
            files={"file": (filename, file, mimetype)},
            data=dict(fields),
            headers={**_as(token), "Idempotency-Key": key},
            timeout_s=UPLOAD_TIMEOUT_S,
        )
        return read(_IMPORT, response, NAME)

    async def list_imports(self, params: Params, token: str) -> Page[Import]:
        """A page of imports, newest first."""
        return (await self._get(_IMPORTS, "/imports", token, params)).page()

    async def get_import(self, import_id: str, token: str) -> Import:
        """How an import stands. Raises NotFound."""
        return await self._get(_IMPORT, f"/imports/{_segment(import_id)}", token)

    async def list_row_problems(self, import_id: str, params: Params, token: str) -> Page[RowProblem]:
        """A page of what was wrong with rows of the file, in the file's order."""
        return (
            await self._get(_ROW_PROBLEMS, f"/imports/{_segment(import_id)}/problems", token, params)
        ).page()

    async def cancel_import(self, import_id: str, token: str) -> None:
        """Asks a running import to stop. Raises Conflict when it has ended."""
        await self._write("POST", f"/imports/{_segment(import_id)}/cancel", token)

    async def _get(
        self, adapter: TypeAdapter[T], path: str, token: str | None, params: Params | None = None
    ) -> T:
        response = await self._neighbour.request(
            "GET", f"{API}{path}", params=dict(params or {}), headers=_as(token) if token else None
        )
        return read(adapter, response, NAME)

    async def _versioned(
        self, path: str, token: str | None, params: Params | None = None
    ) -> Versioned[Product]:
        response = await self._neighbour.request(
            "GET", f"{API}{path}", params=dict(params or {}), headers=_as(token) if token else None
        )
        return Versioned(read(_PRODUCT, response, NAME), response.headers.get("ETag", ""))

    async def _write(
        self,
        method: str,
        path: str,
        token: str,
        body: Params | None = None,
        *,
        etag: str | None = None,
        key: str | None = None,
    ) -> None:
        headers = _as(token)
        if etag:
            headers["If-Match"] = etag
        if key:
            headers["Idempotency-Key"] = key
        options: dict[str, Any] = {} if body is None else {"json": body}
        response = await self._neighbour.request(method, f"{API}{path}", headers=headers, **options)
        require_success(response, NAME)


def _as(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _segment(value: str) -> str:
    """One path segment: a slash or a dot-dot in it must not reach another address of the neighbour."""
    return quote(value, safe="").replace(".", "%2E") if value in {".", ".."} else quote(value, safe="")
