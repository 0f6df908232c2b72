"""Reads Shopify's product files, of both header generations; knows no other format and no database.

Rows that share the handle are one product. Its own fields stand on its first row. A row with an option
value, SKU, price, barcode, cost or quantity is a variant; a row with none of these is a further picture.
A product's pictures are the distinct addresses of its picture and variant-picture columns.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from .cells import MAX_ALT, MAX_NAME, MAX_SEO, MAX_TAGS, MAX_TITLE, Cells, extra_of
from .errors import MalformedFile
from .keys import bounded_key, title_key, variant_key
from .records import MAX_PICTURES, MAX_VARIANTS, Part, PictureRecord, ProductRecord, Status, VariantRecord
from .rows import Row
from .values import parse_grams, split_path, split_tags

_OLD: Final = {
    "handle": "handle",
    "title": "title",
    "body (html)": "body",
    "body html": "body",
    "body": "body",
    "vendor": "vendor",
    "product category": "category",
    "standard product type": "category",
    "type": "type",
    "custom product type": "type",
    "tags": "tags",
    "collection": "collection",
    "published": "published",
    "variant sku": "sku",
    "variant grams": "grams",
    "variant inventory tracker": "tracker",
    "variant inventory qty": "quantity",
    "variant inventory policy": "policy",
    "variant price": "price",
    "variant compare at price": "compare_at",
    "variant requires shipping": "requires_shipping",
    "variant taxable": "taxable",
    "variant barcode": "barcode",
    "image src": "image",
    "image position": "image_position",
    "image alt text": "image_alt",
    "seo title": "seo_title",
    "seo description": "seo_description",
    "variant image": "variant_image",
    "cost per item": "cost",
    "status": "status",
}

_TEMPLATE: Final = {
    "url handle": "handle",
    "title": "title",
    "description": "body",
    "vendor": "vendor",
    "product category": "category",
    "type": "type",
    "tags": "tags",
    "collection": "collection",
    "published on online store": "published",
    "status": "status",
    "sku": "sku",
    "barcode": "barcode",
    "price": "price",
    "compare-at price": "compare_at",
    "cost per item": "cost",
    "charge tax": "taxable",
    "inventory tracker": "tracker",
    "inventory quantity": "quantity",
    "continue selling when out of stock": "policy",
    "weight value (grams)": "grams",
    "requires shipping": "requires_shipping",
    "product image url": "image",
    "image position": "image_position",
    "image alt text": "image_alt",
    "variant image url": "variant_image",
    "seo title": "seo_title",
    "seo description": "seo_description",
}

# Headers that only a Shopify file of that generation has: one of them must be there.
_OLD_MARKS: Final = frozenset({"handle", "body (html)", "variant sku", "variant price", "image src"})
_TEMPLATE_MARKS: Final = frozenset(
    {"url handle", "published on online store", "product image url", "continue selling when out of stock"}
)

_OPTION: Final = re.compile(r"option([1-3]) (name|value)")
_OF_VARIANT: Final = re.compile(
    r"(variant (fulfillment service|weight unit|tax code)|fulfillment service|weight unit for display|tax code"
    r"|unit price .*|(included|price|compare[- ]at price) / .*)"
)

# What makes a row more than a further picture.
_VARIANT_MARKS: Final = (
    "option1_value", "option2_value", "option3_value", "sku", "price", "compare_at", "barcode", "cost", "quantity",
)  # fmt: skip

_PRODUCT_FIELDS: Final = {
    "title": "title", "body": "description_html", "vendor": "vendor", "type": "product_type", "tags": "tags",
    "published": "status", "status": "status", "seo_title": "seo_title", "seo_description": "seo_description",
    "category": "categories", "collection": "categories", "sku": "sku", "barcode": "barcode", "price": "price",
    "compare_at": "compare_at", "cost": "cost", "tracker": "stock", "quantity": "stock", "policy": "policy",
    "grams": "weight", "requires_shipping": "requires_shipping", "taxable": "taxable", "image": "pictures",
    "image_alt": "alt", "image_position": "picture_position", "variant_image": "variant_picture",
    "option1_value": "options",
}  # fmt: skip


def normal_header(header: str) -> str:
    """A header as it is looked up: one case, single spaces."""
    return " ".join(header.replace("\ufeff", "").casefold().split())


def find_columns(headers: Sequence[str]) -> tuple[str, dict[str, int]] | None:
    """The header generation (`shopify` or `shopify-template`) and where each known field stands, or None."""
    normal = [normal_header(header) for header in headers]
    best: tuple[str, dict[str, int]] | None = None
    for name, known, marks in (
        ("shopify", _OLD, _OLD_MARKS),
        ("shopify-template", _TEMPLATE, _TEMPLATE_MARKS),
    ):
        columns: dict[str, int] = {}
        for position, header in enumerate(normal):
            option = _OPTION.fullmatch(header)
            field = f"option{option[1]}_{option[2]}" if option else known.get(header)
            if field is not None:
                columns.setdefault(field, position)
        if marks.isdisjoint(normal) or len(columns) < 3 or not {"handle", "title"} & columns.keys():
            continue
        if best is None or len(columns) > len(best[1]):
            best = (name, columns)
    return best


class ShopifyReader:
    """Turns the rows of one Shopify file into parts, one for each run of rows with the same handle.

    `present` names what the file has columns for, in the catalogue's terms: what is absent from the file
    is left as it is in the catalogue. `extra_names` are the keys it may put into a record's `extra`.
    """

    source_system = "shopify"

    def __init__(
        self, headers: Sequence[str], columns: dict[str, int], *, exponent: int, decimal_comma: bool
    ) -> None:
        self._cells = Cells(columns, headers, exponent=exponent, decimal_comma=decimal_comma)
        mapped = set(columns.values())
        extra = {n: header.strip() for n, header in enumerate(headers) if n not in mapped and header.strip()}
        self._variant_extra = {n: h for n, h in extra.items() if _OF_VARIANT.fullmatch(normal_header(h))}
        self._product_extra = {n: h for n, h in extra.items() if n not in self._variant_extra}
        self._sells = any(mark in columns for mark in _VARIANT_MARKS)
        self.present = frozenset(_PRODUCT_FIELDS[name] for name in columns if name in _PRODUCT_FIELDS)
        kept = (self._cells.header(name) for name in ("published", "status", "tracker", "grams", "category"))
        self.extra_names = sorted({*extra.values(), *kept})
        self._skus: dict[int, int] = {}

    def parts(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Yield the parts in the order of the file; a product whose rows lie apart gives several."""
        part: Part | None = None
        broken: MalformedFile | None = None
        try:
            for row in rows:
                self._cells.take(row.line, row.cells)
                key = self._key()
                fault = self._fault(row, key)
                if part is None or (key != part.key and not fault):
                    if part is not None:
                        yield self._finished(part)
                    key = "" if fault else key
                    part = Part(ProductRecord(line=row.line, key=key), rows=0, key=key)
                part.rows += 1
                if fault:
                    self._cells.fail("", f"{fault}: the row is left out")
                    part.failed_variants += 1
                else:
                    self._read_row(part)
        except MalformedFile as error:
            # The rows before the fault are good, and those of the last product are still in hand.
            broken = error
        if part is not None:
            yield self._finished(part)
        if broken is not None:
            raise broken

    def _fault(self, row: Row, key: str) -> str:
        surplus = row.cells[self._cells.width :]
        if any(cell.strip() for cell in surplus):
            return f"{len(row.cells)} cells under a header of {self._cells.width}, so they may have shifted"
        if row.cut_off and len(row.cells) < self._cells.width:
            return f"the file ends within this row, after {len(row.cells)} of {self._cells.width} cells"
        return "" if key else "neither a handle nor a title"

    def _key(self) -> str:
        return bounded_key(self._cells.text("handle") or title_key(self._cells.text("title")))

    def _finished(self, part: Part) -> Part:
        part.problems.extend(self._cells.drain())
        return part

    def _read_row(self, part: Part) -> None:
        cells, record = self._cells, part.record
        first = part.rows == 1
        if first:
            self._read_product(record)
        elif (title := cells.text("title")) and record.title and title != record.title:
            cells.warn("title", "a second title of the same product: the first one stands")
        sells = (first and bool(record.title) and self._sells) or any(map(cells.text, _VARIANT_MARKS))
        extra = extra_of(cells, self._product_extra)
        url = cells.text("image")
        if url:
            self._add_picture(part, "image", url)
        if sells:
            self._read_variant(part, {} if first else extra)
        if first or not sells:
            record.extra = {**extra, **record.extra}
        if not sells and not url and not first:
            cells.warn("", "neither a variant nor a picture: nothing is taken from this row")

    def _read_product(self, record: ProductRecord) -> None:
        cells = self._cells
        record.title = cells.limited("title", MAX_TITLE)
        record.slug = cells.limited("handle", MAX_TITLE) or record.title
        record.description_html = cells.html("body")
        record.vendor = cells.limited("vendor", MAX_NAME)
        record.product_type = cells.limited("type", MAX_NAME)
        record.tags = cells.names("tags", split_tags(cells.text("tags")))[:MAX_TAGS]
        record.seo_title = cells.limited("seo_title", MAX_SEO)
        record.seo_description = cells.limited("seo_description", MAX_SEO)
        record.categories = self._categories(record)
        record.status = self._status(record)

    def _categories(self, record: ProductRecord) -> list[tuple[str, ...]]:
        """The category and the collection of the product; its type where it has neither."""
        cells = self._cells
        paths = []
        category = cells.text("category")
        if category.isdigit() or category.startswith("gid:"):
            record.extra[cells.header("category")] = category
        elif category:
            paths.append(cells.path("category", split_path(category)))
        collection = cells.text("collection")
        if collection:
            paths.append(cells.path("collection", (collection,)))
        if not paths and record.product_type:
            paths.append((record.product_type,))
        return [path for path in dict.fromkeys(paths) if path]

    def _status(self, record: ProductRecord) -> Status:
        """Active only what the old shop showed; what does not fit in one word stays in `extra`."""
        cells = self._cells
        written = cells.text("status")
        published = cells.flag("published", default=True)
        status: Status = "active"
        if written.casefold() in ("draft", "archived"):
            status = "draft" if written.casefold() == "draft" else "archived"
        elif written and written.casefold() != "active":
            cells.warn("status", f"“{written[:40]}” is taken for draft")
            record.extra[cells.header("status")] = written
            status = "draft"
        if not published and status == "active":
            record.extra[cells.header("published")] = cells.text("published")
            if written:
                record.extra[cells.header("status")] = written
            status = "draft"
        return status

    def _read_variant(self, part: Part, extra: dict[str, Any]) -> None:
        cells, record = self._cells, part.record
        if len(record.variants) >= MAX_VARIANTS:
            part.failed_variants += 1
            cells.fail("", f"a product has at most {MAX_VARIANTS} variants: this one is left out")
            return
        # First, for the option names stand only on the first row, be it good or bad.
        values = self._option_values(record)
        variant = VariantRecord(line=cells.line, key=variant_key(values), option_values=values)
        try:
            variant.price_minor = cells.amount("price")
            variant.compare_at_minor = cells.amount("compare_at")
            variant.cost_minor = cells.amount("cost")
        except ValueError:
            part.failed_variants += 1
            return
        variant.sku = cells.limited("sku", MAX_NAME)
        variant.barcode = cells.limited("barcode", MAX_NAME)
        tracker = cells.text("tracker")
        variant.tracked = bool(tracker)
        if tracker and tracker != "shopify":
            extra[cells.header("tracker")] = tracker
        variant.on_hand = cells.whole("quantity")
        if cells.text("policy").casefold() in ("continue", "true", "yes", "1"):
            variant.policy = "continue"
        self._read_weight(variant, extra)
        variant.requires_shipping = cells.flag("requires_shipping", default=True)
        variant.taxable = cells.flag("taxable", default=True)
        variant.extra = {**extra_of(cells, self._variant_extra), **extra}
        url = cells.text("variant_image")
        if url:
            variant.picture_url = self._add_picture(part, "variant_image", url)
        self._notice_sku(part.key, variant)
        record.variants.append(variant)

    def _read_weight(self, variant: VariantRecord, extra: dict[str, Any]) -> None:
        text = self._cells.text("grams")
        if not text:
            return
        try:
            grams = parse_grams(text, "g")
        except ValueError as error:
            self._cells.warn("grams", f"{error}: left out")
            return
        variant.weight_grams = grams.number
        if not grams.exact:
            extra[self._cells.header("grams")] = text

    def _option_values(self, record: ProductRecord) -> list[str]:
        """The row's option values; names are taken from the first row that has them."""
        cells = self._cells
        values = [cells.limited(f"option{n}_value", MAX_NAME) for n in (1, 2, 3)]
        while values and not values[-1]:
            values.pop()
        for number, value in enumerate(values, start=1):
            if number > len(record.option_names):
                name = cells.limited(f"option{number}_name", MAX_NAME)
                if not name and value:
                    cells.warn(
                        f"option{number}_name", f"the option has no name: it is called Option {number}"
                    )
                record.option_names.append(name or f"Option {number}")
        return values

    def _add_picture(self, part: Part, field: str, text: str) -> str:
        """Note a picture by its address; an address that came before only gains what it lacked."""
        cells, record = self._cells, part.record
        url = cells.picture_url(field, text)
        if not url:
            part.failed_images += 1
            return ""
        own = field == "image"
        alt = cells.limited("image_alt", MAX_ALT) if own else ""
        position = cells.whole("image_position") if own else None
        for picture in record.pictures:
            if picture.url == url:
                picture.alt = picture.alt or alt
                picture.position = position if picture.position is None else picture.position
                return url
        if len(record.pictures) >= MAX_PICTURES:
            part.failed_images += 1
            cells.fail(field, f"a product has at most {MAX_PICTURES} pictures: this one is left out")
            return ""
        record.pictures.append(PictureRecord(url, alt, position))
        return url

    def _notice_sku(self, key: str, variant: VariantRecord) -> None:
        """Warn of a repeated SKU: real shops have them, so both variants are kept."""
        if not variant.sku:
            return
        # One integer for each SKU, whatever its length: a file may have hundreds of thousands.
        whose = hash((key, variant.key)) & 0xFFFFFFFF
        packed = self._skus.setdefault(hash(variant.sku), whose << 32 | variant.line)
        owner, line = packed >> 32, packed & 0xFFFFFFFF
        if owner != whose:
            self._cells.warn("sku", f"the SKU {variant.sku} stands in line {line} too: both are kept")
