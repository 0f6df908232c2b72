"""The page that shows the API documents of all services."""

from vitrine_gateway.docs.routes import bp

__all__ = ["bp"]
