"""Wire types of search."""

from pydantic import Field
from vitrine_kit.openapi import Schema

from vitrine_catalog.products.schemas import ProductShape, ProductSummary


class SearchQuery(ProductShape):
    """What to search for; filters, fields and expansions are those of the product list."""

    q: str = Field(min_length=1, max_length=200)
    """Words to find. "in quotes" is a phrase, -word leaves out, OR is either; the last word may be unfinished."""


class Found(ProductSummary):
    """A product that was found, with how well it matches: higher is better, on no fixed scale."""

    rank: float | None = None


class SearchPage(Schema):
    """A page of what was found, best first."""

    items: list[Found]
    next: str | None
