"""Applies what a request says to the rows of variants, in memory; nothing here reads or writes the database."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from vitrine_kit.ids import new_id

from vitrine_catalog.products.models import Variant
from vitrine_catalog.products.schemas import VariantCreate, VariantEntry, VariantPatch
from vitrine_catalog.wire import bounded_extra, wrong

_AMOUNTS: Mapping[str, str] = {
    "price": "price_minor",
    "compare_at_price": "compare_at_minor",
    "cost": "cost_minor",
}


def completed(entry: VariantEntry, path: str) -> VariantCreate:
    """Return the entry of a new variant with the defaults for what it leaves out."""
    given = entry.model_dump(exclude_unset=True, exclude={"id", "position"})
    for name in ("price", "compare_at_price", "cost"):
        amount = given.get(name)
        if amount is not None and (amount.get("amount_minor") is None or amount.get("currency") is None):
            raise wrong(f"{path}{name}", "Give amount_minor and currency.")
    stock = {name: value for name, value in (given.pop("stock", None) or {}).items() if value is not None}
    kept = {name: value for name, value in given.items() if value is not None}
    return VariantCreate.model_validate({**kept, "stock": stock})


def new_variant(product_id: UUID, given: VariantCreate, position: int, path: str) -> Variant:
    variant = Variant(
        id=new_id(),
        product_id=product_id,
        position=position,
        sku=given.sku or None,
        barcode=given.barcode or None,
        option_values=list(given.option_values),
        stock_tracked=given.stock.tracked,
        stock_on_hand=given.stock.on_hand,
        stock_policy=given.stock.policy,
        weight_grams=given.weight_grams,
        picture_id=given.picture_id,
        requires_shipping=given.requires_shipping,
        taxable=given.taxable,
        extra=given.extra,
    )
    amounts = {name: getattr(given, name) for name in _AMOUNTS}
    changes = {name: amount.model_dump() if amount else None for name, amount in amounts.items()}
    _set_amounts(variant, changes, path)
    return variant


def _set_amounts(variant: Variant, changes: Mapping[str, Mapping[str, Any] | None], path: str) -> None:
    """Change amounts; those of one variant share its currency, so a new currency must come with every amount."""
    currencies: dict[str, str | None] = {
        name: variant.currency for name, column in _AMOUNTS.items() if getattr(variant, column) is not None
    }
    for name, change in changes.items():
        column = _AMOUNTS[name]
        if change is None:
            setattr(variant, column, None)
            currencies.pop(name, None)
            continue
        if change.get("amount_minor") is not None:
            setattr(variant, column, change["amount_minor"])
        if getattr(variant, column) is None:
            raise wrong(f"{path}{name}.amount_minor", "There is no amount yet: give one.")
        currencies[name] = change.get("currency") or currencies.get(name) or variant.currency
        if currencies[name] is None:
            raise wrong(f"{path}{name}.currency", "There is no currency yet: give one.")
    if len(set(currencies.values())) > 1:
        named = next(name for name in (*changes, *currencies) if name in currencies)
        listed = ", ".join(sorted({str(code) for code in currencies.values()}))
        raise wrong(f"{path}{named}.currency", f"All amounts of a variant have one currency, not {listed}.")
    variant.currency = next(iter(currencies.values()), None)


def patch_variant(variant: Variant, patch: VariantPatch, path: str) -> None:
    given = patch.model_fields_set
    for name in ("sku", "barcode"):
        if name in given:
            setattr(variant, name, getattr(patch, name) or None)
    for name in ("weight_grams", "picture_id"):
        if name in given:
            setattr(variant, name, getattr(patch, name))
    for name, default in (("requires_shipping", True), ("taxable", True), ("position", 0)):
        if name in given:
            value = getattr(patch, name)
            setattr(variant, name, default if value is None else value)
    if "option_values" in given:
        variant.option_values = list(patch.option_values or [])
    if "stock" in given:
        _patch_stock(variant, patch)
    if "extra" in given:
        variant.extra = merged_extra(variant.extra, patch.extra, f"{path}extra")
    changes = {}
    for name in _AMOUNTS:
        if name in given:
            amount = getattr(patch, name)
            changes[name] = amount.model_dump(exclude_unset=True) if amount is not None else None
    _set_amounts(variant, changes, path)


def _patch_stock(variant: Variant, patch: VariantPatch) -> None:
    if patch.stock is None:
        variant.stock_tracked, variant.stock_on_hand, variant.stock_policy = False, 0, "deny"
        return
    defaults: Mapping[str, Any] = {"tracked": False, "on_hand": 0, "policy": "deny"}
    for name in patch.stock.model_fields_set:
        value = getattr(patch.stock, name)
        setattr(variant, f"stock_{name}", defaults[name] if value is None else value)


def merge_patch(target: Any, patch: Any) -> Any:
    """Return what a JSON merge patch makes of a value (RFC 7396, section 2); neither is changed."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            merged.pop(name, None)
        else:
            merged[name] = merge_patch(merged.get(name), value)
    return merged


def merged_extra(present: dict[str, Any], patch: dict[str, Any] | None, field: str) -> dict[str, Any]:
    if patch is None:
        return {}
    try:
        merged: dict[str, Any] = bounded_extra(merge_patch(present, patch))
    except ValueError as error:
        raise wrong(field, str(error)) from None
    return merged
