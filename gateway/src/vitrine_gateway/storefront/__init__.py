"""The public shop: home, categories, search and product pages; it writes nothing."""

from vitrine_gateway.storefront.routes import bp

__all__ = ["bp"]
