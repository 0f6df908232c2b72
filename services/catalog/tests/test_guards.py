"""Every route of the catalogue is guarded as it says; a walk over the URL map leaves none out."""

from typing import Any

import pytest
from vitrine_catalog import create_app
from vitrine_kit.ids import new_id
from vitrine_kit.openapi import INTERNAL, PUBLIC, Operation
from vitrine_kit.settings import ServiceSettings

# Routes that are no operations of the API, and why each may be.
OPEN_BY_NATURE = {
    "/livez": "asked by the process manager",
    "/readyz": "asked by the process manager",
    "/metrics": "guards itself",
    "/api/catalog/openapi.json": "documentation",
    "/api/catalog/<path:path>": "answers 404",
    "/internal/events": "demands a neighbour's credential itself",
    "/static/<path:filename>": "Flask's own; there is no such folder",
}


def routes() -> list[tuple[str, str, Operation]]:
    app = create_app(
        ServiceSettings(secret_key="s" * 32, database_url="postgresql://nobody@127.0.0.1:1/nothing")  # type: ignore[arg-type]
    )
    found = []
    for rule in app.url_map.iter_rules():
        operation: Any = getattr(app.view_functions[rule.endpoint], "__vitrine_operation__", None)
        if operation is None:
            assert rule.rule in OPEN_BY_NATURE, f"{rule.rule} declares no permission"
            continue
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            found.append((method, rule.rule, operation))
    return found


ROUTES = routes()


def path_of(rule: str) -> str:
    parts = [str(new_id()) if part.startswith("<uuid:") else part for part in rule.split("/")]
    return "/".join("some-slug" if part.startswith("<") else part for part in parts)


def test_reading_is_public_and_writing_is_not():
    for method, rule, operation in ROUTES:
        assert operation.permission != INTERNAL
        if "/imports" in rule:
            continue
        assert operation.permission == (PUBLIC if method == "GET" else "catalog:write"), rule


@pytest.mark.parametrize(("method", "rule", "operation"), ROUTES)
async def test_a_route_lets_in_only_whom_it_says(catalog, method, rule, operation):
    path = path_of(rule)
    anonymous = await catalog.client.request(method, path)
    if operation.permission == PUBLIC:
        assert anonymous.status_code in {200, 404, 422}, anonymous.text
        return
    assert anonymous.status_code == 401
    customer = await catalog.client.request(method, path, headers=catalog.customer)
    assert customer.status_code == 403
    allowed = await catalog.client.request(
        method, path, json={}, headers=catalog.keys.bearer("catalog:read_drafts", operation.permission)
    )
    assert allowed.status_code not in {401, 403, 500}, allowed.text


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", ""])
async def test_a_token_that_is_none_is_refused_on_public_routes_too(catalog, token):
    response = await catalog.get("/products", headers={"Authorization": f"Bearer {token}"})
    assert response.status_code == 401


async def test_the_internal_address_demands_a_neighbours_credential(catalog):
    for headers in ({}, catalog.editor, catalog.keys.service_header("gateway", "catalog")):
        response = await catalog.client.post("/internal/events", json={}, headers=headers)
        assert response.status_code in {401, 403}, headers
