"""What a filled-in product form says to the catalog, and what differs where two people edited at once; no HTTP."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vitrine_kit.problems import FieldError, Problem
from wtforms import Field

from vitrine_gateway.clients.catalog_types import Category, Product
from vitrine_gateway.forms import add_error
from vitrine_gateway.presentation import minor_units, plain
from vitrine_gateway.studio.forms import MAX_ROWS, ProductForm, VariantRow, product_values

_API_TO_ROW = {
    "sku": "sku",
    "barcode": "barcode",
    "price": "price",
    "compare_at_price": "compare_at",
    "cost": "cost",
    "stock": "on_hand",
    "weight_grams": "weight_grams",
    "option_values": "option1",
}
PRODUCT_FIELDS: Mapping[str, str] = {
    "seo.title": "seo_title",
    "seo.description": "seo_description",
    "options": "option1_name",
    "options.0": "option1_name",
    "options.1": "option2_name",
    "options.2": "option3_name",
}
_VARIANT_PATH = re.compile(r"^variants\.(\d+)(?:\.(\w+))?(?:\.(\d))?")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that the saved version and the version in the form do not agree on."""

    label: str
    theirs: str
    mine: str


def product_body(form: ProductForm, *, with_variants: bool = True) -> dict[str, Any] | None:
    """The form as the catalog's merge patch, or None when it cannot be read; the fields then say why."""
    body: dict[str, Any] = {
        "title": form.title.data,
        "status": form.status.data,
        "vendor": form.vendor.data or "",
        "product_type": form.product_type.data or "",
        "tags": [tag for part in (form.tags.data or "").split(",") if (tag := part.strip())],
        "description_html": form.description_html.data or "",
        "seo": {
            "title": form.seo_title.data or None,
            "description": _one_line(form.seo_description.data) or None,
        },
        "category_ids": form.category_ids.data or [],
    }
    if form.slug.data:
        body["slug"] = form.slug.data
    if with_variants:
        rows = kept_rows(form)
        names = _used_options(form, rows)
        variants = [_variant_body(row, form.currency.data, len(names)) for row in rows]
        body["options"] = [
            {"name": name, "values": _values_of(rows, index)} for index, name in enumerate(names)
        ]
        body["variants"] = variants
    return None if _has_errors(form) else body


def kept_rows(form: ProductForm) -> list[VariantRow]:
    """The lines that are variants: not empty, not marked for removal."""
    rows = [entry.form for entry in form.variants.entries]
    return [row for row in rows if not row.empty and not row.remove.data]


def _used_options(form: ProductForm, rows: Sequence[VariantRow]) -> list[str]:
    """The names of the options, complaining where values stand under no name or names over no values."""
    names = form.option_names
    fields = (form.option1_name, form.option2_name, form.option3_name)
    while names and not names[-1]:
        names.pop()
    for index, field in enumerate(fields):
        named = index < len(names)
        if named and not names[index]:
            add_error(field, "Name this option, or move the next one here.")
        for row in rows:
            value = row.options[index]
            if named and not value.data:
                add_error(value, f"Give a value for {names[index] or 'this option'}.")
            elif not named and value.data:
                add_error(field, "Some variants have a value here: give the option a name.")
                break
    return names


def _values_of(rows: Sequence[VariantRow], index: int) -> list[str]:
    return list(dict.fromkeys(row.options[index].data for row in rows if row.options[index].data))


def _variant_body(row: VariantRow, currency: str, options: int) -> dict[str, Any]:
    body: dict[str, Any] = {
        "sku": row.sku.data or None,
        "barcode": row.barcode.data or None,
        "option_values": [row.options[index].data or "" for index in range(options)],
        "price": _money(row.price, currency),
        "compare_at_price": _money(row.compare_at, currency),
        "cost": _money(row.cost, currency),
        "stock": {
            "tracked": bool(row.tracked.data),
            "on_hand": row.on_hand.data or 0,
            "policy": "continue" if row.sell_on.data else "deny",
        },
        "weight_grams": row.weight_grams.data,
    }
    if row.id.data:
        body["id"] = row.id.data
    return body


def _money(field: Field, currency: str) -> dict[str, Any] | None:
    if not field.data:
        return None
    try:
        return {"amount_minor": minor_units(field.data, currency), "currency": currency}
    except ValueError as error:
        add_error(field, str(error))
        return None


def _one_line(text: str | None) -> str:
    return " ".join((text or "").split())


def _has_errors(form: ProductForm) -> bool:
    fields = [field for field in form if field.name != "variants"]
    cells = [cell for entry in form.variants.entries for cell in entry.form]
    return any(field.errors for field in (*fields, *cells))


def split_problem(form: ProductForm, problem: Problem) -> list[FieldError]:
    """Shows what the catalog said of variants in the table's cells; returns what it said of anything else."""
    rows, rest = kept_rows(form), []
    for error in problem.errors:
        found = _VARIANT_PATH.match(error.field.removeprefix("body."))
        if found is None or int(found[1]) >= len(rows):
            rest.append(error)
            continue
        row, member, index = rows[int(found[1])], found[2] or "", found[3]
        name = (
            f"option{int(index) + 1}"
            if member == "option_values" and index
            else _API_TO_ROW.get(member, "sku")
        )
        add_error(row._fields[name], error.message)
    return rest


def differences(form: ProductForm, saved: Product, categories: Sequence[Category]) -> list[Difference]:
    """What the form would change of the version that was saved meanwhile, field by field."""
    theirs = product_values(saved, "", form.currency.data)
    names = {category.id: category.name for category in categories}
    found = []
    for name in ("title", "slug", "status", "vendor", "product_type", "tags", "seo_title", "seo_description"):
        found.append(Difference(form[name].label.text, theirs[name], form[name].data or ""))
    found.append(
        Difference(
            form.description_html.label.text,
            plain(theirs["description_html"], 600),
            plain(form.description_html.data, 600),
        )
    )
    chosen = (theirs["category_ids"], form.category_ids.data or [])
    category_texts = [", ".join(sorted(names.get(entry, entry) for entry in ids)) for ids in chosen]
    found.append(Difference("Categories", *category_texts))
    if len(saved.variants) <= MAX_ROWS:
        mine = [_row_text({field.short_name: field.data for field in row}) for row in kept_rows(form)]
        found.append(Difference("Variants", "\n".join(map(_row_text, theirs["variants"])), "\n".join(mine)))
    return [entry for entry in found if entry.theirs != entry.mine]


def _row_text(values: Mapping[str, Any]) -> str:
    named = " / ".join(filter(None, (values["option1"], values["option2"], values["option3"])))
    stock = f"{values['on_hand'] or 0} on hand" if values["tracked"] else "stock not tracked"
    parts = (named, values["sku"], values["price"], stock)
    return " · ".join(part for part in parts if part)
