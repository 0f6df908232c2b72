"""Vitrine's catalogue service: products, variants, categories, pictures, search and imports over HTTP."""

from vitrine_catalog.app import create_app, create_asgi

__all__ = ["create_app", "create_asgi"]
