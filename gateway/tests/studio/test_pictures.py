"""Pictures of a product in the studio."""

from __future__ import annotations

from typing import Any

import pytest
from gateway_browser import Browser, form_values
from shop_neighbours import FakeCatalog, body_of, made_id, refusal


@pytest.fixture
def product(catalog: FakeCatalog) -> dict[str, Any]:
    picture = {
        "id": made_id("front"),
        "url": "/media/front.webp",
        "alt": "Front",
        "position": 0,
        "width": 8,
        "height": 9,
    }
    return catalog.add("Tidal bowl", pictures=[picture])


async def test_a_file_is_sent_on_as_it_came(
    editor: Browser, catalog: FakeCatalog, product: dict[str, Any]
) -> None:
    path = f"/studio/products/{product['id']}"
    content = bytes(range(256)) * 5000
    done = await editor.fill(
        path,
        {"alt": "From above"},
        action=f"{path}/pictures",
        files={"file": ("bowl.png", content, "image/png")},
    )
    assert done.status_code == 303
    assert done.headers["Location"] == f"{path}#pictures"
    assert catalog.uploads == [
        {"file": {"filename": "bowl.png", "type": "image/png", "content": content}, "alt": "From above"}
    ]
    assert catalog.last("POST", "/pictures").headers["Idempotency-Key"]
    assert "The picture is added" in (await editor.get(path)).text


async def test_an_address_is_taken_too(
    editor: Browser, catalog: FakeCatalog, product: dict[str, Any]
) -> None:
    path = f"/studio/products/{product['id']}/pictures"
    done = await editor.fill(path, {"source_url": "https://a.example/x.jpg", "alt": ""})
    assert done.status_code == 303
    assert body_of(catalog.last("POST", "/pictures")) == {"source_url": "https://a.example/x.jpg", "alt": ""}


async def test_one_of_both_is_needed(editor: Browser, catalog: FakeCatalog, product: dict[str, Any]) -> None:
    page = await editor.fill(f"/studio/products/{product['id']}/pictures")
    assert page.status_code == 422
    assert "Choose a file, or give an address." in page.text


async def test_a_refusal_is_shown_at_its_field(
    editor: Browser, catalog: FakeCatalog, product: dict[str, Any]
) -> None:
    path = f"/studio/products/{product['id']}/pictures"
    catalog.refuse_next = refusal(422, "", [{"field": "source_url", "message": "Not over http."}])
    page = await editor.fill(path, {"source_url": "http://a.example/x.jpg"})
    assert 'id="source_url-error">Not over http.' in page.text
    catalog.refuse_next = refusal(415, "This is no picture.")
    page = await editor.fill(path, {}, files={"file": ("x.txt", b"text", "text/plain")})
    assert page.status_code == 422
    assert "This is no picture." in page.text


async def test_text_and_place_are_saved(
    editor: Browser, catalog: FakeCatalog, product: dict[str, Any]
) -> None:
    path = f"/studio/products/{product['id']}"
    one = f"{path}/pictures/{product['pictures'][0]['id']}"
    await editor.fill(path, {"alt": "Side", "position": "3"}, action=one)
    assert product["pictures"][0]["alt"] == "Side"
    assert product["pictures"][0]["position"] == 3
    await editor.fill(path, {"alt": "", "position": ""}, action=one)
    assert body_of(catalog.last("PATCH")) == {"alt": ""}
    await editor.fill(path, {"position": "first"}, action=one)
    assert "whole number" in (await editor.get(path)).text
    catalog.refuse_next = refusal(422, "Too far.")
    await editor.fill(path, {"alt": "x"}, action=one)
    assert "Too far." in (await editor.get(path)).text


async def test_removing_asks_first(editor: Browser, catalog: FakeCatalog, product: dict[str, Any]) -> None:
    path = f"/studio/products/{product['id']}/pictures/{product['pictures'][0]['id']}/delete"
    assert "Remove this picture?" in (await editor.get(path)).text
    assert len(product["pictures"]) == 1
    form = form_values((await editor.get(path)).text, path)
    assert (await editor.send("POST", path, data=form)).status_code == 303
    assert not product["pictures"]
    assert (await editor.get(path)).status_code == 404
