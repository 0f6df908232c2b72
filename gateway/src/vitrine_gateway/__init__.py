"""Vitrine's gateway: the web pages of storefront, account and studio, composed from the services' APIs; no database."""

from __future__ import annotations

from flask import Flask
from vitrine_kit.asgi import Bridge

from vitrine_gateway.settings import GatewaySettings


def create_app() -> Flask:
    """The Flask app, configured by the environment."""
    from vitrine_gateway.app import create_app as create

    return create()


def create_asgi() -> Bridge:
    """The ASGI application that gunicorn serves."""
    return Bridge(create_app())


__all__ = ["GatewaySettings", "create_app", "create_asgi"]
