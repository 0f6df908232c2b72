r"""Reads WooCommerce's product export; knows no other format and no database.

Every row is a product or a variation of one. Variations point at their parent by SKU or `id:123`, and the
parent may come later, so each row is a part of its own and the parts meet after the whole file is read. A
product is known by its SKU, or by its id where it has none: ids repeat from shop to shop, SKUs hardly do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

from .cells import MAX_NAME, MAX_SEO, MAX_TAGS, MAX_TITLE, Cells, extra_of
from .keys import bounded_key, title_key
from .records import (
    MAX_PICTURES,
    AttributeRecord,
    Part,
    PictureRecord,
    ProductRecord,
    Status,
    VariantRecord,
)
from .rows import Row
from .values import parse_grams, split_path, split_woo_list, strip_guard, unescape_newlines
from .woo_headers import KINDS, WooColumns

# Kept word for word in `extra` under the file's own header: Vitrine has no column for them.
_PRODUCT_KEPT: Final = (
    "id", "featured", "visibility", "tax_class", "low_stock", "sold_individually", "length", "width", "height",
    "reviews", "purchase_note", "shipping_class", "download_limit", "download_expiry", "grouped", "upsells",
    "cross_sells", "external_url", "button_text", "position",
)  # fmt: skip
_VARIANT_KEPT: Final = ("id", "tax_class", "low_stock", "length", "width", "height", "shipping_class")
_DEFAULTS: Final = {"visibility": "visible", "featured": "0", "sold_individually": "0", "position": "0"}

_PRESENT: Final = {
    "name": "title", "published": "status", "visibility": "status", "description": "description_html",
    "short_description": "description_html", "tags": "tags", "categories": "categories", "images": "pictures",
    "brands": "vendor", "sku": "sku", "gtin": "barcode", "regular_price": "price", "sale_price": "compare_at",
    "stock": "stock", "in_stock": "stock", "backorders": "stock", "weight": "weight", "tax_status": "taxable",
    "cost": "cost", "type": "requires_shipping", "parent": "options",
}  # fmt: skip

_SEO: Final = {"meta: _yoast_wpseo_title": "seo_title", "meta: _yoast_wpseo_metadesc": "seo_description"}
_BLOCKS: Final = ("<p", "<div", "<ul", "<ol", "<table", "<h1", "<h2", "<h3", "<h4", "<blockquote", "<br")


class WooReader:
    """Turns the rows of one WooCommerce file into parts, one for each row; see `ShopifyReader` for the rest."""

    source_system = "woocommerce"

    def __init__(
        self, headers: Sequence[str], columns: WooColumns, *, exponent: int, today: date | None = None
    ) -> None:
        fields = dict(columns.fields)
        for position, header in enumerate(headers):
            seo = _SEO.get(header.strip().casefold())
            if seo:
                fields.setdefault(seo, position)
        self._cells = Cells(fields, headers, exponent=exponent, decimal_comma=True)
        self._attributes = columns.attributes
        self._unit = columns.weight_unit
        self._today = today or datetime.now(UTC).date()
        used = {*fields.values(), *(n for roles in columns.attributes.values() for n in roles.values())}
        self._extra = {
            n: header.strip() for n, header in enumerate(headers) if n not in used and header.strip()
        }
        self.present = frozenset(
            {_PRESENT[name] for name in fields if name in _PRESENT}
            | ({"seo_title", "seo_description"} & fields.keys())
            | ({"options"} if columns.attributes else set())
        )
        kept = {
            *_PRODUCT_KEPT,
            "type",
            "published",
            "short_description",
            "sale_price",
            "sale_from",
            "sale_to",
            "stock",
        }
        self.extra_names = sorted(
            {*self._extra.values(), *(self._cells.header(name) for name in kept), "attributes"}
        )
        self._seen: dict[str, dict[int, int]] = {}

    def parts(self, rows: Iterable[Row]) -> Iterator[Part]:
        """Yield one part for each row that says something new; a row repeated word for word says nothing."""
        for row in rows:
            yield self._part(row)

    def _part(self, row: Row) -> Part:
        cells = self._cells
        cells.take(row.line, [strip_guard(cell) for cell in row.cells])
        kinds = self._kinds()
        variation = "variation" in kinds
        part = Part(ProductRecord(line=row.line, key=""), rows=1)
        fault = self._fault(row, variation)
        if fault:
            cells.fail("", f"{fault}: the row is left out")
            part.failed_variants += variation
            part.failed_products += not variation
        else:
            key = self._identity(row, part, variation)
            if key and variation:
                self._read_variation(part, key, kinds)
            elif key:
                self._read_product(part, key, kinds)
        part.problems = cells.drain()
        return part

    def _fault(self, row: Row, variation: bool) -> str:
        cells = self._cells
        if any(cell.strip() for cell in row.cells[cells.width :]):
            return f"{len(row.cells)} cells under a header of {cells.width}, so they may have shifted"
        if row.cut_off and len(row.cells) < cells.width:
            return f"the file ends within this row, after {len(row.cells)} of {cells.width} cells"
        if variation:
            return "" if cells.text("parent") else "a variation that names no parent"
        return "" if cells.text("name") else "a product without a name"

    def _kinds(self) -> set[str]:
        kinds = {kind.strip() for kind in self._cells.text("type").casefold().split(",")} - {""}
        if unknown := kinds - KINDS:
            self._cells.warn("type", f"“{', '.join(sorted(unknown))[:60]}” is taken for a simple product")
        return kinds

    def _identity(self, row: Row, part: Part, variation: bool) -> str:
        """The row's key; empty for a row that repeats an earlier one word for word."""
        cells = self._cells
        sku, number = cells.text("sku"), cells.text("id")
        part.refs = [ref for ref in (sku, f"id:{number}" if number else "") if ref]
        if sku:
            key = f"sku:{sku}"
        elif number:
            key = f"id:{number}"
        elif variation:
            values = [cells.row[roles["values"]] for roles in self._attributes.values()]
            key = f"of:{cells.text('parent')}:{' / '.join(values)}"
        else:
            key = f"name:{title_key(cells.text('name'))}"
        key = bounded_key(key)
        lines = self._seen.setdefault(key, {})
        digest = hash(tuple(row.cells))
        if digest in lines:
            return ""
        if lines:
            first = next(iter(lines.values()))
            cells.warn(
                "sku" if sku else "name", f"stands in line {first} too, with other values: both are kept"
            )
            key = bounded_key(f"{key}#id:{number}" if number else f"{key}#{len(lines) + 1}")
        lines[digest] = row.line
        return key

    def _read_product(self, part: Part, key: str, kinds: set[str]) -> None:
        cells, record = self._cells, part.record
        part.key = record.key = key
        record.title = record.slug = cells.limited("name", MAX_TITLE)
        record.description_html = self._html(record.extra)
        record.tags = cells.names("tags", split_woo_list(cells.text("tags")))[:MAX_TAGS]
        record.vendor = ", ".join(split_woo_list(cells.limited("brands", MAX_NAME)))
        paths = (
            cells.path("categories", split_path(text)) for text in split_woo_list(cells.text("categories"))
        )
        record.categories = [path for path in dict.fromkeys(paths) if path]
        record.seo_title = cells.limited("seo_title", MAX_SEO)
        record.seo_description = cells.limited("seo_description", MAX_SEO)
        record.attributes = self._read_attributes()
        if record.attributes:
            record.extra["attributes"] = [
                {
                    "name": attribute.name,
                    "values": attribute.values,
                    "visible": attribute.visible,
                    "global": attribute.shared,
                    "default": attribute.default,
                }
                for attribute in record.attributes
            ]
        if kinds - {"simple", "variable"}:
            record.extra[cells.header("type")] = cells.text("type")
        record.extra.update(self._kept(_PRODUCT_KEPT))
        record.extra.update(extra_of(cells, self._extra))
        record.status = self._status(record.extra)
        self._read_pictures(part)
        if cells.text("stock").casefold() != "parent":
            record.on_hand = cells.whole("stock")
        if not kinds & {"variable", "grouped"}:
            self._read_variant(part, "", shipped="virtual" not in kinds)

    def _read_variation(self, part: Part, key: str, kinds: set[str]) -> None:
        cells, record = self._cells, part.record
        part.parent_ref = cells.text("parent")
        variant = self._read_variant(part, key, shipped="virtual" not in kinds)
        if variant is None:
            return
        variant.attributes = [(it.name, ", ".join(it.values)) for it in self._read_attributes()]
        self._read_pictures(part)
        variant.picture_url = record.pictures[0].url if record.pictures else ""
        variant.extra.update(self._kept(_VARIANT_KEPT))
        variant.extra.update(extra_of(cells, self._extra))
        description = cells.html("description")
        if description:
            variant.extra[cells.header("description")] = description
        if cells.text("published") not in ("", "1", "1.0"):
            variant.extra[cells.header("published")] = cells.text("published")
            cells.warn("published", "a variation that the old shop did not offer: it comes in all the same")

    def _read_variant(self, part: Part, key: str, *, shipped: bool) -> VariantRecord | None:
        cells = self._cells
        variant = VariantRecord(line=cells.line, key=key, requires_shipping=shipped)
        try:
            self._read_prices(variant)
        except ValueError:
            part.failed_variants += 1
            return None
        variant.sku = cells.limited("sku", MAX_NAME)
        variant.barcode = cells.limited("gtin", MAX_NAME)
        variant.taxable = cells.text("tax_status") in ("", "taxable")
        self._read_stock(variant)
        weight = cells.text("weight")
        if weight:
            try:
                variant.weight_grams = parse_grams(weight, self._unit, decimal_comma=True).number
            except ValueError as error:
                cells.warn("weight", f"{error}: left out")
            variant.extra[cells.header("weight")] = weight
        part.record.variants.append(variant)
        return variant

    def _read_prices(self, variant: VariantRecord) -> None:
        """A sale that runs today is the price, and the regular price what it is compared with."""
        cells = self._cells
        regular, sale = cells.amount("regular_price"), cells.amount("sale_price")
        variant.cost_minor = cells.amount("cost")
        variant.price_minor = regular
        if sale is None:
            return
        starts, ends = self._day("sale_from"), self._day("sale_to")
        if (starts is None or starts <= self._today) and (ends is None or self._today <= ends):
            variant.price_minor, variant.compare_at_minor = sale, regular
        if starts or ends:
            for name in ("sale_price", "sale_from", "sale_to"):
                if text := cells.text(name):
                    variant.extra[cells.header(name)] = text

    def _day(self, field: str) -> date | None:
        text = self._cells.text(field)
        if not text:
            return None
        try:
            return date.fromisoformat(text[:10])
        except ValueError:
            self._cells.warn(field, f"“{text[:40]}” is no date: left out")
            return None

    def _read_stock(self, variant: VariantRecord) -> None:
        cells = self._cells
        stock = cells.text("stock").casefold()
        in_stock = cells.text("in_stock").casefold()
        if stock == "parent":
            variant.stock_of_product = True
            variant.extra[cells.header("stock")] = "parent"
        elif stock:
            variant.on_hand = cells.whole("stock")
            variant.tracked = variant.on_hand is not None
        elif in_stock in ("0", "backorder"):
            variant.tracked, variant.on_hand = True, 0
        if in_stock == "backorder" or cells.text("backorders").casefold() in ("1", "notify", "yes"):
            variant.policy = "continue"

    def _read_attributes(self) -> list[AttributeRecord]:
        """The attributes the row has a name for."""
        cells = self._cells
        found = []
        for roles in self._attributes.values():
            name = cells.row[roles["name"]][:MAX_NAME]
            if not name:
                continue
            cell = {role: cells.row[position] for role, position in roles.items()}
            found.append(
                AttributeRecord(
                    name=name,
                    values=[value[:MAX_NAME] for value in split_woo_list(cell["values"])],
                    visible=cell.get("visible", "1") != "0",
                    shared=cell.get("shared", "0") == "1",
                    default=cell.get("default", ""),
                )
            )
        return found

    def _read_pictures(self, part: Part) -> None:
        cells = self._cells
        for text in split_woo_list(cells.text("images")):
            url = cells.picture_url("images", text)
            if not url or len(part.record.pictures) >= MAX_PICTURES:
                part.failed_images += 1
            elif all(picture.url != url for picture in part.record.pictures):
                part.record.pictures.append(PictureRecord(url))

    def _html(self, extra: dict[str, Any]) -> str:
        """The description, or the short one where there is none; the other one is kept in `extra`."""
        cells = self._cells
        long, short = cells.html("description"), cells.html("short_description")
        if long and short:
            extra[cells.header("short_description")] = unescape_newlines(short)
        return paragraphs(unescape_newlines(long or short))

    def _kept(self, names: Sequence[str]) -> dict[str, Any]:
        cells = self._cells
        return {
            cells.header(name): text
            for name in names
            if (text := cells.text(name)) and text != _DEFAULTS.get(name)
        }

    def _status(self, extra: dict[str, Any]) -> Status:
        """Active only what the old shop listed; a private, pending or hidden product becomes a draft."""
        cells = self._cells
        published = cells.text("published")
        if published not in ("", "1", "1.0"):
            extra[cells.header("published")] = published
            return "draft"
        return "draft" if cells.text("visibility") == "hidden" else "active"


def paragraphs(text: str) -> str:
    """HTML of a text that WordPress would show with paragraphs at blank lines; real HTML is left alone."""
    folded = text.casefold()
    if "\n" not in text or any(block in folded for block in _BLOCKS):
        return text
    blocks = (block.strip() for block in text.split("\n\n"))
    return "".join("<p>" + block.replace("\n", "<br>") + "</p>" for block in blocks if block)
