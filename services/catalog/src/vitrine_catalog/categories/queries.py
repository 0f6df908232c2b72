"""Every statement about categories."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, bindparam, delete, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from vitrine_catalog.categories.models import MAX_DEPTH, Category
from vitrine_catalog.rows import Rows

TREE_LOCK = "catalog.category-tree"

_COLUMNS = (
    "c.id, c.slug, c.name, c.parent_id, c.position, c.description_html, c.created_at, c.updated_at, c.version"
)

_TREE = text(f"""
WITH RECURSIVE tree AS (
    SELECT {_COLUMNS}, 1 AS depth, ARRAY[row(c.position, lower(c.name), c.id)] AS place,
        CAST(:parent AS text) IS NULL AS wanted
    FROM category c WHERE c.parent_id IS NULL
    UNION ALL
    SELECT {_COLUMNS}, tree.depth + 1, tree.place || row(c.position, lower(c.name), c.id),
        tree.wanted OR tree.slug = CAST(:parent AS text)
    FROM category c JOIN tree ON c.parent_id = tree.id
    WHERE tree.depth < {MAX_DEPTH}
)
SELECT * FROM tree WHERE wanted AND depth <= coalesce(CAST(:depth AS integer), {MAX_DEPTH}) ORDER BY place
""")  # noqa: S608 - constants alone

_DEPTH = f"""(
    WITH RECURSIVE up AS (
        SELECT c.parent_id AS above, 1 AS depth
        UNION ALL
        SELECT p.parent_id, up.depth + 1 FROM category p JOIN up ON p.id = up.above WHERE up.depth <= {MAX_DEPTH}
    ) SELECT max(depth) FROM up) AS depth"""  # noqa: S608 - constants alone
_BY_ID = text(f"SELECT {_COLUMNS}, {_DEPTH} FROM category c WHERE c.id = CAST(:id AS uuid)")  # noqa: S608
_BY_SLUG = text(f"SELECT {_COLUMNS}, {_DEPTH} FROM category c WHERE c.slug = CAST(:slug AS text)")  # noqa: S608

_ABOVE = text(f"""
WITH RECURSIVE up AS (
    SELECT id, parent_id, 1 AS depth FROM category WHERE id = CAST(:id AS uuid)
    UNION ALL
    SELECT c.id, c.parent_id, up.depth + 1 FROM category c JOIN up ON c.id = up.parent_id WHERE up.depth <= {MAX_DEPTH}
) SELECT id FROM up
""")  # noqa: S608
_HEIGHT = text(f"""
WITH RECURSIVE down AS (
    SELECT id, 1 AS level FROM category WHERE id = CAST(:id AS uuid)
    UNION ALL
    SELECT c.id, down.level + 1 FROM category c JOIN down ON c.parent_id = down.id WHERE down.level <= {MAX_DEPTH}
) SELECT max(level) FROM down
""")  # noqa: S608

_LOCK = (
    select(Category)
    .where(Category.id == bindparam("id"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_TAKEN_SLUGS = select(Category.slug).where(Category.slug.in_(bindparam("slugs", expanding=True)))
_HAS_CHILDREN = select(Category.id).where(Category.parent_id == bindparam("id")).limit(1)


async def tree_rows(
    rows: Rows, *, parent: str | None = None, depth: int | None = None
) -> Sequence[RowMapping]:
    """Return the categories in tree order, with their depth."""
    return await rows(_TREE, {"parent": parent, "depth": depth})


async def find_category_row(
    rows: Rows, *, category_id: UUID | None = None, slug: str | None = None
) -> RowMapping | None:
    """Return one category with its depth, by its id or else its slug, or None."""
    statement, params = (
        (_BY_ID, {"id": category_id}) if category_id is not None else (_BY_SLUG, {"slug": slug})
    )
    found = await rows(statement, params)
    return found[0] if found else None


async def lock_tree(session: AsyncSession) -> None:
    """Let nobody else change the tree until the transaction ends: two moves together could close a circle."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext(TREE_LOCK))))


async def lock_category(session: AsyncSession, category_id: UUID) -> Category | None:
    """Return the category, locked until the transaction ends, or None."""
    return (await session.execute(_LOCK, {"id": category_id})).scalar_one_or_none()


async def ids_up_from(session: AsyncSession, category_id: UUID) -> list[UUID]:
    """Return the category's id and those of all above it, nearest first; nothing where there is no such category."""
    return list((await session.execute(_ABOVE, {"id": category_id})).scalars())


async def height_of(session: AsyncSession, category_id: UUID) -> int:
    """Return how many levels the category and what is below it take up, 1 where nothing is below."""
    height: int = (await session.execute(_HEIGHT, {"id": category_id})).scalar_one()
    return height


async def taken_slugs(session: AsyncSession, slugs: Sequence[str]) -> set[str]:
    """Return those of the slugs that categories have."""
    return set((await session.execute(_TAKEN_SLUGS, {"slugs": list(slugs)})).scalars())


async def has_children(session: AsyncSession, category_id: UUID) -> bool:
    """Tell whether other categories lie below this one."""
    return (await session.execute(_HAS_CHILDREN, {"id": category_id})).first() is not None


async def delete_category(session: AsyncSession, category_id: UUID) -> None:
    """Delete the category; products that were in it stay."""
    await session.execute(delete(Category).where(Category.id == category_id))


def category_document(row: RowMapping) -> dict[str, Any]:
    """Return the document of one category (`CategoryOut`)."""
    names = (
        "id", "slug", "name", "parent_id", "depth", "position", "description_html", "created_at", "updated_at",
        "version",
    )  # fmt: skip
    return {name: row[name] for name in names}
