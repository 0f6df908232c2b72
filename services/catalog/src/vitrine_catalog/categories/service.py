"""The rules of the category tree: no circles, no twins, bounded depth.

Everything runs in the transaction of the caller. Whoever changes the shape of the tree holds its lock.
"""

from uuid import UUID

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit.ids import new_id
from vitrine_kit.problems import Conflict, FieldError, NotFound

from vitrine_catalog.base import utc_now
from vitrine_catalog.categories import queries
from vitrine_catalog.categories.models import MAX_DEPTH, Category
from vitrine_catalog.categories.schemas import CategoryCreate, CategoryPatch
from vitrine_catalog.texts import sanitised_off_loop, slug_of
from vitrine_catalog.wire import wrong

_SUFFIXES = 50


class NoCategory(NotFound):
    """There is no such category."""

    def __init__(self) -> None:
        super().__init__("There is no such category.")


async def create_category(session: AsyncSession, given: CategoryCreate) -> Category:
    """Add a category.

    Raises:
        Unprocessable: its parent does not exist, or lies too deep.
        Conflict: the slug is taken, or the parent has a category of this name.
    """
    await queries.lock_tree(session)
    if given.parent_id is not None:
        await _check_place(session, None, given.parent_id)
    category = Category(
        id=new_id(),
        name=given.name,
        parent_id=given.parent_id,
        position=given.position,
        description_html=await sanitised_off_loop(given.description_html),
    )
    category.slug = given.slug or await _free_slug(session, given.name, category.id)
    session.add(category)
    await _flush(session, category.slug, category.name)
    return category


async def lock_category(session: AsyncSession, category_id: UUID) -> Category:
    """Return the category, with the tree locked until the transaction ends.

    Raises:
        NotFound: there is none.
    """
    await queries.lock_tree(session)
    category = await queries.lock_category(session, category_id)
    if category is None:
        raise NoCategory
    return category


async def update_category(session: AsyncSession, category: Category, patch: CategoryPatch) -> None:
    """Apply the patch to a locked category; its slug stays as it is unless the patch names another.

    Raises:
        Unprocessable: it would lie below itself, or too deep.
        Conflict: the slug is taken, or the parent has a category of this name.
    """
    given = patch.model_fields_set
    if "parent_id" in given and patch.parent_id != category.parent_id:
        if patch.parent_id is not None:
            await _check_place(session, category, patch.parent_id)
        category.parent_id = patch.parent_id
    if "name" in given:
        category.name = patch.name
    if "slug" in given:
        category.slug = patch.slug
    if "position" in given:
        category.position = patch.position or 0
    if "description_html" in given:
        category.description_html = await sanitised_off_loop(patch.description_html or "")
    category.version += 1
    category.updated_at = utc_now()
    await _flush(session, category.slug, category.name)


async def delete_category(session: AsyncSession, category: Category) -> None:
    """Delete a locked category; the products in it stay.

    Raises:
        Conflict: other categories lie below it.
    """
    if await queries.has_children(session, category.id):
        raise Conflict("Other categories lie below this one: move or delete them first.")
    await queries.delete_category(session, category.id)


async def _check_place(session: AsyncSession, category: Category | None, parent_id: UUID) -> None:
    above = await queries.ids_up_from(session, parent_id)
    if not above:
        raise wrong("parent_id", "There is no such category.")
    if category is not None and category.id in above:
        raise wrong("parent_id", "A category cannot lie below itself.")
    height = await queries.height_of(session, category.id) if category is not None else 1
    if len(above) + height > MAX_DEPTH:
        raise wrong("parent_id", f"The tree may have at most {MAX_DEPTH} levels.")


async def _free_slug(session: AsyncSession, name: str, category_id: UUID) -> str:
    # The lock of the tree, which is held, keeps others from choosing the same.
    base = slug_of(name, "category")
    wanted = [base, *(f"{base}-{n}" for n in range(2, _SUFFIXES + 1))]
    taken = await queries.taken_slugs(session, wanted)
    return next((slug for slug in wanted if slug not in taken), f"{base}-{category_id.hex[-12:]}")


async def _flush(session: AsyncSession, slug: str, name: str) -> None:
    try:
        await session.flush()
    except IntegrityError as error:
        if "uq_category_slug" in str(error.orig):
            message = f"The slug “{slug}” is taken."
            raise Conflict(message, errors=[FieldError("slug", message)]) from error
        if "uq_category_parent_id_name" in str(error.orig):
            message = f"There is a category “{name}” in the same place already."
            raise Conflict(message, errors=[FieldError("name", message)]) from error
        raise
