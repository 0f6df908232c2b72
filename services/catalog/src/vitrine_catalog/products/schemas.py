"""Wire types of products and variants, in and out; tables never cross the wire."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import Field, field_validator
from vitrine_kit.moments import Moment
from vitrine_kit.openapi import Query, Schema
from vitrine_kit.pagination import PageQuery

from vitrine_catalog.products.models import MAX_OPTIONS, MAX_PRICE_MINOR, MAX_VARIANTS
from vitrine_catalog.wire import (
    AmountMinor,
    CategoryIds,
    Currency,
    Extra,
    Filled255,
    Grams,
    Html,
    OnHand,
    Position,
    SeoText,
    Slug,
    Status,
    StockPolicy,
    Tags,
    Text255,
    Title,
)


class Money(Schema):
    """An amount of money in the currency's minor units (ISO 4217): cents for EUR, yen for JPY."""

    amount_minor: AmountMinor
    currency: Currency


class MoneyPatch(Schema):
    """A change of an amount; a member left out keeps its value."""

    amount_minor: AmountMinor | None = None
    currency: Currency | None = None


class Stock(Schema):
    """What there is of a variant. Untracked stock never runs out; policy `continue` sells on at zero."""

    tracked: bool = False
    on_hand: OnHand = 0
    policy: StockPolicy = "deny"


class StockPatch(Schema):
    """A change of stock; a member left out keeps its value."""

    tracked: bool | None = None
    on_hand: OnHand | None = None
    policy: StockPolicy | None = None


class Seo(Schema):
    """What search engines are shown in place of title and description."""

    title: SeoText | None = None
    description: SeoText | None = None


class Option(Schema):
    """A way in which a product's variants differ, with the values there are, in display order."""

    name: Filled255
    values: Annotated[list[Filled255], Field(max_length=MAX_VARIANTS)] = Field(default_factory=list)


class VariantCreate(Schema):
    """A new variant. `option_values` has one value for each of the product's options, in their order."""

    sku: Text255 | None = None
    barcode: Text255 | None = None
    option_values: Annotated[list[Filled255], Field(max_length=MAX_OPTIONS)] = Field(default_factory=list)
    price: Money | None = None
    compare_at_price: Money | None = None
    cost: Money | None = None
    stock: Stock = Field(default_factory=Stock)
    weight_grams: Grams | None = None
    picture_id: UUID | None = None
    requires_shipping: bool = True
    taxable: bool = True
    extra: Extra = Field(default_factory=dict)


class VariantPatch(Schema):
    """A change of a variant as a JSON merge patch (RFC 7396): left out keeps, null clears."""

    sku: Text255 | None = None
    barcode: Text255 | None = None
    option_values: Annotated[list[Filled255], Field(max_length=MAX_OPTIONS)] | None = None
    price: MoneyPatch | None = None
    compare_at_price: MoneyPatch | None = None
    cost: MoneyPatch | None = None
    stock: StockPatch | None = None
    weight_grams: Grams | None = None
    position: Position | None = None
    picture_id: UUID | None = None
    requires_shipping: bool | None = None
    taxable: bool | None = None
    extra: Extra | None = None


class VariantEntry(VariantPatch):
    """One variant of a product's new list: with `id` a change of that variant, without it a new one."""

    id: UUID | None = None


class ProductCreate(Schema):
    """A new product, with its options and variants; a slug is made of the title unless one is given."""

    title: Title
    slug: Slug | None = None
    description_html: Html = ""
    status: Status = "draft"
    vendor: Text255 = ""
    product_type: Text255 = ""
    tags: Tags = Field(default_factory=list)
    seo: Seo = Field(default_factory=Seo)
    options: Annotated[list[Option], Field(max_length=MAX_OPTIONS)] = Field(default_factory=list)
    variants: Annotated[list[VariantCreate], Field(max_length=MAX_VARIANTS)] = Field(default_factory=list)
    category_ids: CategoryIds = Field(default_factory=list)
    extra: Extra = Field(default_factory=dict)


class ProductPatch(Schema):
    """A change of a product as a JSON merge patch (RFC 7396): left out keeps, null goes back to the default.

    Arrays are replaced as a whole. In `variants` an element with an `id` is merged into that variant, one without
    is created, and variants that the list does not name are removed; their order becomes the list's.
    """

    title: Title = Field(default_factory=str)
    slug: Slug = Field(default_factory=str)
    description_html: Html | None = None
    status: Status = Field(default_factory=lambda: "draft")
    vendor: Text255 | None = None
    product_type: Text255 | None = None
    tags: Tags | None = None
    seo: Seo | None = None
    options: Annotated[list[Option], Field(max_length=MAX_OPTIONS)] | None = None
    variants: Annotated[list[VariantEntry], Field(max_length=MAX_VARIANTS)] | None = None
    category_ids: CategoryIds | None = None
    extra: Extra | None = None


class Person(Schema):
    """A person as users names them."""

    id: UUID
    name: str


class PriceRange(Schema):
    """The lowest and the highest price of a product's variants."""

    min_minor: int
    max_minor: int
    currency: str


class PictureOut(Schema):
    """A picture. `url` is a path on this site (/media/…) or the address an import referred to."""

    id: UUID
    url: str
    alt: str
    position: int
    width: int | None
    height: int | None


class CategoryRef(Schema):
    """A category a product is in."""

    id: UUID
    slug: str
    name: str


class MoneyOut(Schema):
    """An amount of money in the currency's minor units (ISO 4217)."""

    amount_minor: int
    currency: str


class VariantOut(Schema):
    """A variant. `cost` and `extra` are null and empty for readers without `catalog:read_drafts`."""

    id: UUID
    sku: str | None
    barcode: str | None
    option_values: list[str]
    price: MoneyOut | None
    compare_at_price: MoneyOut | None
    cost: MoneyOut | None
    stock: Stock
    weight_grams: int | None
    position: int
    picture_id: UUID | None
    requires_shipping: bool
    taxable: bool
    extra: dict[str, Any]


class ProductOut(Schema):
    """A product with all that belongs to it. `extra` is empty for readers without `catalog:read_drafts`."""

    id: UUID
    slug: str
    title: str
    description_html: str
    status: Status
    vendor: str
    product_type: str
    tags: list[str]
    seo: Seo
    options: list[Option]
    variants: list[VariantOut]
    pictures: list[PictureOut]
    categories: list[CategoryRef]
    price_range: PriceRange | None
    in_stock: bool
    created_at: datetime
    updated_at: datetime
    created_by: UUID | Person | None
    extra: dict[str, Any]
    version: int


class ProductSummary(Schema):
    """A product in a list; `fields` narrows it, `expand` adds variants, pictures and categories."""

    id: UUID | None = None
    slug: str | None = None
    title: str | None = None
    status: Status | None = None
    vendor: str | None = None
    product_type: str | None = None
    tags: list[str] | None = None
    price_range: PriceRange | None = None
    in_stock: bool | None = None
    picture: PictureOut | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    created_by: UUID | Person | None = None
    version: int | None = None
    variants: list[VariantOut] | None = None
    pictures: list[PictureOut] | None = None
    categories: list[CategoryRef] | None = None


class ProductPage(Schema):
    """A page of products; `next` is the address of the following one."""

    items: list[ProductSummary]
    next: str | None


SUMMARY_FIELDS = (
    "id", "slug", "title", "status", "vendor", "product_type", "tags", "price_range", "in_stock", "picture",
    "created_at", "updated_at", "created_by", "version",
)  # fmt: skip
LIST_EXPANSIONS = ("created_by", "variants", "pictures", "categories")
Sort = Literal["newest", "oldest", "title", "price", "-price", "updated"]


def _one_of(names: tuple[str, ...]) -> str:
    alternatives = "|".join(names)
    return f"^({alternatives})(,({alternatives}))*$"


def _names(given: str | None, known: tuple[str, ...]) -> str | None:
    for name in (given or "").split(",") if given is not None else ():
        if name not in known:
            raise ValueError(f"“{name[:40]}” is not known here. Choose from: {', '.join(known)}.")
    return given


class ProductFilters(Query):
    """What lists and search can be narrowed by."""

    category: str | None = Field(None, max_length=200, description="Slug; subcategories are included.")
    vendor: str | None = Field(None, max_length=255)
    product_type: str | None = Field(None, max_length=255)
    tag: str | None = Field(None, max_length=255)
    status: Status | None = Field(
        None, description="Readers without `catalog:read_drafts` only ever see `active`."
    )
    price_min: int | None = Field(
        None, ge=0, le=MAX_PRICE_MINOR, description="Minor units; some variant costs it or more."
    )
    price_max: int | None = Field(
        None, ge=0, le=MAX_PRICE_MINOR, description="Minor units; some variant costs it or less."
    )
    in_stock: bool | None = None
    updated_after: Moment | None = Field(None, description="RFC 3339 with an offset; later than this moment.")
    created_by: UUID | None = None


class ProductShape(ProductFilters, PageQuery):
    """What lists and search take besides filters: the page, and what its items hold."""

    fields: str | None = Field(None, max_length=500, json_schema_extra={"pattern": _one_of(SUMMARY_FIELDS)})
    """Members of the items to return, separated by commas."""
    expand: str | None = Field(None, max_length=100, json_schema_extra={"pattern": _one_of(LIST_EXPANSIONS)})
    """What to add to the items, separated by commas. With `variants` a page holds at most 5,000 of them."""

    @field_validator("fields")
    @classmethod
    def _known_fields(cls, given: str | None) -> str | None:
        return _names(given, SUMMARY_FIELDS)

    @field_validator("expand")
    @classmethod
    def _known_expansions(cls, given: str | None) -> str | None:
        return _names(given, LIST_EXPANSIONS)


class ProductListQuery(ProductShape):
    """The product list's parameters."""

    q: str | None = Field(None, max_length=200, description="Words to find; `/search` ranks what it finds.")
    sort: Sort = "newest"


class ProductReadQuery(Query):
    """A single product's parameters."""

    expand: Literal["created_by"] | None = None
