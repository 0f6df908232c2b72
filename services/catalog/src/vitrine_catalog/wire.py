"""Types of single fields that wire types of several features are made of, with their limits; no shape of a resource."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from pydantic import AfterValidator, Field, StringConstraints
from vitrine_kit.problems import FieldError, Unprocessable

from vitrine_catalog.money import CURRENCY_CODES, is_currency
from vitrine_catalog.products.models import MAX_PRICE_MINOR

MAX_EXTRA_BYTES = 64 * 1024
MAX_EXTRA_DEPTH = 16
MAX_SAFE_INTEGER = 2**53 - 1
MAX_DESCRIPTION_CHARS = 100_000

# One line of text: no control characters, which no field of a catalogue needs and which break exports and terminals.
LINE = r"^[^\x00-\x1f\x7f]*$"
FILLED_LINE = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$"
SLUG = r"^[a-z0-9]+(-[a-z0-9]+)*$"


def _known_currency(code: str) -> str:
    if not is_currency(code):
        raise ValueError("This is not a currency code of ISO 4217 (such as EUR).")
    return code


def _leaves(value: Any, depth: int = 1) -> Iterator[tuple[Any, int]]:
    yield value, depth
    if depth <= MAX_EXTRA_DEPTH and isinstance(value, dict | list):
        for child in value.values() if isinstance(value, dict) else value:
            yield from _leaves(child, depth + 1)


def bounded_extra(extra: dict[str, Any]) -> dict[str, Any]:
    """Return the extra fields unchanged.

    Raises:
        ValueError: they are nested too deeply, too large, or hold a number that JSON readers would round.
    """
    for value, depth in _leaves(extra):
        if depth > MAX_EXTRA_DEPTH:
            raise ValueError(f"Nest extra fields at most {MAX_EXTRA_DEPTH} levels deep.")
        if isinstance(value, int) and abs(value) > MAX_SAFE_INTEGER:
            raise ValueError("A number is larger than JSON readers can hold exactly; send it as a text.")
    if len(orjson.dumps(extra)) > MAX_EXTRA_BYTES:
        raise ValueError(f"Extra fields may take at most {MAX_EXTRA_BYTES} bytes.")
    return extra


Text255 = Annotated[str, StringConstraints(max_length=255, pattern=LINE)]
Title = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=FILLED_LINE)]
Filled255 = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=FILLED_LINE)]
Slug = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=SLUG)]
Html = Annotated[str, StringConstraints(max_length=MAX_DESCRIPTION_CHARS)]
SeoText = Annotated[str, StringConstraints(max_length=1000, pattern=LINE)]
Tags = Annotated[list[Filled255], Field(max_length=250)]
Status = Literal["draft", "active", "archived"]
StockPolicy = Literal["deny", "continue"]
AmountMinor = Annotated[int, Field(ge=0, le=MAX_PRICE_MINOR)]
Currency = Annotated[
    str, AfterValidator(_known_currency), Field(json_schema_extra={"enum": list(CURRENCY_CODES)})
]
Extra = Annotated[dict[str, Any], AfterValidator(bounded_extra)]
Grams = Annotated[int, Field(ge=0, le=2_000_000_000)]
OnHand = Annotated[int, Field(ge=-1_000_000_000, le=1_000_000_000)]
Position = Annotated[int, Field(ge=0, le=1_000_000)]
CategoryIds = Annotated[list[UUID], Field(max_length=100)]


def wrong(field: str, message: str) -> Unprocessable:
    """Return the problem of one field of the input."""
    return Unprocessable(f"{field}: {message}", errors=[FieldError(field, message)])
