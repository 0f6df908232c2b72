"""The handlers of neighbours' events, each run in the transaction that marks the event as taken."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession
from vitrine_kit import idempotency
from vitrine_kit.events import InboundEvent, inbox_blueprint
from vitrine_kit.logs import get_logger

from vitrine_catalog.imports import queries as import_queries
from vitrine_catalog.products import queries
from vitrine_catalog.wire import wrong

log = get_logger(__name__)


async def forget_person(session: AsyncSession, event: InboundEvent) -> None:
    """Take an erased person's id off everything they made or changed; what they made stays."""
    try:
        person_id = UUID(event.aggregate_id)
    except ValueError:
        raise wrong("aggregate_id", "This is not a person's id.") from None
    found = await queries.forget_person(session, person_id)
    await import_queries.forget_person(session, person_id)
    await idempotency.forget(session, f"user:{person_id}")
    log.info("person_forgotten", products=found)


blueprint = inbox_blueprint({"person.deleted": forget_person}, sources=("users",))
