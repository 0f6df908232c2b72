"""The catalogue as a whole: its document is true, its schema is what its migrations make, bad bodies are refused."""

import asyncio

import flask_migrate
import orjson
import pytest
from vitrine_catalog import create_app, create_asgi
from vitrine_kit.asgi import Bridge
from vitrine_kit.testing import create_service_database, drop_service_database, service_environment


async def test_the_document_names_every_route(catalog):
    document = (await catalog.client.get("/api/catalog/openapi.json")).json()
    paths = document["paths"]
    for path in (
        "/products",
        "/products/{product_id}",
        "/products/{product_id}/pictures",
        "/categories",
        "/search",
    ):
        assert f"/api/catalog/v1{path}" in paths
    assert not any(path.startswith("/internal") for path in paths)
    create = paths["/api/catalog/v1/products"]["post"]
    assert create["x-permission"] == "catalog:write"
    assert {"201", "401", "403", "409", "413", "415", "422"} <= set(create["responses"])
    currency = document["components"]["schemas"]["Money"]["properties"]["currency"]
    assert "EUR" in currency["enum"]


async def test_it_is_ready_once_its_schema_is_there(catalog):
    assert (await catalog.client.get("/livez")).status_code == 200
    ready = await catalog.client.get("/readyz")
    assert (ready.status_code, ready.json()["schema"]) == (200, "0002")


def test_the_migrations_make_the_tables_of_the_models_and_can_be_undone(keys, postgres_url, monkeypatch):
    """On a database of its own: up, compared with the models, down to nothing, and up again."""
    database = asyncio.run(create_service_database(postgres_url, "catalog"))
    for name, value in service_environment("catalog", keys, database).items():
        monkeypatch.setenv(name, value)
    try:
        with create_app().app_context():
            flask_migrate.upgrade()
            flask_migrate.check()
            flask_migrate.downgrade(revision="base")
            flask_migrate.upgrade()
    finally:
        asyncio.run(drop_service_database(postgres_url, database))


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'{"title": "x",}', 400),
        (b"\xff\xfe", 400),
        (b'{"title": "\xff"}', 400),
        (b'{"title": "\\ud800"}', 400),
        (b"[" * 100_000, 400),
        (b'{"extra": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001, 400),
        (b'{"extra": ' + b'{"a":' * 100 + b"1" + b"}" * 101, 422),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b'{"title": "a\\u0000b"}', 422),
        (b'{"title": "a", "title": 7}', 422),
        (b'{"title": "' + b"x" * 1_100_000 + b'"}', 413),
        (b'{"title": "a", "extra": {"n": 1e400}}', 201),
    ],
)
async def test_a_body_that_is_none_is_refused(catalog, content, status):
    headers = {**catalog.editor, "Content-Type": "application/json"}
    response = await catalog.client.post("/api/catalog/v1/products", content=content, headers=headers)
    assert response.status_code == status, response.text[:300]
    if status >= 400:
        assert orjson.loads(response.content)["status"] == status


async def test_another_kind_of_body_is_refused(catalog):
    response = await catalog.client.post("/api/catalog/v1/products", content=b"a=b", headers=catalog.editor)
    assert response.status_code == 415


@pytest.mark.parametrize(
    "path", ["/products/not-a-uuid", "/nothing", "/products/%00", "/categories/by-slug/%ff"]
)
async def test_an_address_that_is_none_is_not_found(catalog, path):
    response = await catalog.get(path)
    assert response.status_code in {404, 422}
    assert response.headers["Content-Type"] == "application/problem+json"


def test_gunicorn_gets_an_asgi_app(keys, catalog_database, monkeypatch):
    for name, value in service_environment("catalog", keys, catalog_database).items():
        monkeypatch.setenv(name, value)
    assert isinstance(create_asgi(), Bridge)
