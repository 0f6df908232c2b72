"""The studio: where the shop's own people edit products and bring files in."""

from vitrine_gateway.studio import (
    applications,
    audit,
    imports,
    outbox,
    people,
    pictures,
    products,
    roles,
    webhooks,
)
from vitrine_gateway.studio.routes import bp

__all__ = [
    "applications",
    "audit",
    "bp",
    "imports",
    "outbox",
    "people",
    "pictures",
    "products",
    "roles",
    "webhooks",
]
