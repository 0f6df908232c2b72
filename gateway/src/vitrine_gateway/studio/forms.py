"""The studio's forms; the catalog has the last word on what is valid."""

from __future__ import annotations

from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import (
    BooleanField,
    FieldList,
    Form,
    FormField,
    HiddenField,
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, Length, NumberRange, Optional, Regexp

from vitrine_gateway.clients.catalog_types import Product, Variant
from vitrine_gateway.forms import KeyedForm, stripped
from vitrine_gateway.presentation import amount_text

MAX_OPTIONS = 3
MAX_ROWS = 100
STATUSES = {"draft": "Draft", "active": "Active", "archived": "Archived"}
CURRENCY = Regexp(r"^[A-Z]{3}$", message="Use three capital letters, such as EUR.")


def _line(label: str, limit: int = 255, **options: Any) -> StringField:
    return StringField(label, filters=[stripped], validators=[Length(max=limit)], **options)


class VariantRow(Form):  # type: ignore[misc]  # WTForms ships no types
    """One line of the variant table; a line left empty is no variant."""

    id = HiddenField()
    option1 = _line("Option 1")
    option2 = _line("Option 2")
    option3 = _line("Option 3")
    sku = _line("SKU")
    barcode = _line("Barcode")
    price = _line("Price", 30)
    compare_at = _line("Compare-at price", 30)
    cost = _line("Cost", 30)
    tracked = BooleanField("Track stock")
    on_hand = IntegerField("On hand", validators=[Optional(), NumberRange(-1_000_000_000, 1_000_000_000)])
    sell_on = BooleanField("Sell when out of stock")
    weight_grams = IntegerField("Weight in grams", validators=[Optional(), NumberRange(0, 2_000_000_000)])
    remove = BooleanField("Remove")

    @property
    def empty(self) -> bool:
        """Whether this is the spare line at the table's end, with nothing typed into it."""
        typed = (
            self.sku,
            self.barcode,
            self.price,
            self.compare_at,
            self.cost,
            self.on_hand,
            self.weight_grams,
        )
        named = (self.option1, self.option2, self.option3)
        return not self.id.data and not any(field.data not in (None, "") for field in (*typed, *named))

    @property
    def options(self) -> tuple[Any, Any, Any]:
        return self.option1, self.option2, self.option3


class ProductForm(KeyedForm):
    """A product with its variants and categories: one form, one save."""

    etag = HiddenField()
    title = StringField(
        "Title", filters=[stripped], validators=[DataRequired("Give the product a title."), Length(max=500)]
    )
    slug = _line("Address", 200)
    status = SelectField("Status", choices=[SelectChoice(value, label) for value, label in STATUSES.items()])
    vendor = _line("Vendor")
    product_type = _line("Type")
    tags = _line("Tags", 5000)
    description_html = TextAreaField("Description", filters=[stripped], validators=[Length(max=100_000)])
    seo_title = _line("Title for search engines", 1000)
    seo_description = TextAreaField(
        "Description for search engines", filters=[stripped], validators=[Length(max=1000)]
    )
    currency = StringField(
        "Currency", filters=[stripped, lambda value: value.upper() if value else value], validators=[CURRENCY]
    )
    option1_name = _line("Option 1")
    option2_name = _line("Option 2")
    option3_name = _line("Option 3")
    category_ids = SelectMultipleField("Categories", choices=[], validate_choice=False)
    variants = FieldList(FormField(VariantRow))

    @property
    def option_names(self) -> list[str]:
        fields = (self.option1_name, self.option2_name, self.option3_name)
        return [field.data or "" for field in fields]

    def add_spare_row(self) -> None:
        """An empty line at the end, so that a variant can be added without a script."""
        if len(self.variants.entries) < MAX_ROWS and not (
            self.variants.entries and self.variants.entries[-1].form.empty
        ):
            self.variants.append_entry({})


class DeleteForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A question with one answer: the button; `etag` says what was looked at when it was asked."""

    etag = HiddenField()


class PictureForm(KeyedForm):
    """A picture to add: a file, or the address of one."""

    file = FileField("Picture file")
    source_url = StringField("or its address", filters=[stripped], validators=[Length(max=2000)])
    alt = _line("What it shows", 500)


class PictureChangeForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """A picture's text and place."""

    alt = _line("What it shows", 500)
    position = IntegerField("Place", validators=[Optional(), NumberRange(0, 1_000_000)])


class ImportForm(KeyedForm):
    """A file to bring in."""

    file = FileField("File", validators=[FileRequired("Choose a file.")])
    currency = StringField(
        "Currency of its prices",
        filters=[stripped, lambda value: value.upper() if value else value],
        validators=[Optional(), CURRENCY],
    )
    name = _line("A name for this import", 200)


def product_values(product: Product, etag: str, currency: str) -> dict[str, Any]:
    """What the form shows of a product."""
    names = [option.name for option in product.options] + [""] * MAX_OPTIONS
    return {
        "etag": etag,
        "title": product.title,
        "slug": product.slug,
        "status": product.status,
        "vendor": product.vendor or "",
        "product_type": product.product_type or "",
        "tags": ", ".join(product.tags),
        "description_html": product.description_html or "",
        "seo_title": (product.seo.title if product.seo else None) or "",
        "seo_description": (product.seo.description if product.seo else None) or "",
        "currency": currency_of(product) or currency,
        "option1_name": names[0],
        "option2_name": names[1],
        "option3_name": names[2],
        "category_ids": [category.id for category in product.categories],
        "variants": [_row_values(variant) for variant in product.variants[:MAX_ROWS]],
    }


def currency_of(product: Product) -> str | None:
    """The currency of the product's prices, None while it has none."""
    amounts = (amount for v in product.variants for amount in (v.price, v.compare_at_price, v.cost))
    return next((amount.currency for amount in amounts if amount is not None), None)


def _row_values(variant: Variant) -> dict[str, Any]:
    values = [*variant.option_values, "", "", ""]
    return {
        "id": variant.id,
        "option1": values[0],
        "option2": values[1],
        "option3": values[2],
        "sku": variant.sku or "",
        "barcode": variant.barcode or "",
        "price": amount_text(variant.price),
        "compare_at": amount_text(variant.compare_at_price),
        "cost": amount_text(variant.cost),
        "tracked": variant.stock.tracked,
        "on_hand": variant.stock.on_hand,
        "sell_on": variant.stock.policy == "continue",
        "weight_grams": variant.weight_grams,
    }
