"""Vitrine's identity service: accounts, sign-in, tokens, roles; knows no products and no pages."""

from flask import Flask
from vitrine_kit.asgi import Bridge

from vitrine_users.app import create_app

__all__ = ["create_app", "create_asgi"]


def create_asgi(app: Flask | None = None) -> Bridge:
    """The service as an ASGI app.

    Run it with `gunicorn -c python:vitrine_kit.gunicorn_conf 'vitrine_users:create_asgi()'`.
    """
    return Bridge(app or create_app())
