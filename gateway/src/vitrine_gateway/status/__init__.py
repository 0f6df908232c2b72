"""The page that says what is up."""

from vitrine_gateway.status.routes import bp

__all__ = ["bp"]
