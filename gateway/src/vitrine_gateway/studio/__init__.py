"""The studio: where the shop's own people edit products and bring files in."""

from vitrine_gateway.studio import imports, pictures, products
from vitrine_gateway.studio.routes import bp

__all__ = ["bp", "imports", "pictures", "products"]
