"""Makes one product of the parts that were read of it, wherever in the file they stood; knows no format's columns."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import orjson

from .keys import variant_key
from .records import MAX_VARIANTS, ProductRecord, RowProblem, VariantRecord

MAX_OPTIONS: Final = 10
NO_VALUE: Final = "Default"
"""What stands for an option a variant has no value of, where its sisters have one."""

ANY_VALUE: Final = "Any"
"""What stands for an option a variation leaves open, where its sisters settle it."""

_HASH_VERSION: Final = b"vitrine-import-1"


@dataclass(slots=True)
class Combined:
    """A whole product, what was wrong with its parts, and how many of its variants had to be left out."""

    product: ProductRecord
    problems: list[RowProblem] = field(default_factory=list)
    failed_variants: int = 0


def combine(parts: Sequence[ProductRecord]) -> Combined:
    """One product of all its parts, in their order.

    Product fields come from the first part that has a title. Variants that repeat one before them word for
    word are passed over; those that only share its option values are left out and reported. Attributes that
    variants differ by become options.
    """
    base = next((part for part in parts if part.title), parts[0])
    combined = Combined(base)
    variants = [variant for part in parts for variant in part.variants]
    for part in parts:
        if part is not base:
            base.option_names = base.option_names or part.option_names
            base.extra = {**part.extra, **base.extra}
            known = {picture.url for picture in base.pictures}
            base.pictures += [picture for picture in part.pictures if picture.url not in known]
    base.variants = variants
    if any(variant.attributes is not None for variant in variants):
        _options_of_attributes(base)
    _settle_options(base, combined.problems)
    _drop_repeated(combined)
    for variant in base.variants:
        if variant.stock_of_product:
            variant.tracked = base.on_hand is not None
            variant.on_hand = base.on_hand
    _number_pictures(base)
    return combined


def content_hash(product: ProductRecord, currency: str) -> bytes:
    """A digest of everything that would be written; equal digests mean that there is nothing to do.

    Line numbers are left out: moving a product within the file changes nothing.
    """
    raw = orjson.loads(orjson.dumps(product))
    del raw["line"]
    for variant in raw["variants"]:
        del variant["line"]
    digest = hashlib.blake2b(_HASH_VERSION, digest_size=16)
    digest.update(currency.encode())
    digest.update(orjson.dumps(raw, option=orjson.OPT_SORT_KEYS))
    return digest.digest()


def _options_of_attributes(product: ProductRecord) -> None:
    """Make options of the attributes that at least one variation settles, in the product's own order."""
    order = {attribute.name: n for n, attribute in enumerate(product.attributes)}
    settled = dict.fromkeys(
        name for variant in product.variants for name, value in variant.attributes or () if value
    )
    names = sorted(settled, key=lambda name: order.get(name, len(order)))[:MAX_OPTIONS]
    for variant in product.variants:
        own = dict(variant.attributes or ())
        variant.option_values = [own.get(name) or ANY_VALUE for name in names]
        variant.attributes = None
    product.option_names = names


def _settle_options(product: ProductRecord, problems: list[RowProblem]) -> None:
    """Give every variant one value for each option; take Shopify's “Title: Default Title” for no options."""
    variants = product.variants
    if product.option_names == ["Title"] and all(
        variant.option_values in (["Default Title"], []) for variant in variants
    ):
        product.option_names = []
        for variant in variants:
            variant.option_values = []
        return
    _tell_names_apart(product)
    width = len(product.option_names)
    for variant in variants:
        missing = [n for n in range(width) if n >= len(variant.option_values) or not variant.option_values[n]]
        if missing:
            names = ", ".join(product.option_names[n] for n in missing)
            problems.append(
                RowProblem(
                    variant.line, names, f"no value of this option: {NO_VALUE} is put there", "warning"
                )
            )
        values = [*variant.option_values, *[""] * width][:width]
        variant.option_values = [value or NO_VALUE for value in values]


def _tell_names_apart(product: ProductRecord) -> None:
    """Number the options whose name, in whatever case, an option before them has."""
    used: set[str] = set()
    for n, name in enumerate(product.option_names):
        own = name
        number = 2
        while own.casefold() in used:
            own = f"{name} {number}"
            number += 1
        used.add(own.casefold())
        product.option_names[n] = own


def _drop_repeated(combined: Combined) -> None:
    """Keep one variant for each combination of option values."""
    kept: dict[tuple[str, ...], VariantRecord] = {}
    for variant in combined.product.variants:
        values = tuple(variant.option_values)
        first = kept.get(values)
        if first is None:
            if len(kept) >= MAX_VARIANTS:
                combined.failed_variants += 1
                combined.problems.append(
                    RowProblem(variant.line, "", f"a product has at most {MAX_VARIANTS} variants")
                )
                continue
            kept[values] = variant
        elif _content(first) != _content(variant):
            combined.failed_variants += 1
            what = " / ".join(values) or "the only variant of a product without options"
            combined.problems.append(
                RowProblem(
                    variant.line, "", f"{what} stands in line {first.line} too, with other values: left out"
                )
            )
    combined.product.variants = list(kept.values())
    for variant in combined.product.variants:
        variant.key = variant.key or variant_key(variant.option_values)


def _content(variant: VariantRecord) -> bytes:
    line, variant.line = variant.line, 0
    try:
        return orjson.dumps(variant)
    finally:
        variant.line = line


def _number_pictures(product: ProductRecord) -> None:
    """Order the pictures by the positions the file gives, where it gives any, and number them from 0."""
    numbered = sorted(
        enumerate(product.pictures),
        key=lambda item: (
            item[1].position if item[1].position is not None else len(product.pictures) + 1,
            item[0],
        ),
    )
    product.pictures = [picture for _, picture in numbered]
    for position, picture in enumerate(product.pictures):
        picture.position = position
