"""A product as its page shows it: which variant is chosen, what each choice leads to, and what search engines read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from markupsafe import Markup

from vitrine_gateway.clients.catalog_types import Picture, Product, Variant
from vitrine_gateway.presentation import Presentation, major_units, picture_src, plain


@dataclass(frozen=True, slots=True)
class Choice:
    """One option of the product, the value chosen of it, and which values any variant has."""

    index: int
    name: str
    values: tuple[str, ...]
    chosen: str

    @property
    def field(self) -> str:
        return f"o{self.index + 1}"


def choose_variant(product: Product, args: Mapping[str, str]) -> Variant | None:
    """The variant the address asks for; else the nearest to the options it names; else the first that can be had."""
    by_id = {variant.id: variant for variant in product.variants}
    if (named := by_id.get(args.get("variant", ""))) is not None:
        return named
    wanted = [args.get(f"o{index + 1}", "") for index in range(len(product.options))]
    if any(wanted):
        return max(product.variants, key=lambda variant: _agreement(variant, wanted), default=None)
    available = (variant for variant in product.variants if variant.stock.available)
    return next(available, product.variants[0] if product.variants else None)


def _agreement(variant: Variant, wanted: Sequence[str]) -> tuple[int, bool]:
    matching = sum(have == want for have, want in zip(variant.option_values, wanted, strict=False) if want)
    return matching, variant.stock.available


def choices(product: Product, chosen: Variant | None) -> list[Choice]:
    """The product's options as a visitor chooses among them; none where there is nothing to choose."""
    if len(product.variants) < 2:
        return []
    picked = chosen.option_values if chosen is not None else ()
    return [
        Choice(index, option.name, option.values, picked[index] if index < len(picked) else "")
        for index, option in enumerate(product.options)
        if option.values
    ]


def ordered_pictures(product: Product, chosen: Variant | None) -> list[Picture]:
    """The product's pictures, the chosen variant's own first."""
    pictures = [picture for picture in product.pictures if picture_src(picture)]
    own = chosen.picture_id if chosen is not None else None
    return sorted(pictures, key=lambda picture: (picture.id != own if own else False, picture.position))


def variants_json(product: Product, formats: Presentation) -> Markup:
    """The variants for the script that follows the visitor's choice, safe inside a `script` element."""
    return embedded_json(
        [
            {
                "id": variant.id,
                "values": variant.option_values,
                "price": formats.money(variant.price),
                "before": formats.money(variant.compare_at_price) if variant.reduced else "",
                "availability": availability(variant),
                "available": variant.stock.available,
                "sku": variant.sku or "",
                "picture": variant.picture_id or "",
            }
            for variant in product.variants
        ]
    )


def availability(variant: Variant) -> str:
    """What a visitor is told of a variant's stock."""
    stock = variant.stock
    if not stock.available:
        return "Sold out"
    if stock.tracked and stock.policy == "deny" and stock.on_hand is not None and stock.on_hand <= 3:
        return "Last one" if stock.on_hand == 1 else f"Only {stock.on_hand} left"
    if stock.tracked and (stock.on_hand or 0) <= 0:
        return "On order"
    return "In stock"


def structured_data(product: Product, url: str, public_url: str) -> Markup:
    """The product as schema.org data (JSON-LD), safe inside a `script` element."""
    found: dict[str, Any] = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.title,
        "url": url,
        "description": plain(product.description_html, 500),
        "image": [_absolute(picture, public_url) for picture in product.pictures[:8] if picture_src(picture)],
    }
    if product.vendor:
        found["brand"] = {"@type": "Brand", "name": product.vendor}
    skus = [variant.sku for variant in product.variants if variant.sku]
    if skus:
        found["sku"] = skus[0]
    offers = [_offer(variant, url) for variant in product.variants if variant.price is not None]
    if len(offers) == 1:
        found["offers"] = offers[0]
    elif offers and (prices := product.price_range) is not None:
        found["offers"] = {
            "@type": "AggregateOffer",
            "priceCurrency": prices.currency,
            "lowPrice": str(major_units(prices.min_minor, prices.currency)),
            "highPrice": str(major_units(prices.max_minor, prices.currency)),
            "offerCount": len(offers),
            "offers": offers[:100],
        }
    return embedded_json(found)


def _offer(variant: Variant, url: str) -> dict[str, Any]:
    assert variant.price is not None, "only variants with a price are offered"
    return {
        "@type": "Offer",
        "url": f"{url}?variant={variant.id}",
        "priceCurrency": variant.price.currency,
        "price": str(major_units(variant.price.amount_minor, variant.price.currency)),
        "availability": f"https://schema.org/{'InStock' if variant.stock.available else 'OutOfStock'}",
        **({"sku": variant.sku} if variant.sku else {}),
    }


def _absolute(picture: Picture, public_url: str) -> str:
    src = picture_src(picture)
    return src if src.startswith("https://") else f"{public_url}{src}"


def embedded_json(value: Any) -> Markup:
    """JSON that cannot close the `script` element around it, whatever a title holds."""
    text = orjson.dumps(value).decode()
    for char in "<>&\u2028\u2029":
        text = text.replace(char, f"\\u{ord(char):04x}")
    return Markup(text)  # noqa: S704 - every character that ends a script element was escaped above
