"""Assembles the catalogue: registers its features, and does nothing else."""

from flask import Flask
from vitrine_kit.asgi import Bridge
from vitrine_kit.db import Database
from vitrine_kit.service import create_service
from vitrine_kit.settings import ServiceSettings

from vitrine_catalog import tables
from vitrine_catalog.categories import routes as categories
from vitrine_catalog.demo import cli as demo
from vitrine_catalog.events import handlers as events
from vitrine_catalog.imports import routes as imports
from vitrine_catalog.imports import tasks as _import_tasks  # noqa: F401 - declares its background tasks
from vitrine_catalog.media import tasks as _media_tasks  # noqa: F401 - declares its background tasks
from vitrine_catalog.people import names as people
from vitrine_catalog.pictures import routes as pictures
from vitrine_catalog.products import routes as products
from vitrine_catalog.search import routes as search


def create_app(settings: ServiceSettings | None = None) -> Flask:
    """Return the catalogue's Flask app.

    Args:
        settings: read from the environment by default.

    Raises:
        pydantic.ValidationError: a setting is missing or malformed.
    """
    settings = settings or ServiceSettings()
    app = create_service(
        "catalog",
        settings,
        import_name="vitrine_catalog",
        database=Database(settings, tables.metadata),
        neighbours={"users": settings.users_url},
        blueprints=(
            products.blueprint,
            pictures.blueprint,
            categories.blueprint,
            search.blueprint,
            imports.blueprint,
            events.blueprint,
        ),
    )
    people.register(app, app.extensions["vitrine"].neighbours["users"])
    demo.register(app)
    return app


def create_asgi() -> Bridge:
    """Return the catalogue as the ASGI app that gunicorn serves."""
    return Bridge(create_app())
