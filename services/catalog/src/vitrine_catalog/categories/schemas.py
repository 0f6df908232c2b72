"""Wire types of categories, in and out."""

from datetime import datetime
from uuid import UUID

from pydantic import Field
from vitrine_kit.openapi import Query, Schema

from vitrine_catalog.categories.models import MAX_DEPTH
from vitrine_catalog.wire import Filled255, Html, Position, Slug


class CategoryCreate(Schema):
    """A new category, at the top or below another; a slug is made of the name unless one is given."""

    name: Filled255
    slug: Slug | None = None
    parent_id: UUID | None = None
    position: Position = 0
    """Order among the categories of the same parent; those at the same position go by name."""
    description_html: Html = ""


class CategoryPatch(Schema):
    """A change of a category as a JSON merge patch: left out keeps; a null parent moves it to the top."""

    name: Filled255 = Field(default_factory=str)
    slug: Slug = Field(default_factory=str)
    parent_id: UUID | None = None
    position: Position | None = None
    description_html: Html | None = None


class CategoryOut(Schema):
    """A category. `depth` is 1 at the top."""

    id: UUID
    slug: str
    name: str
    parent_id: UUID | None
    depth: int
    position: int
    description_html: str
    created_at: datetime
    updated_at: datetime
    version: int


class CategoryTree(Schema):
    """Categories in the order of the tree: each followed by those below it."""

    items: list[CategoryOut]
    next: str | None


class CategoryListQuery(Query):
    """Which part of the tree is wanted; all of it by default."""

    parent: str | None = Field(None, max_length=200, description="Slug; only what is below this category.")
    depth: int | None = Field(
        None, ge=1, le=MAX_DEPTH, description="Only categories down to this level; 1 is the top."
    )
