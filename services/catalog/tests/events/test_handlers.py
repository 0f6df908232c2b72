"""What follows here when a person is erased in users."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from vitrine_kit.ids import new_id


def deleted(person: UUID, **members: Any) -> dict[str, Any]:
    return {
        "id": str(new_id()),
        "topic": "person.deleted",
        "aggregate_id": str(person),
        "occurred_at": datetime.now(UTC).isoformat(),
        "payload": {"person_id": str(person)},
        **members,
    }


async def deliver(catalog, event: dict[str, Any], sender: str = "users") -> int:
    headers = catalog.keys.service_header(sender, "catalog")
    return (await catalog.client.post("/internal/events", json=event, headers=headers)).status_code


async def test_an_erased_person_is_forgotten_and_what_they_made_stays(catalog):
    ada, bob = new_id(), new_id()
    as_ada = catalog.keys.bearer("catalog:write", "catalog:read_drafts", user_id=ada)
    as_bob = catalog.keys.bearer("catalog:write", "catalog:read_drafts", user_id=bob)
    first = (
        await catalog.send("POST", "/products", {"title": "One"}, as_={**as_ada, "Idempotency-Key": "k"})
    ).json()
    second = (await catalog.send("POST", "/products", {"title": "Two"}, as_=as_bob)).json()
    await catalog.send("PATCH", f"/products/{second['id']}", {"vendor": "x"}, as_=as_ada)
    event = deleted(ada)
    assert await deliver(catalog, event) == 204
    assert await deliver(catalog, event) == 204
    for made, maker in ((first, None), (second, str(bob))):
        found = (await catalog.get(f"/products/{made['id']}", headers=catalog.editor)).json()
        assert found["created_by"] == maker
    database = catalog.app.extensions["vitrine"].database
    async with database.read_connection() as connection:
        left = await connection.exec_driver_sql(
            "SELECT (SELECT count(*) FROM product WHERE updated_by = $1 OR created_by = $1)"
            " + (SELECT count(*) FROM idempotency_key WHERE subject = $2)",
            (ada, f"user:{ada}"),
        )
        assert left.scalar() == 0


async def test_only_users_may_tell_of_people(catalog):
    assert await deliver(catalog, deleted(new_id()), sender="gateway") == 403


async def test_an_event_of_no_person_is_refused_and_may_be_sent_again(catalog):
    event = deleted(new_id(), aggregate_id="nobody")
    assert await deliver(catalog, event) == 422
    assert await deliver(catalog, {**event, "aggregate_id": str(new_id())}) == 204


async def test_a_topic_that_is_not_known_here_is_taken_and_ignored(catalog):
    assert await deliver(catalog, deleted(new_id(), topic="weather.changed")) == 204
