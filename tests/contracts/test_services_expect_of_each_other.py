"""What users and catalog rely on in one another: names in a batch, and the news of a person's deletion."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx


async def test_catalog_gets_the_names_of_a_whole_page_in_one_request(providers: Any) -> None:
    neighbour = providers.neighbour("catalog", "users")
    async with httpx.AsyncClient(base_url=providers.users_url) as client:
        body = {
            "email": f"{uuid4().hex}@example.org",
            "password": "quiet harbour lantern seven",
            "name": "Ada",
        }
        assert (await client.post("/api/users/v1/registrations", json=body)).status_code == 202
        found = await client.get(
            "/api/users/v1/users",
            params={"email": body["email"]},
            headers={"Authorization": f"Bearer {providers.owner_token}"},
        )
        [person] = found.json()["items"]
    unknown = str(uuid4())
    answer = await neighbour.post("/internal/people", json={"ids": [person["id"], unknown]}, idempotent=True)
    await neighbour.aclose()
    assert answer.status_code == 200
    assert answer.json()["people"] == [{"id": person["id"], "name": "Ada"}]


async def test_catalog_takes_the_news_of_a_deletion_once_and_again(providers: Any) -> None:
    neighbour = providers.neighbour("users", "catalog")
    event = {
        "id": str(uuid4()),
        "topic": "person.deleted",
        "aggregate_id": str(uuid4()),
        "occurred_at": datetime.now(UTC).isoformat(),
        "payload": {},
    }
    event["payload"] = {"user_id": event["aggregate_id"]}
    first = await neighbour.post("/internal/events", json=event, idempotent=True)
    again = await neighbour.post("/internal/events", json=event, idempotent=True)
    await neighbour.aclose()
    assert 200 <= first.status_code < 300
    assert 200 <= again.status_code < 300


async def test_neither_takes_a_stranger(providers: Any) -> None:
    for url, path in ((providers.users_url, "/internal/people"), (providers.catalog_url, "/internal/events")):
        async with httpx.AsyncClient(base_url=url) as client:
            assert (await client.post(path, json={})).status_code == 401
