"""The rules that hold between a product's options and its variants, checked on what is about to be stored.

Errors name the field of the request they come from, so each variant brings its place there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from vitrine_catalog.products.models import MAX_VARIANTS, Variant
from vitrine_catalog.products.schemas import Option
from vitrine_catalog.wire import wrong


@dataclass(frozen=True, slots=True)
class Placed:
    """A variant with the path of its fields in the request: "variants.3." or, where it is the body itself, ""."""

    variant: Variant
    path: str


def check_options(options: Sequence[Option]) -> None:
    """Check that no two options share a name, whatever its case, and that no option lists a value twice.

    Raises:
        Unprocessable: names the option or value.
    """
    names: set[str] = set()
    for index, option in enumerate(options):
        if (name := option.name.casefold()) in names:
            raise wrong(f"options.{index}.name", f"There are two options “{option.name}”.")
        names.add(name)
        values: set[str] = set()
        for place, value in enumerate(option.values):
            if value in values:
                raise wrong(f"options.{index}.values.{place}", f"“{value}” is listed twice.")
            values.add(value)


def check_variants(options: Sequence[Option], placed: Sequence[Placed]) -> None:
    """Check the product's variants together: values of the options, no two alike, one currency, amounts complete.

    Raises:
        Unprocessable: names the variant and its field.
    """
    if len(placed) > MAX_VARIANTS:
        raise wrong("variants", f"A product may have at most {MAX_VARIANTS} variants.")
    seen: dict[tuple[str, ...], Placed] = {}
    listed = [set(option.values) for option in options]
    currency: str | None = None
    for place in placed:
        variant = place.variant
        _check_values(options, listed, place)
        twin = seen.setdefault(tuple(variant.option_values), place)
        if twin is not place:
            values = " / ".join(variant.option_values) or "no options"
            raise wrong(f"{place.path}option_values", f"Another variant has the same options ({values}).")
        if variant.currency is not None:
            currency = currency or variant.currency
            if variant.currency != currency:
                raise wrong(
                    f"{place.path}price.currency",
                    f"All variants of a product have one currency, and another is in {currency}.",
                )


def _check_values(options: Sequence[Option], listed: Sequence[set[str]], place: Placed) -> None:
    values = place.variant.option_values
    if len(values) != len(options):
        names = ", ".join(option.name for option in options) or "none"
        raise wrong(
            f"{place.path}option_values",
            f"Give one value for each option of the product ({names}), not {len(values)}.",
        )
    for index, value in enumerate(values):
        if value not in listed[index]:
            raise wrong(
                f"{place.path}option_values.{index}",
                f"“{value}” is not among the values of “{options[index].name}”.",
            )
