"""All tables of the catalogue on one MetaData, so that migrations see them; the kit's own are added here."""

from vitrine_kit.events import inbox_table
from vitrine_kit.idempotency import idempotency_table
from vitrine_kit.jobs import worker_table

from vitrine_catalog.base import metadata
from vitrine_catalog.categories import models as categories
from vitrine_catalog.imports import models as imports
from vitrine_catalog.media import models as media
from vitrine_catalog.products import models as products

inbox = inbox_table(metadata)
idempotency_key = idempotency_table(metadata)
worker = worker_table(metadata)

__all__ = ["categories", "idempotency_key", "imports", "inbox", "media", "metadata", "products", "worker"]
