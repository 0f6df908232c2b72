"""What the catalog tells of, as the gateway sees it: frozen dataclasses with only the members that pages use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the currency's minor units (ISO 4217)."""

    amount_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class PriceRange:
    """The least and the greatest price of a product's variants, in minor units."""

    min_minor: int
    max_minor: int
    currency: str


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: `/media/…` of ours, or the address of the import's source."""

    url: str
    id: str = ""
    alt: str | None = None
    position: int = 0
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True)
class CategoryRef:
    """A category as a product names it."""

    id: str
    slug: str
    name: str


@dataclass(frozen=True, slots=True)
class Category:
    """A category of the tree; `depth` 1 at the top."""

    id: str
    slug: str
    name: str
    parent_id: str | None = None
    depth: int = 1
    description_html: str | None = None


@dataclass(frozen=True, slots=True)
class Stock:
    """What is on hand; `policy` says whether it is sold on below that (`continue`) or not (`deny`)."""

    tracked: bool = False
    on_hand: int | None = None
    policy: str = "deny"

    @property
    def available(self) -> bool:
        return not self.tracked or self.policy == "continue" or (self.on_hand or 0) > 0


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a customer chooses, such as Size, and its values in order."""

    name: str
    values: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Variant:
    """One article of a product; `option_values` stand in the order of the product's options."""

    id: str
    sku: str | None = None
    barcode: str | None = None
    option_values: tuple[str, ...] = ()
    price: Money | None = None
    compare_at_price: Money | None = None
    cost: Money | None = None
    stock: Stock = field(default_factory=Stock)
    weight_grams: int | None = None
    position: int = 0
    picture_id: str | None = None

    @property
    def title(self) -> str:
        return " / ".join(value for value in self.option_values if value) or self.sku or "Standard"

    @property
    def reduced(self) -> bool:
        before, now = self.compare_at_price, self.price
        return before is not None and now is not None and before.amount_minor > now.amount_minor


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever made a product; no name while users does not answer."""

    id: str
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Seo:
    """What search engines are told in place of the title and the description."""

    title: str | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True)
class ProductSummary:
    """A product as lists show it."""

    id: str
    slug: str
    title: str
    status: str
    vendor: str | None = None
    product_type: str | None = None
    price_range: PriceRange | None = None
    in_stock: bool = True
    picture: Picture | None = None
    updated_at: datetime | None = None
    created_by: Person | str | None = None


@dataclass(frozen=True, slots=True)
class Product:
    """A product with everything its page and its form show."""

    id: str
    slug: str
    title: str
    status: str
    version: int
    description_html: str | None = None
    vendor: str | None = None
    product_type: str | None = None
    tags: tuple[str, ...] = ()
    seo: Seo | None = None
    options: tuple[Option, ...] = ()
    variants: tuple[Variant, ...] = ()
    pictures: tuple[Picture, ...] = ()
    categories: tuple[CategoryRef, ...] = ()
    price_range: PriceRange | None = None
    in_stock: bool = True
    created_at: datetime | None = None
    updated_at: datetime | None = None
    created_by: Person | str | None = None

    @property
    def picture(self) -> Picture | None:
        return self.pictures[0] if self.pictures else None


@dataclass(frozen=True, slots=True)
class Versioned(Generic[T]):
    """A thing with the entity tag to send back as If-Match."""

    value: T
    etag: str


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A page of a list and the cursor of the one after it, or None at the end."""

    items: tuple[T, ...] = ()
    after: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an import has come: first the file is read, then its products are merged."""

    rows_read: int = 0
    rows_total: int | None = None
    bytes_read: int = 0
    bytes_total: int = 0
    products_done: int = 0
    products_total: int | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What an import did to one kind of thing."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class ImportFault:
    """Why an import failed, and where in the file."""

    title: str = ""
    detail: str = ""
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """A file being brought in, or one that was."""

    id: str
    status: str
    name: str = ""
    format: str = ""
    currency: str = ""
    progress: Progress = field(default_factory=Progress)
    counts: Mapping[str, Counts] = field(default_factory=dict)
    problems: int = 0
    error: ImportFault | None = None
    created_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None

    @property
    def running(self) -> bool:
        return self.status in {"queued", "reading", "merging"}

    @property
    def label(self) -> str:
        return self.name or "Import"

    @property
    def percent(self) -> int | None:
        """How much of the present step is done, None where that cannot be told."""
        done, total = self.progress.products_done, self.progress.products_total
        if self.status == "reading":
            done, total = self.progress.bytes_read, self.progress.bytes_total
        return min(100, done * 100 // total) if total else None


@dataclass(frozen=True, slots=True)
class RowProblem:
    """What was wrong with one row of an imported file: an error left something out, a warning took it otherwise."""

    line: int | None = None
    field: str = ""
    message: str = ""
    severity: str = "error"
