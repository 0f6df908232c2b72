"""Names of people come from users, in one request for a page, and are left out while users is away."""

from uuid import UUID

from vitrine_kit.ids import new_id


async def products_of(catalog, *people: UUID) -> None:
    for person in people:
        headers = catalog.keys.bearer("catalog:write", user_id=person)
        response = await catalog.send("POST", "/products", {"title": "x", "status": "active"}, as_=headers)
        assert response.status_code == 201


async def test_a_page_asks_for_all_its_names_at_once(catalog):
    ada, bob, gone = new_id(), new_id(), new_id()
    catalog.users.people |= {ada: "Ada", bob: "Bob"}
    await products_of(catalog, ada, bob, gone, ada)
    items = (await catalog.get("/products?expand=created_by&sort=oldest")).json()["items"]
    assert [item["created_by"] for item in items] == [
        {"id": str(ada), "name": "Ada"},
        {"id": str(bob), "name": "Bob"},
        str(gone),
        {"id": str(ada), "name": "Ada"},
    ]
    assert [sorted(batch) for batch in catalog.users.batches] == [sorted(map(str, (ada, bob, gone)))]
    one = await catalog.get(f"/products/{items[0]['id']}?expand=created_by")
    assert one.json()["created_by"] == {"id": str(ada), "name": "Ada"}


async def test_without_expansion_nobody_is_asked(catalog):
    await products_of(catalog, new_id())
    await catalog.get("/products")
    assert catalog.users.batches == []


async def test_a_page_without_makers_asks_nobody(catalog):
    assert (await catalog.get("/products?expand=created_by")).json()["items"] == []
    assert (await catalog.get("/products?expand=created_by&fields=title")).status_code == 200
    assert catalog.users.batches == []


async def test_the_page_is_complete_while_users_is_away(catalog):
    ada = new_id()
    catalog.users.people[ada] = "Ada"
    await products_of(catalog, ada)
    catalog.users.away = True
    [item] = (await catalog.get("/products?expand=created_by")).json()["items"]
    assert item["created_by"] == str(ada)
    catalog.users.away = False
    catalog.users.refuses = True
    [item] = (await catalog.get("/products?expand=created_by")).json()["items"]
    assert item["created_by"] == str(ada)
    catalog.users.refuses = False
    [item] = (await catalog.get("/products?expand=created_by")).json()["items"]
    assert item["created_by"] == {"id": str(ada), "name": "Ada"}
